"""Linear layers that multiply fast on a CPU when nothing is being trained.

Decoding multiplies few rows (a beam is one) with large matrices. PyTorch's general kernel is slow
there: from 4 rows on everywhere, and from the first on AMD's processors, where it uses one core.
oneDNN's, with the matrix laid out for it once ("packed"), is up to 5 times as fast. Less precise
matrices are faster still:

- "bfloat16": the matrix and its product in bfloat16;
- "int8": the matrix in 8 bits, a scale per row of it (Dettmers et al. 2022, "LLM.int8()", section
  2.1, vector-wise, of the matrix alone); what it is multiplied with, and the product, in bfloat16.
  Up to 4 rows are multiplied with the 8 bits, more of them with the matrix in bfloat16 again, which
  is as fast there and rounds otherwise: a text alone may get another summary than in a batch.

Everything else (embeddings, attention, norms) stays float32. What is made of matrices is kept
beside the layers, not in them: state dicts, copies and pickles know nothing of it.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spaces.errors import ConfigError

__all__ = ["PRECISIONS", "Int8Linear", "Linear", "join", "multiply", "reduce", "reduced"]

PRECISIONS = ("float32", "bfloat16", "int8")

T = TypeVar("T")

_X86 = platform.machine().lower() in ("x86_64", "amd64")
# as the compiler of PyTorch uses it; a PyTorch without it multiplies as ever
_HAS_PACKED = (
    _X86 and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)
# a processor without AVX-512 packs no bfloat16
_HAS_PACKED_BFLOAT16 = _HAS_PACKED and torch.ops.mkldnn._is_mkldnn_bf16_supported()
_HAS_INT8 = _X86 and hasattr(torch, "_weight_int8pack_mm")
_FEW_INT8 = 4  # rows; up to these its kernel for 8 bits is the fastest
_INT8_COLUMNS = 32  # that kernel reads as many at a time, and past the end where they do not fit
# owner of the matrix -> name -> the state of what it was made from, what was made, and the former
# itself: as long as it is there no other tensor has its address
_made: WeakKeyDictionary[nn.Module, dict[str, tuple]] = WeakKeyDictionary()


def _state(parts: Sequence[Tensor]) -> tuple:
    """Changes whenever a weight is replaced or written to (tensors of inference mode do not tell
    of the latter)."""
    return tuple((one.data_ptr(), None if one.is_inference() else one._version) for one in parts)


def _once(owner: nn.Module, name: str, parts: Sequence[Tensor], make: Callable[[], T]) -> T:
    """What `make` gives, made again only when one of the `parts` has changed."""
    made_from, kept = _state(parts), _made.setdefault(owner, {})
    if name not in kept or kept[name][0] != made_from:
        with torch.inference_mode():
            kept[name] = made_from, make(), [one.detach() for one in parts]
    return kept[name][1]


def _stack(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _packs(dtype: torch.dtype) -> bool:
    if dtype == torch.bfloat16:
        return _HAS_PACKED_BFLOAT16
    return _HAS_PACKED and dtype == torch.float32


def _pack(matrix: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(matrix.detach().contiguous(), 4)


def _packed_product(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """Of `x` in the type that the matrix had before it was packed."""
    return torch.ops.mkldnn._linear_pointwise(x, matrix, bias, "none", [], "")


def multiply(
    x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], owner: nn.Module
) -> Tensor:
    """x (…, E) times the matrices (F_i, E) stacked, plus the biases: (…, sum F_i).

    `owner`: the module that the stacked matrix is packed for, one matrix each. The product is in
    the matrices' type, the outcome in that of x.
    """
    dtype = weights[0].dtype
    if (
        not _packs(dtype)
        or torch.is_grad_enabled()
        or x.device.type != "cpu"
        or any(weight.is_inference() for weight in weights)
    ):
        given = x.to(dtype)
        parts = [F.linear(given, w, b) for w, b in zip(weights, biases, strict=True)]
        return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)).to(x.dtype)
    matrix, bias = _once(
        owner,
        "packed",
        (*weights, *biases),
        lambda: (_pack(_stack(weights)), _stack(biases).detach().to(dtype)),
    )
    return _packed_product(x.to(dtype), matrix, bias).to(x.dtype)


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
        scale = (weight.abs().amax(1).clamp(min=1e-12) / 127).bfloat16()
        levels = (weight / scale.float()[:, None]).round().clamp(-127, 127)
        self.register_buffer("weight", levels.to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias.detach().float().clone())

    def forward(self, x: Tensor) -> Tensor:
        """x (…, E) -> (…, F)."""
        return multiply_int8(x, (self,), self)


def multiply_int8(x: Tensor, layers: Sequence[Int8Linear], owner: nn.Module) -> Tensor:
    """As `multiply`, of layers in 8 bits."""
    parts = [part for one in layers for part in (one.weight, one.bias)]  # scales with the former

    def stacked() -> list[Tensor]:
        names = ("weight", "scale", "bias")
        return [_stack([getattr(one, name) for one in layers]) for name in names]

    def widened(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        weight, scale, bias = stacked()
        return (weight * scale.float()[:, None]).to(dtype), bias

    def packed() -> tuple[Tensor, Tensor]:
        matrix, bias = widened(wide)
        return _pack(matrix), bias

    columns = x.shape[-1]
    wide = torch.bfloat16 if _HAS_PACKED_BFLOAT16 else torch.float32
    few = 0 < x.numel() <= _FEW_INT8 * columns
    if _HAS_INT8 and few and columns % _INT8_COLUMNS == 0:
        weight, scale, bias = _once(owner, "int8", parts, stacked)
        given = x.reshape(-1, columns).bfloat16().contiguous()
        product = torch._weight_int8pack_mm(given, weight, scale).view(*x.shape[:-1], -1)
    elif _HAS_PACKED:
        matrix, bias = _once(owner, "packed", parts, packed)
        product = _packed_product(x.to(wide), matrix, None)
    else:  # the same numbers, without the speed
        matrix, bias = _once(owner, "wide", parts, lambda: widened(torch.float32))
        product = F.linear(x, matrix)
    return product + bias


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
