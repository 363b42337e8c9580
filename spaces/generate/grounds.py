"""No ruling without what it rests on: an answer, a finding, a reason of the court and the statutes
are told before it, in this order, where the source has them.

A small model may pass from the claim to the reasons, or from the defence to the statutes, since
many summaries do. Nobody can check a ruling of which nothing says why. So before something of a
kind is told no run begins behind the last of it, and nothing is announced that comes later: what
the model would announce too early is the announcement of what is due instead. Words that are cues
elsewhere may be copied all the same (没有依据).
"""

from __future__ import annotations

import torch
from torch import Tensor

from spaces.generate.cues import CueTokens
from spaces.generate.tokenizer import SEP

__all__ = ["ANSWER", "FACT", "OTHER", "REASON", "STATUTE", "Grounds"]

OTHER, ANSWER, FACT, REASON, STATUTE = range(5)
_KINDS = (ANSWER, FACT, REASON, STATUTE)  # in the order in which they are told


class Grounds:
    """What B documents of S tokens have before their rulings."""

    def __init__(self, kinds: Tensor, cues: CueTokens) -> None:
        """`kinds` (B, S) long: what each source token is of, an ANSWER, …, or OTHER."""
        index = torch.arange(kinds.shape[1], device=kinds.device)
        there = torch.stack([kinds == kind for kind in _KINDS], dim=-1)  # (B, S, 4)
        self.last = torch.where(there, index[:, None], -1).amax(1, keepdim=True)  # (B, 1, 4)
        first = torch.where(there, index[:, None], kinds.shape[1]).amin(1, keepdim=True)
        self.first = torch.where(self.last < 0, -1, first)  # where there is none, it is told
        self.index, self.nowhere = index, kinds.shape[1]
        # of each kind: what comes too early before it, and how it begins itself
        self.early = [
            [*cues.rulings, *cues.findings],
            [*cues.rulings, *cues.statutes, *cues.reasons],
            [*cues.rulings, *cues.statutes],
            [*cues.rulings],
        ]
        cues_of_kinds = (cues.answers, cues.facts, cues.reasons, cues.statutes)
        self.due = [[*tokens[:1]] for tokens in cues_of_kinds]

    def untold(self, furthest: Tensor, ruled: Tensor) -> Tensor:
        """Whether each kind is still to be told, (B, W, 4) bool. `furthest` (B, W) long: the
        furthest source token that was copied; `ruled` (B, W) bool: whether the ruling was announced
        all the same."""
        return (furthest[..., None] < self.first) & ~ruled[..., None]

    def cited(self, furthest: Tensor) -> Tensor:
        """Whether there are statutes and they are told, (B, W) bool. `furthest`: see `untold`."""
        first = self.first[..., -1]
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
        not to be generated, and what is due, (B, W, V) bool.
        """
        early, due = (torch.zeros_like(logits, dtype=torch.bool) for _ in range(2))
        next_one = untold & (untold.cumsum(-1) == 1)
        for own, ahead_of, missing in zip(self.due, self.early, next_one.unbind(-1), strict=True):
            if own and missing.any():
                early[..., ahead_of] |= missing[..., None]
                due[..., own] |= missing[..., None]
                ahead = logits[..., [SEP, *ahead_of]].amax(-1, keepdim=True)
                raised = torch.maximum(logits[..., own], ahead)
                here = (missing & behind_stop)[..., None]
                logits[..., own] = torch.where(here, raised, logits[..., own])
        return logits, early, due

    def keep(self, rows: Tensor) -> None:
        """Only the documents `rows` (B',) long stay."""
        self.first, self.last = self.first[rows], self.last[rows]
