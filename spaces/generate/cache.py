"""What decoding remembers: keys and values, the source's per judgment, the target's per beam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Cache"]

T = TypeVar("T")


class Cache:
    """Keys and values seen so far, for `beams` continuations of each of B sources.

    Per layer (B, H, S + T*W, D): the source's S places, shared by the beams, then those of the
    target, W side by side for each token, filled up to `length`. A token that some beam has written
    stays where it is; `seen`, (B, W, S + T*W), says which places belong to a beam, so that one
    product serves all of them and nothing is copied when they change places. What else a model
    keeps per beam (`companions`, objects with `reorder` and `keep`) moves along.
    """

    def __init__(
        self, source: Sequence[tuple[Tensor, Tensor]], mask: Tensor, beams: int, room: int
    ):
        self.source_lengths = mask.sum(1)
        self.beams = beams
        self.length = 0
        self.companions: list = []
        self._made: dict[str, object] = {}
        self._room = room
        self._fill(source, mask, torch.arange(mask.shape[1], device=mask.device).expand(mask.shape))

    def _fill(self, source: Sequence[tuple[Tensor, Tensor]], mask: Tensor, columns: Tensor) -> None:
        """Begin with these keys and values (B, H, S, D), of which `mask` (B, S) is real, at the
        positions `columns` (B, S)."""
        self.width = mask.shape[1]
        after = (0, self._room * self.beams)
        self.layers = [tuple(F.pad(x, (0, 0, *after)) for x in layer) for layer in source]
        self.seen = F.pad(mask, after)[:, None].repeat(1, self.beams, 1)
        written = torch.arange(self._room, device=mask.device).repeat_interleave(self.beams)
        written = self.source_lengths[:, None] + written
        self.columns = torch.cat([columns, written], dim=1)

    @property
    def filled(self) -> int:
        """Places in use once the tokens of this step are in."""
        return self.width + (self.length + 1) * self.beams

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the tokens of this step (B, H, W, D) come in; returns all so far, (B, H, M, D),
        M = `filled`."""
        for whole, new in zip(self.layers[layer], (keys, values), strict=True):
            whole[:, :, self.filled - self.beams : self.filled] = new
        return tuple(x[:, :, : self.filled] for x in self.layers[layer])

    def visible(self) -> Tensor:
        """Which places each beam sees in this step, its own new token among them: (B, 1, W, M)."""
        new = self.seen[:, :, self.filled - self.beams : self.filled]
        new.copy_(torch.eye(self.beams, dtype=torch.bool, device=new.device))
        return self.seen[:, None, :, : self.filled]

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
        self._fill(
            [
                tuple(x.gather(2, index.expand(-1, x.shape[1], -1, x.shape[3])) for x in layer)
                for layer in self.layers
            ],
            mask,
            places,
        )

    def reorder(self, parents: Tensor) -> None:
        """Beam w of judgment b goes on from what was beam parents[b, w]; parents: (B, W)."""
        rows = torch.arange(parents.shape[0], device=parents.device)[:, None]
        self.seen = self.seen[rows, parents]
        for companion in self.companions:
            companion.reorder(parents)

    def keep(self, rows: Tensor) -> None:
        """Only these judgments stay; rows: (B',)."""
        self._made = {}
        self.layers = [(k[rows], v[rows]) for k, v in self.layers]
        for name in ("seen", "columns", "source_lengths"):
            setattr(self, name, getattr(self, name)[rows])
        for companion in self.companions:
            companion.keep(rows)
