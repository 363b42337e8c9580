"""No ruling without its grounds: a reason of the court, and the statutes, are told before it.

A small model may pass from the defence to the statutes, or from the reasons to the ruling, since
many summaries do. Nobody can check a ruling of which nothing says why. So where the source has
reasons, no run begins behind them and no statutes are announced before one of them is told; and
where it has a list of statutes, no ruling is told or announced before that. What the model would
announce too early is the announcement of what is due instead.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spaces.generate.cues import CueTokens
from spaces.generate.tokenizer import SEP

__all__ = ["OTHER", "REASON", "STATUTE", "Grounds"]

OTHER, REASON, STATUTE = range(3)


class Grounds:
    """What B documents of S tokens have before their rulings."""

    def __init__(self, kinds: Tensor, cues: CueTokens) -> None:
        """`kinds` (B, S) long: whether each source token is of a REASON, of a STATUTE, or OTHER."""
        index = torch.arange(kinds.shape[1], device=kinds.device)
        there = torch.stack([kinds == kind for kind in (REASON, STATUTE)], dim=-1)  # (B, S, 2)
        self.last = torch.where(there, index[:, None], -1).amax(1, keepdim=True)  # (B, 1, 2)
        first = torch.where(there, index[:, None], kinds.shape[1]).amin(1, keepdim=True)
        self.first = torch.where(self.last < 0, -1, first)  # where there is none, it is told
        self.index, self.nowhere = index, kinds.shape[1]
        # for reasons and for statutes: what comes too early, and how it begins itself
        self.early = [[*cues.rulings, *cues.statutes], [*cues.rulings]]
        self.due = [[*cues.reasons[:1]], [*cues.statutes[:1]]]

    def untold(self, furthest: Tensor, ruled: Tensor) -> Tensor:
        """Whether reasons, and statutes, are still to be told, (B, W, 2) bool. `furthest` (B, W)
        long: the furthest source token that was copied; `ruled` (B, W) bool: whether the ruling was
        announced all the same."""
        return (furthest[..., None] < self.first) & ~ruled[..., None]

    def cited(self, furthest: Tensor) -> Tensor:
        """Whether there are statutes and they are told, (B, W) bool. `furthest`: see `untold`."""
        first = self.first[..., 1]
        return (first >= 0) & (furthest >= first)

    def reachable(self, untold: Tensor) -> Tensor:
        """Where runs may begin, (B, W, S) bool."""
        until = torch.where(untold, self.last, self.nowhere).amin(-1, keepdim=True)
        return self.index <= until

    def announce(
        self, logits: Tensor, untold: Tensor, *, behind_stop: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The logits (B, W, V) with those of what comes too early, or of the end, given to the
        announcement of what is due, where a clause ends (`behind_stop` (B, W) bool); what is early,
        not to be said, and what is due, (B, W, V) bool.
        """
        early, due = (torch.zeros_like(logits, dtype=torch.bool) for _ in range(2))
        reasons, statutes = untold.unbind(-1)
        for kind, missing in enumerate((reasons, statutes & ~reasons)):
            own = self.due[kind]
            if own and missing.any():
                early[..., self.early[kind]] |= missing[..., None]
                due[..., own] |= missing[..., None]
                ahead = logits[..., [SEP, *self.early[kind]]].amax(-1, keepdim=True)
                raised = torch.maximum(logits[..., own], ahead)
                here = (missing & behind_stop)[..., None]
                logits[..., own] = torch.where(here, raised, logits[..., own])
        return logits, early, due

    def keep(self, rows: Tensor) -> None:
        """Only the documents `rows` (B',) long stay."""
        self.first, self.last = self.first[rows], self.last[rows]
