"""Linear layers that multiply fast on a CPU when nothing is being trained.

Decoding multiplies few rows (a beam is one) with large matrices. PyTorch's general kernel is slow
from 4 rows on; oneDNN's, with the matrix laid out for it once ("packed"), is up to 1.6 times as
fast there. Up to 3 rows the general one is the faster. Less precise matrices are faster still:

- "bfloat16": the matrix and its product in bfloat16;
- "int8": the matrix in 8 bits, a scale per row of it; each vector that comes is rounded to 8 bits,
  a scale per vector (Dettmers et al. 2022, "LLM.int8()", section 2.1, vector-wise), so that what
  one gets does not depend on which others are in the batch.

Everything else (embeddings, attention, norms) stays float32. Packed matrices are kept beside the
layers, not in them: state dicts, copies and pickles know nothing of them.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spaces.errors import ConfigError

__all__ = ["PRECISIONS", "Int8Linear", "Linear", "join", "multiply", "reduce", "reduced"]

PRECISIONS = ("float32", "bfloat16", "int8")

_X86 = platform.machine().lower() in ("x86_64", "amd64")
# as the compiler of PyTorch uses it; a PyTorch without it multiplies as ever
_HAS_PACKED = (
    _X86 and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)
_HAS_INT8 = _HAS_PACKED and hasattr(torch.ops.onednn, "qlinear_pointwise")
_FEW = 3  # rows; up to these PyTorch's own kernel reads a float32 matrix fastest
# owner of the matrix -> what the packed one was made from, the packed one
_packed: WeakKeyDictionary[nn.Module, tuple[tuple, object]] = WeakKeyDictionary()


def _state(parts: Sequence[Tensor]) -> tuple:
    """Changes whenever a weight is replaced or written to."""
    return tuple((part.data_ptr(), part._version) for part in parts)


def multiply(
    x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], owner: nn.Module
) -> Tensor:
    """x (…, E) times the matrices (F_i, E) stacked, plus the biases: (…, sum F_i).

    `owner`: the module that the stacked matrix is packed for, one matrix each. The product is in
    the matrices' type, the outcome in that of x.
    """
    dtype = weights[0].dtype
    if (
        not _HAS_PACKED
        or torch.is_grad_enabled()
        or x.device.type != "cpu"
        or dtype not in (torch.float32, torch.bfloat16)
        or (dtype == torch.float32 and x.numel() <= _FEW * x.shape[-1])
        or any(weight.is_inference() for weight in weights)
    ):
        given = x.to(dtype)
        parts = [F.linear(given, w, b) for w, b in zip(weights, biases, strict=True)]
        return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)).to(x.dtype)
    made_from = _state((*weights, *biases))
    found = _packed.get(owner)
    if found is None or found[0] != made_from:
        with torch.inference_mode():
            matrix = _stack(weights).detach().contiguous()
            bias = _stack(biases).detach().to(dtype)
            found = made_from, (torch.ops.mkldnn._reorder_linear_weight(matrix, 4), bias)
        _packed[owner] = found
    matrix, bias = found[1]
    product = torch.ops.mkldnn._linear_pointwise(x.to(dtype), matrix, bias, "none", [], "")
    return product.to(x.dtype)


def _stack(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


class Linear(nn.Linear):
    """`nn.Linear`, packed where nothing is trained; its weight may be bfloat16 among float32s."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() or torch.is_autocast_enabled(x.device.type):
            return super().forward(x.to(self.weight.dtype)).to(x.dtype)
        return multiply(x, (self.weight,), (self.bias,), self)


class Int8Linear(nn.Module):
    """A linear layer in 8 bits, for CPUs and for inference only."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """weight (F, E), bias (F,) float."""
        super().__init__()
        weight = weight.detach().float()
        scale = weight.abs().amax(1).clamp(min=1e-12) / 127
        self.register_buffer("weight", (weight / scale[:, None]).round().to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias.detach().float().clone())

    def forward(self, x: Tensor) -> Tensor:
        """x (…, E) -> (…, F)."""
        return multiply_int8(x, (self,), self)


def multiply_int8(x: Tensor, layers: Sequence[Int8Linear], owner: nn.Module) -> Tensor:
    """As `multiply`, of layers in 8 bits."""
    size = torch.linalg.vector_norm(x, torch.inf, dim=-1, keepdim=True).clamp_(min=1e-12)
    # rounded to 1 … 255, of which 128 stands for 0
    rounded = (x * (127 / size)).add_(128.5).to(torch.uint8)
    made_from = _state([part for one in layers for part in one.buffers()])
    found = _packed.get(owner)
    if found is None or found[0] != made_from:
        weight, scale, bias = (
            _stack([getattr(one, name) for one in layers]) for name in ("weight", "scale", "bias")
        )
        if _HAS_INT8:
            weight = torch.ops.onednn.qlinear_prepack(weight, None)
        found = made_from, (weight, scale, bias, torch.zeros(len(scale), dtype=torch.int))
        _packed[owner] = found
    weight, scale, bias, zeros = found[1]
    if _HAS_INT8:
        product = torch.ops.onednn.qlinear_pointwise(
            rounded, 1 / 127, 128, weight, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
    else:  # the same numbers, without the speed
        product = F.linear((rounded.float() - 128) / 127, weight.float() * scale[:, None])
    return torch.addcmul(bias, product, size)


def join(layers: Sequence[nn.Module], x: Tensor, owner: nn.Module) -> Tensor:
    """What the layers make of the same x (…, E), side by side: (…, sum F_i), in one product."""
    if isinstance(layers[0], Int8Linear):
        return multiply_int8(x, layers, owner)
    return multiply(x, [one.weight for one in layers], [one.bias for one in layers], owner)


@torch.no_grad()
def reduce(model: nn.Module, precision: str) -> None:
    """Put the `Linear` layers of a float32 model into `precision`, in place; see `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if precision == "int8" and isinstance(layer, Linear):
                setattr(module, name, Int8Linear(layer.weight, layer.bias))
            elif precision == "bfloat16" and isinstance(layer, Linear):
                layer.to(torch.bfloat16)


@torch.no_grad()
def reduced(weight: Tensor, bias: Tensor, precision: str) -> nn.Module:
    """A layer of its own in "bfloat16" or "int8" from a matrix that others use too."""
    if precision == "int8":
        return Int8Linear(weight, bias)
    layer = Linear(weight.shape[1], weight.shape[0], device="meta")
    layer.weight = nn.Parameter(weight.detach().to(torch.bfloat16), requires_grad=False)
    layer.bias = nn.Parameter(bias.detach().to(torch.bfloat16), requires_grad=False)
    return layer
