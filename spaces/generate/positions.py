"""Where tokens stand: the tables of relative positions and the angles of rotary ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["rotary_angles", "rotate", "sinusoids"]


def sinusoids(positions: int, size: int) -> Tensor:
    """Vaswani et al.'s sine and cosine table, (positions, size), sines at even places."""
    angle = torch.arange(positions)[:, None] * torch.exp(
        torch.arange(0, size, 2) * (-math.log(10000.0) / size)
    )
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def rotary_angles(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """cos and sin of position * 10000^(-2i/size), each (B, 1, L, size), the same angles in both
    halves."""
    inverse = torch.exp(
        torch.arange(0, size, 2, device=positions.device) * (-math.log(10000.0) / size)
    )
    angle = (positions[..., None] * inverse).repeat(1, 1, 2)[:, None]
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoFormer's rotation: (a, b) -> (a cos - b sin, b cos + a sin) for each pair; x (B, H, L, D).

    A pair is element i and element i + D/2, not two neighbours as in RoFormer's own code: the same
    function after a permutation of each head's rows of the query and key matrices, without strided
    memory access.
    """
    a, b = x.chunk(2, dim=-1)
    return x * cos.to(x.dtype) + torch.cat([-b, a], dim=-1) * sin.to(x.dtype)
