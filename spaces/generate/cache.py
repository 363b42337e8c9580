"""What decoding remembers: keys and values, the source's per judgment, the target's per beam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["Cache"]

T = TypeVar("T")


class Cache:
    """Keys and values seen so far, for `beams` continuations of each of B sources.

    The source's are (B, H, S, D) per layer, stored once and shared by the beams; the target's are
    pre-allocated as (B, W, H, T, D) per layer and filled up to `length`. What else a model keeps
    per beam (`companions`, objects with `reorder` and `keep`) moves along.
    """

    def __init__(
        self, source: Sequence[tuple[Tensor, Tensor]], mask: Tensor, beams: int, room: int
    ):
        keys = source[0][0]
        batch, heads, _, size = keys.shape
        # side by side in memory: each step reads all of it
        self.source = [(k.contiguous(), v.contiguous()) for k, v in source]
        self.mask = mask
        self.source_lengths = mask.sum(1)
        self.columns = torch.arange(mask.shape[1], device=mask.device).expand(mask.shape)
        self.beams = beams
        self.length = 0
        self.companions: list = []
        self._made: dict[str, object] = {}
        self.target = [
            tuple(keys.new_zeros(batch, beams, heads, room, size) for _ in range(2)) for _ in source
        ]

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once for all layers of a step."""
        if self._made.get("length") != self.length:
            self._made = {"length": self.length}
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def narrow(self, places: Tensor, mask: Tensor) -> None:
        """Of the sources only the tokens at `places` (B, P) stay, where `mask` (B, P) is True.

        They were read among all others, and keep the positions they had there.
        """
        index = places[:, None, :, None]
        self.source = [
            tuple(x.gather(2, index.expand(-1, x.shape[1], -1, x.shape[3])) for x in layer)
            for layer in self.source
        ]
        self.columns, self.mask = places, mask

    def reorder(self, parents: Tensor) -> None:
        """Beam w of judgment b goes on from what was beam parents[b, w]; parents: (B, W)."""
        moved = (parents != torch.arange(self.beams, device=parents.device)).any(1).nonzero()
        if not len(moved):  # most steps: each beam goes on from itself
            return
        rows, filled = moved.squeeze(1), self.length
        for layer in self.target:
            for tensor in layer:
                tensor[rows, :, :, :filled] = tensor[moved, parents[rows], :, :filled]
        for companion in self.companions:
            companion.reorder(parents)

    def keep(self, rows: Tensor) -> None:
        """Only these judgments stay; rows: (B',)."""
        self._made = {}
        self.source = [(k[rows], v[rows]) for k, v in self.source]
        self.target = [(k[rows], v[rows]) for k, v in self.target]
        for name in ("mask", "columns", "source_lengths"):
            setattr(self, name, getattr(self, name)[rows])
        for companion in self.companions:
            companion.keep(rows)
