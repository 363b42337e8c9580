"""Where tokens stand: absolute positions of any length, the tables of relative ones, the angles of
rotary ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["ALPHA", "extended", "rotary_angles", "rotate", "sinusoids"]

ALPHA = 0.4  # how much of a position beyond the table its coarse part says


def extended(table: Tensor, positions: Tensor) -> Tensor:
    """Learned positions beyond their table by Su's hierarchical decomposition ("层次分解位置编码",
    2020), (…) -> (…, E).

    table (n, E) holds p_0 … p_(n-1). Position i n + j has alpha u_i + (1 - alpha) u_j with
    u_i = (p_i - alpha p_0) / (1 - alpha), which is p_j + alpha / (1 - alpha) (p_i - p_0): within
    the table the vector that was learned. Positions reach up to n * n.
    """
    coarse, fine = positions // len(table), positions % len(table)
    far = F.embedding(coarse, table) - table[0]
    return F.embedding(fine, table) + ALPHA / (1 - ALPHA) * far


def sinusoids(positions: int, size: int) -> Tensor:
    """Vaswani et al.'s sine and cosine table, (positions, size), sines at even places."""
    angle = torch.arange(positions)[:, None] * torch.exp(
        torch.arange(0, size, 2) * (-math.log(10000.0) / size)
    )
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def rotary_angles(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """cos and sin of position * 10000^(-2i/size), each (B, 1, L, size), the same angles in both
    halves, the sines of the first half negative: as `rotate` needs them."""
    inverse = torch.exp(
        torch.arange(0, size, 2, device=positions.device) * (-math.log(10000.0) / size)
    )
    angle = (positions[..., None] * inverse)[:, None]
    sin = angle.sin()
    return angle.cos().repeat(1, 1, 1, 2), torch.cat([-sin, sin], dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoFormer's rotation: (a, b) -> (a cos - b sin, b cos + a sin) for each pair; x (B, H, L, D).

    A pair is element i and element i + D/2, not two neighbours as in RoFormer's own code: the same
    function after a permutation of each head's rows of the query and key matrices, without strided
    memory access.
    """
    return x * cos.to(x.dtype) + x.roll(x.shape[-1] // 2, dims=-1) * sin.to(x.dtype)
