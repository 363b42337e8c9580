"""Models made wider without a change of what they compute (Chen et al. 2016, "Net2Net").

Every vector of width E becomes the same vector `width` times over, so heads come in copies too,
each of the size it had. What has to be divided follows from requiring equal outputs:

- a matrix that reads a repeated vector has its columns repeated, and each column divided among its
  copies, with shares that sum to 1; one that writes a repeated vector has its rows and its bias
  repeated;
- LayerNorm keeps weight and bias, repeated: mean and variance of a repeated vector are those of the
  vector. (RMSNorm would too; no model here has it.)
- queries and keys: a head is repeated whole, so its scores, divided by the root of the head's size,
  stay, and so do angles and distances, which go by the head's size;
- the output layer is the embeddings, repeated: products with them would be `width` times as large,
  and dividing the embeddings would change the input. So weight and bias of the norm before it are
  divided by `width`; the output bias stays;
- learned positions and segments are repeated; the selective read's matrix is one that reads and
  writes; the copy head and the labeller read. The labeller's columns for features stay as they are.

With equal shares copies of a neuron would get equal gradients and stay copies for ever. The shares
are drawn at random, around 1 / width, for each row and column: outputs are the same, gradients are
not, and training tells the copies apart.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from spaces.errors import ConfigError, InputError, ModelError
from spaces.extract.features import FEATURES
from spaces.extract.labeller import Labeller, LabellerConfig
from spaces.generate.backbone import Backbone
from spaces.generate.model import Generator
from spaces.hub import locate
from spaces.pretrained import Pretrained
from spaces.storage import Parts, load_model, save_model

__all__ = ["grow", "widen_backbone", "widen_generator", "widen_labeller"]

SPREAD = (
    0.5  # shares are drawn from (1 - SPREAD, 1 + SPREAD) / width before they are made to sum up
)
# what writes no repeated vector: copy tags
_NARROW = ("copy",)


def grow(model: str | Path, output: str | Path, *, width: int = 2, seed: int = 42) -> Parts:
    """Write the model directory `output`: that in `model`, `width` times as wide, as float32. A
    model "owner/name" is fetched from the hub.

    Hidden size, heads and feed-forward of encoder and generator are multiplied; the labeller reads
    the wider vectors. Half precision would round the shares, so that outputs were no longer the
    same. Raises ModelError for a model that cannot be read, ConfigError for a width below 2 and
    InputError for an output that is there already.
    """
    if width < 2:
        raise ConfigError(f"width: expected a whole number of at least 2, got {width}")
    output = Path(output)
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise InputError(f"{output}: expected a new or empty folder, found something there")
    config, parts = load_model(locate(model))
    wide = Parts(
        parts.tokenizer,
        widen_backbone(parts.encoder, width, seed=seed),
        widen_labeller(parts.labeller, width, seed=seed),
        widen_generator(parts.generator, width, seed=seed),
    )
    wide.check()
    save_model(output, config, wide, "float32")
    return wide


def widen_backbone(backbone: Backbone, width: int, *, seed: int = 42) -> Backbone:
    """A backbone whose hidden states are those of `backbone`, `width` times over."""
    return _widen(backbone, width, seed)


def widen_generator(generator: Generator, width: int, *, seed: int = 42) -> Generator:
    """A generator with the logits of `generator`, `width` times as wide."""
    wide = _widen(generator, width, seed)
    with torch.no_grad():
        wide.norm.weight /= width
        wide.norm.bias /= width
    return wide


@torch.no_grad()
def widen_labeller(labeller: Labeller, width: int, *, seed: int = 42) -> Labeller:
    """The labeller for vectors `width` times over, each with its features behind it."""
    values = labeller.config.to_dict()
    own = values["input_size"] - FEATURES
    values["input_size"] = own * width + FEATURES
    wide = Labeller(LabellerConfig.from_dict(values))
    weights = labeller.state_dict()
    vectors, features = weights["project.weight"].split([own, FEATURES], dim=1)
    random = torch.Generator().manual_seed(seed)
    weights["project.weight"] = torch.cat([_shared(vectors, width, random), features], dim=1)
    wide.load_state_dict(weights)
    return wide.eval()


@torch.no_grad()
def _widen(model: Pretrained, width: int, seed: int):
    """The model of the multiplied config, each weight by the kind of the module that holds it."""
    values = model.config.to_dict()
    for name in ("hidden_size", "num_attention_heads", "intermediate_size"):
        values[name] *= width
    with torch.random.fork_rng(devices=[]):
        wide = type(model)(type(model.config).from_dict(values))
    random = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for path, module in model.named_modules():
        own = {f"{path}.{n}".lstrip("."): w for n, w in module.named_parameters(recurse=False)}
        for name, weight in own.items():
            kind = name.rpartition(".")[2]
            if isinstance(module, nn.Linear):
                copies = 1 if path in _NARROW else width
                if kind == "weight":
                    weight = _shared(weight.repeat(copies, 1), width, random)
                else:
                    weight = weight.repeat(copies)
            elif isinstance(module, nn.Embedding):
                weight = weight.repeat(1, width)
            elif isinstance(module, nn.LayerNorm):
                weight = weight.repeat(width)
            elif name != "bias":  # of the output layer: one for each word
                raise ModelError(
                    f"{name}: expected a weight of a linear layer, an embedding or a LayerNorm, "
                    f"found one of {type(module).__name__}: how it grows is not known"
                )
            weights[name] = weight
    wide.load_state_dict(weights)
    return wide.eval()


def _shared(weight: Tensor, width: int, random: torch.Generator) -> Tensor:
    """(N, E) -> (N, width * E): each column divided among its copies, each row in its own way."""
    shares = torch.rand(width, *weight.shape, generator=random) * 2 * SPREAD + 1 - SPREAD
    shares = shares / shares.sum(0)
    return torch.cat(list(shares.to(weight.dtype) * weight), dim=1)
