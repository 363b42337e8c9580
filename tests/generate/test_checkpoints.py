"""Checkpoints of others, made by transformers' own classes, compute here what they do there."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, RoFormerConfig, RoFormerForMaskedLM

from spaces.errors import ModelError
from spaces.generate.checkpoints import read_checkpoint
from spaces.generate.tokenizer import FIRST_SECTION
from spaces.sections import SECTIONS

SIZES = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 16,
    "initializer_range": 0.3,
}


def make(family: str, **changed):
    """A random masked language model of transformers, its biases and norms random too."""
    kind, config = {
        "bert": (BertForMaskedLM, BertConfig),
        "roformer": (RoFormerForMaskedLM, RoFormerConfig),
    }[family]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        model = kind(config(**{**SIZES, **changed})).eval()
        for name, weight in model.named_parameters():
            if name.endswith("bias") or "LayerNorm" in name:
                weight += torch.randn_like(weight) * 0.2
    return model


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """ids, mask and token types (2, 13); the second text is shorter."""
    ids = torch.randint(5, 50, (2, 13), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(13) < torch.tensor([13, 9])[:, None]
    return ids, mask, (torch.arange(13) >= 6).long().expand(2, 13)


def rewrite(folder: Path, change) -> None:
    """The same checkpoint with its weights passed through `change`."""
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors")


def reconfigure(folder: Path, **values) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **values}), encoding="utf-8")


@pytest.mark.parametrize("family", ["bert", "roformer"])
@pytest.mark.parametrize("act", ["gelu", "gelu_new", "relu"])
@torch.no_grad()
def test_states_and_logits_are_those_of_transformers(family: str, act: str, tmp_path) -> None:
    theirs = make(family, hidden_act=act)
    theirs.save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    ours = checkpoint.generator
    assert (checkpoint.family, checkpoint.fresh) == (family, ["copy head", "selective read"])
    ids, mask, types = inputs()
    output = theirs(
        input_ids=ids, attention_mask=mask, token_type_ids=types, output_hidden_states=True
    )
    states = ours.backbone(input_ids=ids, attention_mask=mask, segments=types)
    assert (states - output.hidden_states[-1])[mask].abs().max() < 1e-5
    torch.testing.assert_close(
        ours.token_logits(states)[mask], output.logits[mask], atol=1e-4, rtol=0
    )
    first = ours.backbone.first_layers(1)
    states = first(input_ids=ids, attention_mask=mask, segments=types)
    assert (states - output.hidden_states[1])[mask].abs().max() < 1e-5
    assert ours.config.segments == ours.backbone.config.segments == FIRST_SECTION + len(SECTIONS)


def plain_nezha(weights: dict[str, Tensor], ids: Tensor, clip: int, heads: int) -> Tensor:
    """NEZHA from its paper (Wei et al. 2019, equations 2 to 4), for one text: ids (L,) -> (L, E).
    a_ij[2k] = sin((j - i) / 10000^(2k/d)), a_ij[2k + 1] = cos(…), here with the distance counted
    from -clip, as the released code does."""
    length, get = len(ids), weights.__getitem__

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ get(f"nezha.{name}.weight").T + get(f"nezha.{name}.bias")

    def norm(x: Tensor, name: str) -> Tensor:
        x = (x - x.mean(-1, keepdim=True)) / (
            x.var(-1, unbiased=False, keepdim=True) + 1e-12
        ).sqrt()
        return x * get(f"nezha.{name}.LayerNorm.gamma") + get(f"nezha.{name}.LayerNorm.beta")

    x = get("nezha.embeddings.word_embeddings.weight")[ids]
    x = norm(x + get("nezha.embeddings.token_type_embeddings.weight")[0], "embeddings")
    size = x.shape[1] // heads
    a = torch.zeros(length, length, size)
    for i in range(length):
        for j in range(length):
            place = max(-clip, min(clip, j - i)) + clip
            for k in range(size // 2):
                a[i, j, 2 * k] = math.sin(place / 10000 ** (2 * k / size))
                a[i, j, 2 * k + 1] = math.cos(place / 10000 ** (2 * k / size))
    for layer in range(3):
        at = f"encoder.layer.{layer}"
        mixed = []
        for h in range(heads):
            q, k, v = (
                linear(x, f"{at}.attention.self.{name}")[:, h * size : (h + 1) * size]
                for name in ("query", "key", "value")
            )
            scores = (q @ k.T + torch.einsum("id,ijd->ij", q, a)) / math.sqrt(size)
            p = scores.softmax(-1)
            mixed.append(p @ v + torch.einsum("ij,ijd->id", p, a))
        attended = linear(torch.cat(mixed, -1), f"{at}.attention.output.dense")
        x = norm(x + attended, f"{at}.attention.output")
        inner = torch.nn.functional.gelu(linear(x, f"{at}.intermediate.dense"))
        x = norm(x + linear(inner, f"{at}.output.dense"), f"{at}.output")
    return x


@pytest.fixture
def nezha(tmp_path: Path) -> Path:
    """A NEZHA with old names of norms: a BERT's weights, renamed, without positions."""
    make("bert").save_pretrained(tmp_path)

    def renamed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        found = {}
        for name, weight in weights.items():
            name = name.replace("bert.", "nezha.")
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
            found[name.replace("LayerNorm.bias", "LayerNorm.beta")] = weight
        del found["nezha.embeddings.position_embeddings.weight"]
        return found

    rewrite(tmp_path, renamed)
    reconfigure(tmp_path, model_type="nezha", max_relative_position=4, use_relative_position=True)
    return tmp_path


@torch.no_grad()
def test_nezha_is_its_paper(nezha: Path) -> None:
    generator = read_checkpoint(nezha).generator
    assert (generator.config.position, generator.config.max_relative_position) == ("relative", 4)
    ids = inputs()[0]
    expected = plain_nezha(load_file(nezha / "model.safetensors"), ids[0], clip=4, heads=3)
    assert (generator.backbone(input_ids=ids[:1])[0] - expected).abs().max() < 1e-5


@pytest.mark.parametrize("family", ["bert", "roformer"])
@torch.no_grad()
def test_an_encoder_alone_and_no_prefix(family: str, tmp_path: Path) -> None:
    theirs = make(family)
    getattr(theirs, family).save_pretrained(tmp_path)  # weights without prefix and without a head
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.fresh == ["output head", "copy head", "selective read"]
    ids, mask, _ = inputs()
    states = checkpoint.generator.backbone(input_ids=ids, attention_mask=mask)
    expected = theirs(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    assert (states - expected.hidden_states[-1])[mask].abs().max() < 1e-5
    again = read_checkpoint(tmp_path).generator  # what is new is the same each time
    assert torch.equal(again.copy.weight, checkpoint.generator.copy.weight)


def test_a_checkpoint_may_say_that_it_is_a_realformer(tmp_path: Path) -> None:
    make("bert").save_pretrained(tmp_path)
    reconfigure(tmp_path, residual_attention=True)
    assert read_checkpoint(tmp_path).generator.backbone.config.residual_attention


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"model_type": "albert"}, "found 'albert': its layers share their weights"),
        ({"model_type": "roberta"}, "RoBERTa-wwm-ext is a 'bert'"),
        ({"model_type": "gpt2"}, "expected model_type bert, nezha, roformer, found 'gpt2'"),
        ({"embedding_size": 12}, "embedding_size is 12: factorized embeddings"),
        ({"hidden_act": "swish"}, "hidden_act is 'swish': known are gelu, gelu_new, relu"),
        ({"position_embedding_type": "relative_key"}, "only BERT's absolute positions"),
        ({"use_bias": False}, "layers without biases"),
        ({"tie_word_embeddings": False}, "the output layer here is the embeddings"),
        ({"num_attention_heads": 5}, "hidden_size"),
        ({"hidden_size": None}, "expected a number for hidden_size"),
        ({"intermediate_size": 30}, "expected .30, 24. for .*, found .40, 24."),
        ({"num_hidden_layers": 2}, "encoder.layer.2.* has no place"),
        ({"num_hidden_layers": 4}, "expected encoder.layer.3.*, found none"),
        ({"model_type": "roformer"}, "position_embeddings.weight has no place"),
    ],
)
def test_what_cannot_be_read_is_named(values: dict, expected: str, tmp_path: Path) -> None:
    make("bert").save_pretrained(tmp_path)
    reconfigure(tmp_path, **values)
    with pytest.raises(ModelError, match=expected):
        read_checkpoint(tmp_path)


def test_an_output_layer_of_its_own_is_named(tmp_path: Path) -> None:
    make("bert").save_pretrained(tmp_path)
    rewrite(tmp_path, lambda w: {**w, "cls.predictions.decoder.weight": torch.ones(50, 24)})
    with pytest.raises(ModelError, match="decoder.weight is not the word embeddings"):
        read_checkpoint(tmp_path)


def test_a_head_without_its_bias_is_named(tmp_path: Path) -> None:
    make("bert").save_pretrained(tmp_path)
    rewrite(tmp_path, lambda w: {k: v for k, v in w.items() if k != "cls.predictions.bias"})
    with pytest.raises(ModelError, match="expected cls.predictions.bias, found none"):
        read_checkpoint(tmp_path)


def test_files_that_are_no_checkpoint_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found no config.json"):
        read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="expected a JSON object with a model_type"):
        read_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", **SIZES}))
    with pytest.raises(ModelError, match="expected model.safetensors, found none: name the folder"):
        read_checkpoint(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    with pytest.raises(ModelError, match="pytorch_model.bin is not read.*save_pretrained"):
        read_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"{}")
    with pytest.raises(ModelError, match="expected safetensors"):
        read_checkpoint(tmp_path)
