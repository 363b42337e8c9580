"""Pretrained checkpoints of others as generators: BERT, NEZHA and RoFormer in Hugging Face's form.

A folder holds `config.json`, whose `model_type` names the family, and `model.safetensors`, whose
names of weights are BERT's, below `bert.`, `nezha.`, `roformer.` or nothing, with LayerNorm's
parameters under their new or old names (weight, bias; gamma, beta). So are read

- `bert`, absolute positions: BERT (Devlin et al. 2019), RoBERTa-wwm-ext and MacBERT (Cui et al.
  2020, 2021), WoBERT (Su 2020);
- `nezha`, relative positions (Wei et al. 2019);
- `roformer`, rotary positions (Su et al. 2021): RoFormer, over words or characters, RoFormer-Sim,
  and WoBERT Plus.

RoFormer's code turns neighbours, elements 2i and 2i + 1 of a head; `spaces.generate.positions`
turns elements i and i + D/2. The rows of the query and key matrices are put in that order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from spaces.errors import ModelError
from spaces.generate.backbone import ACTIVATIONS
from spaces.generate.model import Generator, GeneratorConfig
from spaces.generate.tokenizer import FIRST_SECTION
from spaces.sections import SECTIONS

__all__ = ["FAMILIES", "Checkpoint", "read_checkpoint"]

FAMILIES = {"bert": "absolute", "nezha": "relative", "roformer": "rotary"}
_BLOCK = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm": "output.LayerNorm",
}
_HEAD = {"transform": "transform.dense", "norm": "transform.LayerNorm"}
# tables that are computed, not learned, and the pooler, which nothing here reads
_IGNORED = ("position_ids", "positions_encoding", "embed_positions", "token_type_ids", "pooler.")


@dataclass
class Checkpoint:
    """A generator with the weights of a checkpoint, and what of it no checkpoint could fill."""

    family: str
    generator: Generator
    fresh: list[str] = field(default_factory=list)


def read_checkpoint(path: str | Path, *, seed: int = 42) -> Checkpoint:
    """The generator with a checkpoint's weights, float32, in evaluation mode.

    The copy head and the selective read are new, and so is the output head where the checkpoint has
    none (then it begins as the identity before the tied embeddings); `fresh` names them. Segments
    are extended to the sections of a judgment. Raises ModelError where the folder is not a
    checkpoint that can be read, saying what is in the way.
    """
    folder = Path(path)
    values = _config(folder)
    weights = _weights(folder)
    config = _sizes(folder, values, weights)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = Generator(config).eval()
    found, fresh = _translate(folder, generator, weights)
    own = generator.state_dict()
    for name, weight in found.items():
        if weight.shape != own[name].shape:
            raise ModelError(
                f"{folder}: expected {list(own[name].shape)} for {name}, found "
                f"{list(weight.shape)}: do config.json and model.safetensors belong together?"
            )
    generator.load_state_dict({**own, **found})
    generator.backbone.extend_segments(FIRST_SECTION + len(SECTIONS))
    generator.config.segments = generator.backbone.config.segments
    return Checkpoint(values["model_type"], generator, fresh)


def _config(folder: Path) -> dict[str, Any]:
    """config.json, when this backbone computes what it describes. Raises ModelError."""
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        family = values["model_type"]
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: expected a checkpoint in Hugging Face's form, found no config.json"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(
            f"{folder}: config.json: expected a JSON object with a model_type: is it a checkpoint "
            "in Hugging Face's form?"
        ) from None
    if family not in FAMILIES:
        reasons = {
            "albert": "its layers share their weights and its embeddings are factorized",
            "roberta": "its positions and special tokens are numbered otherwise (the Chinese "
            "RoBERTa-wwm-ext is a 'bert' and can be read)",
        }
        why = reasons.get(family, "its layers are not BERT's")
        raise ModelError(
            f"{folder}: expected model_type {', '.join(FAMILIES)}, found {family!r}: {why}"
        )
    hidden = values.get("hidden_size")
    refused = {
        "embedding_size": ((None, hidden), "factorized embeddings have no place here"),
        "position_embedding_type": ((None, "absolute"), "only BERT's absolute positions are read"),
        "rotary_value": ((None, False), "values that turn with their position are not computed"),
        "use_relative_position": ((None, True), "a NEZHA without relative positions is not read"),
        "use_bias": ((None, True), "layers without biases (RoFormer V2) are not read"),
        "norm_type": ((None, "layer_norm"), "another norm than LayerNorm is not computed"),
        "tie_word_embeddings": ((None, True), "the output layer here is the embeddings"),
        "hidden_act": (tuple(ACTIVATIONS), f"known are {', '.join(ACTIVATIONS)}"),
    }
    for key, (readable, why) in refused.items():
        value = values.get(key, readable[0])
        if value not in readable:
            raise ModelError(f"{folder}: config.json: {key} is {value!r}: {why}")
    return values


def _weights(folder: Path) -> dict[str, Tensor]:
    """Weights by BERT's names, without the family's prefix. Raises ModelError."""
    file = folder / "model.safetensors"
    if not file.is_file():
        pickled = [p.name for p in sorted(folder.glob("*.bin")) + sorted(folder.glob("*.ckpt*"))]
        advice = "name the folder that holds it (pickled weights are not read)"
        if pickled:
            advice = (
                f"{pickled[0]} is not read, because unpickling runs code; where you trust it, "
                'convert it: python -c "from transformers import AutoModelForMaskedLM as M; '
                "M.from_pretrained('DIR').save_pretrained('NEW')\""
            )
        raise ModelError(f"{folder}: expected model.safetensors, found none: {advice}")
    try:
        loaded = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file}: expected safetensors, found {error}: copy it again") from None
    weights = {}
    for name, weight in loaded.items():
        for prefix in (f"{family}." for family in FAMILIES):
            name = name.removeprefix(prefix)
        name = name.replace("LayerNorm.gamma", "LayerNorm.weight")
        weights[name.replace("LayerNorm.beta", "LayerNorm.bias")] = weight.float()
    return weights


def _sizes(folder: Path, values: dict[str, Any], weights: dict[str, Tensor]) -> GeneratorConfig:
    names = ["word_embeddings", "token_type_embeddings"]
    position = FAMILIES[values["model_type"]]
    names += ["position_embeddings"] if position == "absolute" else []
    rows = [len(_take(folder, weights, f"embeddings.{name}.weight")) for name in names]
    keys = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    missing = [key for key in keys if not isinstance(values.get(key), int)]
    if missing:
        raise ModelError(f"{folder}: config.json: expected a number for {missing[0]}, found none")
    try:
        return GeneratorConfig(
            vocab_size=rows[0],
            segments=rows[1],
            position=position,
            max_position=rows[2] if position == "absolute" else 512,
            max_relative_position=values.get("max_relative_position", 64),
            residual_attention=bool(values.get("residual_attention", False)),
            hidden_act=values.get("hidden_act", "gelu"),
            layer_norm_eps=values.get("layer_norm_eps", 1e-12),
            dropout=values.get("hidden_dropout_prob", 0.1),
            **{key: values[key] for key in keys},
        )
    except ValueError as error:
        raise ModelError(f"{folder}: config.json: {error}") from None


def _translate(
    folder: Path, generator: Generator, weights: dict[str, Tensor]
) -> tuple[dict[str, Tensor], list[str]]:
    """Weights by the generator's names, and the parts that are new. Empties `weights` of them."""
    config = generator.config
    names = {"words.weight": "embeddings.word_embeddings.weight"}
    names["segments.weight"] = "embeddings.token_type_embeddings.weight"
    if config.position == "absolute":
        names["positions.weight"] = "embeddings.position_embeddings.weight"
    pairs = [("norm", "embeddings.LayerNorm")]
    for layer in range(config.num_hidden_layers):
        for ours, theirs in _BLOCK.items():
            part = "attention." if ours in ("query", "key", "value", "output") else ""
            pairs.append((f"blocks.{layer}.{part}{ours}", f"encoder.layer.{layer}.{theirs}"))
    for ours, theirs in pairs:
        names |= {f"{ours}.{kind}": f"{theirs}.{kind}" for kind in ("weight", "bias")}
    found = {
        f"backbone.{ours}": _take(folder, weights, theirs, remove=True)
        for ours, theirs in names.items()
    }
    if config.position == "rotary":
        order = _halves(config.num_attention_heads, config.head_size)
        for name in found:
            if ".attention.query." in name or ".attention.key." in name:
                found[name] = found[name][order]
    head = {f"{a}.{k}": f"{b}.{k}" for a, b in _HEAD.items() for k in ("weight", "bias")}
    head = {ours: f"cls.predictions.{theirs}" for ours, theirs in head.items()}
    fresh = ["copy head", "selective read"]
    words = found["backbone.words.weight"]
    if any(name.startswith("cls.predictions.") for name in weights):
        found |= {
            ours: _take(folder, weights, theirs, remove=True) for ours, theirs in head.items()
        }
        bias = weights.pop("cls.predictions.decoder.bias", None)
        found["bias"] = weights.pop("cls.predictions.bias", bias)
        if found["bias"] is None:
            _take(folder, weights, "cls.predictions.bias")
        output = weights.pop("cls.predictions.decoder.weight", words)
        if output.shape != words.shape or not torch.equal(output, words):
            raise ModelError(
                f"{folder}: model.safetensors: cls.predictions.decoder.weight is not the word "
                "embeddings: an output layer of its own has no place here"
            )
    else:
        found["transform.weight"] = torch.eye(config.hidden_size)
        fresh.insert(0, "output head")
    other = [
        name
        for name in sorted(weights)
        if name.startswith(("embeddings", "encoder."))
        and not any(part in name for part in _IGNORED)
    ]
    if other:
        raise ModelError(
            f"{folder}: model.safetensors: {other[0]} has no place in this backbone "
            f"({len(other)} such weights): is config.json another model's?"
        )
    return found, fresh


def _halves(heads: int, size: int) -> Tensor:
    """Places of rows in RoFormer's order, in this backbone's: 0 2 4 … 1 3 5 … of each head.

    >>> _halves(1, 6).tolist()
    [0, 2, 4, 1, 3, 5]
    """
    rows = torch.arange(heads * size).view(heads, size // 2, 2)
    return rows.transpose(1, 2).flatten()


def _take(folder: Path, weights: dict[str, Tensor], name: str, *, remove: bool = False) -> Tensor:
    if name not in weights:
        raise ModelError(
            f"{folder}: model.safetensors: expected {name}, found none: it is not a whole "
            "checkpoint of the family in its config.json"
        )
    return weights.pop(name) if remove else weights[name]
