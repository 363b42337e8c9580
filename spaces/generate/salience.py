"""What the labeller thinks of each clause, where the generator decides what to copy.

A generator that reads an extract sees all its clauses alike, though the labeller was sure of some
and kept others by a hair. Here its probabilities weigh in at three places, and only there:

- a run that may begin in several places, or go on into the next clause, does so the sooner the more
  probable the clause is;
- passing over source tokens costs by what is passed over: much for clauses that the labeller wants,
  next to nothing for the others;
- ending the text passes over all that is left.

Pointer-generator models weigh their copy distribution by a selector's probabilities in the same
manner (Hsu et al. 2018, "A Unified Model for Extractive and Abstractive Summarization using
Inconsistency Loss"; Gehrmann et al. 2018, "Bottom-Up Abstractive Summarization", where a hard mask
does it).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from spaces.generate.copying import BEGIN, INSIDE, OUTSIDE, CopyState
from spaces.generate.tokenizer import SEP

__all__ = ["Salience"]

_FURTHEST = 4.0  # log odds: beyond it the labeller is sure, and says nothing more


class Salience:
    """Probabilities of the clauses of B sources, token by token, and what they do to a step.

    Without probabilities every token counts the same: passing over costs by the number of tokens,
    and nothing else changes. Not `active`: not even that, and nothing needs to be added.
    """

    def __init__(
        self,
        *,
        source_mask: Tensor,
        probabilities: Tensor | None = None,
        threshold: float = 0.5,
        keep_weight: float = 0.0,
        skip_cost: float = 0.0,
        end_cost: float = 0.0,
    ) -> None:
        """`source_mask` (B, S) bool; `probabilities` (B, S) float, those of each token's clause.
        A clause of probability `threshold` is neither favoured nor put off. `keep_weight` is how
        much a log odds beyond it adds to a logit; `skip_cost` and `end_cost` what passing over 100
        tokens of probability 1 costs, in the logit of a copied token and of the end.
        """
        self.active = bool(skip_cost or end_cost or (keep_weight and probabilities is not None))
        weights = source_mask.float()
        self.skip_cost, self.end_cost = skip_cost / 100, end_cost / 100
        self.odds = torch.zeros_like(weights)
        if probabilities is not None:
            weights = weights * probabilities
            odds = torch.logit(probabilities.clamp(1e-4, 1 - 1e-4))
            odds = odds - torch.logit(torch.tensor(threshold)).item()
            self.odds = keep_weight * odds.clamp(-_FURTHEST, _FURTHEST)
        # a clause begins where the probability changes
        border = self.odds != F.pad(self.odds, (1, 0))[:, :-1]
        self.entering = self.odds * border
        self.through = weights.cumsum(1)  # (B, S): what has been passed behind this token
        self.before = self.through - weights

    def tags(self, copy: CopyState) -> Tensor:
        """What the clause that a run would enter next adds to the logit of I, (B, W, 3)."""
        following = F.pad(self.entering, (0, 1))[:, 1:]
        ends = copy.ends
        entered = following.gather(1, ends.clamp(min=0).flatten(1)).view_as(ends)
        added = entered.new_zeros((*ends.shape, 3))
        added[..., INSIDE] = entered.masked_fill(ends < 0, 0.0)
        return added

    def tokens(self, copy: CopyState, *, tags: Tensor, vocab_size: int) -> Tensor:
        """What is added to the logit of each token, (B, W, V). A token that could be taken from
        several places counts for the best of them.
        """
        passed = self._passed(copy)
        places = copy.places(tags)
        gain = self.odds[:, None] * (tags == BEGIN)[..., None]
        gain = gain - self.skip_cost * (self.before[:, None] - passed[..., None]).clamp(min=0)
        gain = gain.masked_fill(~places, -torch.inf)
        best = gain.new_zeros((*tags.shape, vocab_size))
        source = copy.source_ids[:, None].expand_as(gain)
        # what is no place has -inf, which nothing may take anyway, unless it is generated
        best.scatter_reduce_(2, source, gain, "amax", include_self=False)
        best = best.masked_fill_((tags == OUTSIDE)[..., None], 0.0)
        best[..., SEP] = -self.end_cost * (self.through[:, -1:] - passed)
        return best

    def _passed(self, copy: CopyState) -> Tensor:
        """What stands up to the furthest token that was copied, (B, W)."""
        furthest = copy.furthest
        passed = self.through.gather(1, furthest.clamp(min=0))
        return passed.masked_fill(furthest < 0, 0.0)

    def keep(self, rows: Tensor) -> None:
        """Only the documents `rows` (B',) long stay."""
        for name in ("odds", "entering", "through", "before"):
            setattr(self, name, getattr(self, name)[rows])

    def reorder(self, parents: Tensor) -> None:
        """The same for all beams of a document."""
