"""Attention under a mask of the caller's choice, over a whole sequence at once or token by token.

Positions enter here as `spaces.generate.backbone` says: rotary or relative; absolute ones are in
the embeddings already. With a `Carry` the scores of each layer are added to those of the layer
before it (He et al. 2020, "RealFormer: Transformer Likes Residual Attention").
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig

from spaces.generate.cache import Cache
from spaces.generate.linear import Linear, join
from spaces.generate.positions import rotary_angles, rotate, sinusoids

__all__ = ["Attention", "Carry"]


class Carry:
    """RealFormer's residual: the scores, before the softmax, of the layers so far, summed."""

    def __init__(self) -> None:
        self.scores: Tensor | float = 0.0

    def add(self, scores: Tensor) -> Tensor:
        """Scores (B, H, L, M) of the next layer -> those it goes on with."""
        self.scores = scores + self.scores
        return self.scores


class Attention(nn.Module):
    def __init__(self, config: PreTrainedConfig):
        super().__init__()
        self.heads, self.size = config.num_attention_heads, config.head_size
        self.query, self.key, self.value, self.output = (
            Linear(config.hidden_size, config.hidden_size) for _ in range(4)
        )
        self.rotary = config.position == "rotary"
        self.relative = config.position == "relative"
        if self.relative:
            table = sinusoids(2 * config.max_relative_position + 1, self.size)
            self.register_buffer("distances", table, persistent=False)
            self.clip = config.max_relative_position

    def project(
        self, x: Tensor, positions: Tensor, angles: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, L, E), positions (B, L) -> queries, keys, values, each (B, H, L, D). `angles`:
        those of the positions, where they are known."""
        if torch.is_grad_enabled():
            made = [layer(x) for layer in (self.query, self.key, self.value)]
        else:
            made = join((self.query, self.key, self.value), x, self).chunk(3, dim=-1)
        q, k, v = (one.unflatten(-1, (self.heads, self.size)).transpose(1, 2) for one in made)
        if self.rotary:
            cos, sin = angles or rotary_angles(positions, self.size)
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        return q, k, v

    def forward(
        self, x: Tensor, mask: Tensor, positions: Tensor, carry: Carry | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x (B, L, E), mask (B, 1, 1 or L, L) bool, positions (B, L) -> (B, L, E) and the keys and
        values."""
        q, k, v = self.project(x, positions)
        return self.mix(q, k, v, mask, positions, positions, carry), (k, v)

    def step(self, x: Tensor, cache: Cache, layer: int, carry: Carry | None = None) -> Tensor:
        """One more token for each beam, x (B, W, E) -> (B, W, E); the cache grows by it.

        The beams of a judgment are as many query rows over the same places, the source's and those
        that any of them has written, so these are read once for all of them.
        """
        batch, beams, _ = x.shape
        positions = cache.once(
            "positions",
            lambda: (cache.source_lengths + cache.length)[:, None].expand(batch, beams),
        )
        angles = (
            cache.once("angles", lambda: rotary_angles(positions, self.size))
            if self.rotary
            else None
        )
        q, k, v = self.project(x, positions, angles)  # (B, H, W, D)
        keys, values = cache.extend(layer, k, v)
        mask = cache.once("visible", cache.visible)
        return self.mix(q, keys, values, mask, positions, cache.columns[:, : cache.filled], carry)

    def mix(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        mask: Tensor,
        rows: Tensor,
        columns: Tensor,
        carry: Carry | None,
    ) -> Tensor:
        """What the queries (B, H, L, D) at the positions `rows` (B, L) find among keys and values
        (B, H, M, D) at `columns` (B, M), where `mask` (B, 1, 1 or L, M) is True: (B, L, E)."""
        if not self.relative and carry is None:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = q @ k.transpose(-1, -2)
            if self.relative:
                scores = scores + self.distance_scores(q, rows, columns)
            scores = scores / math.sqrt(self.size)
            probabilities = masked_softmax(carry.add(scores) if carry else scores, mask)
            mixed = probabilities @ v
            if self.relative:
                mixed = mixed + self.distance_values(probabilities, rows, columns)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def buckets(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Clipped distance column - row as an index into the table: (B, L), (B, M) -> (B, L, M)."""
        distance = columns[:, None, :] - rows[:, :, None]
        return distance.clamp(-self.clip, self.clip) + self.clip

    def distance_scores(self, q: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """q_i . r_ij for all pairs: one product with the table of distances, then a gather; (B, H,
        L, M)."""
        by_distance = q @ self.distances.to(q.dtype).T
        index = self.buckets(rows, columns)[:, None].expand(-1, self.heads, -1, -1)
        return by_distance.gather(-1, index)

    def distance_values(self, p: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """sum_j p_ij r_ij: probabilities summed per distance, then one product with the table; (B,
        H, L, D)."""
        index = self.buckets(rows, columns)[:, None].expand(-1, self.heads, -1, -1)
        summed = p.new_zeros(*p.shape[:-1], len(self.distances)).scatter_add(-1, index, p)
        return summed @ self.distances.to(p.dtype)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)
