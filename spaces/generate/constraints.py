"""What a step of decoding may say: the rules of copying, of repetition and of whose words they
are, and what the labeller thinks, put together.

Each rule keeps its own state and knows nothing of the others; here they meet. Rules that must hold
take tokens away (`copying`, `rules`, `cues`); the others add to logits (`salience`). The end of the
text is never taken away, only put off by so much that it comes as a last resort.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spaces.generate.copying import INSIDE, OUTSIDE, CopyState
from spaces.generate.cues import CueState, CueTokens
from spaces.generate.grounds import Grounds
from spaces.generate.numbers import NumberTokens
from spaces.generate.rules import NoRepeat, repeat_limits
from spaces.generate.salience import Salience
from spaces.generate.tokenizer import SEP

__all__ = ["Constraints"]

# Taken from a logit that is to win only where nothing else is possible.
_LAST_RESORT = 1e4


class Constraints:
    """The rules for W beams of B documents; for the settings see `beam.beam_search`."""

    def __init__(
        self,
        *,
        source_ids: Tensor,
        source_mask: Tensor,
        segments: Tensor | None,
        probabilities: Tensor | None,
        leaning: Tensor | None,
        leading: Tensor | None,
        grounds: Tensor | None,
        beams: int,
        max_new_tokens: int,
        no_repeat: int,
        copy_bias: float,
        generate_limit: int,
        look_back: int | None,
        skip_cost: float,
        end_cost: float,
        keep_weight: float,
        keep_threshold: float,
        numbers: NumberTokens,
        cues: CueTokens,
    ) -> None:
        """`source_ids`, `segments` (B, S) long, `source_mask` (B, S) bool; `probabilities` (B, S)
        float: that of each token's clause to be kept; `leaning` (B, S) bool: where no run may
        begin; `leading` (B, S) bool: where none may end; `grounds` (B, S) long: for
        `grounds.Grounds`."""
        self.copy = CopyState(
            source_ids=source_ids,
            source_mask=source_mask,
            beams=beams,
            numbers=numbers,
            look_back=look_back,
            leaning=leaning,
            leading=leading,
        )
        self.repeats = NoRepeat(
            source_ids=source_ids,
            beams=beams,
            max_new_tokens=max_new_tokens,
            limits=repeat_limits(no_repeat),
            protected=[*numbers.digits, *numbers.points, *numbers.units],
        )
        self.stages = CueState(
            segments=torch.zeros_like(source_ids) if segments is None else segments,
            beams=beams,
            cues=cues,
            wanted=None if probabilities is None else probabilities > keep_threshold,
        )
        self.grounds = Grounds(torch.zeros_like(source_ids) if grounds is None else grounds, cues)
        self.salience = Salience(
            source_mask=source_mask,
            probabilities=probabilities,
            threshold=keep_threshold,
            keep_weight=keep_weight,
            skip_cost=skip_cost,
            end_cost=end_cost,
        )
        self.copy_bias, self.generate_limit = copy_bias, generate_limit
        one_hot = torch.eye(3, device=source_ids.device)
        self.generating, self.continuing = one_hot[OUTSIDE], one_hot[INSIDE]

    @property
    def ends(self) -> Tensor:
        """(B, W) long: the first source index where the current run may end, -1 outside a run."""
        return self.copy.ends

    def choose(self, *, logits: Tensor, tag_logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The copy tag of each beam (B, W), the logits with what the rules add (B, W, V), and which
        tokens are allowed (B, W, V) bool. `logits` (B, W, V), `tag_logits` (B, W, 3)."""
        copy, stages, size = self.copy, self.stages, logits.shape[-1]
        waiting, verbatim = stages.waiting(copy.furthest), stages.verbatim(copy.furthest)
        # a small model that writes sentences of its own makes them up, and may not come back
        spent = (copy.own >= self.generate_limit) & bool(self.generate_limit)
        silent = verbatim | spent
        bare = (waiting & verbatim & ~stages.opening) | spent
        withheld = self.copy_bias + _LAST_RESORT * bare[..., None]
        onward = _LAST_RESORT * stages.onward(copy.ends)[..., None]
        tag_logits = tag_logits - withheld * self.generating + onward * self.continuing
        if self.salience.active:
            tag_logits = tag_logits + self.salience.tags(copy)
        # the ruling may say what the reasons said: its words are due, whatever stood before them
        repeated = self.repeats.banned(size) & ~(waiting & verbatim)[..., None]
        untold = self.grounds.untold(copy.furthest, stages.ruled)
        logits, early, due = self.grounds.announce(logits, untold, behind_stop=copy.opening)
        reachable = stages.reachable(copy.furthest, copy.begin)
        tags, allowed = copy.choose(
            tag_logits=tag_logits,
            banned=repeated | stages.banned(size),
            reachable=reachable & self.grounds.reachable(untold),
        )
        logits = stages.announce(logits, waiting)
        if self.salience.active:
            logits = logits + self.salience.tokens(copy, tags=tags, vocab_size=size)
        logits[..., SEP] = logits[..., SEP] - _LAST_RESORT * waiting
        own = (tags == OUTSIDE)[..., None]
        free = ~(silent[..., None] & own)
        # once: where nothing can follow it, the text is not to go on with it
        due &= (copy.own <= self.generate_limit)[..., None]
        return tags, logits, allowed & (free | stages.spoken(size) | due) & ~(early & own)

    def advance(self, *, tokens: Tensor, tags: Tensor) -> None:
        """Take in one chosen token per beam and its tag, (B, W) long."""
        self.copy.advance(tags=tags, tokens=tokens)
        self.repeats.advance(tokens=tokens)
        furthest = self.copy.furthest
        cited = self.grounds.cited(furthest)
        self.stages.advance(tokens=tokens, furthest=furthest, cited=cited)

    def reorder(self, parents: Tensor) -> None:
        """Beam w of document b continues from beam `parents[b, w]`, (B, W) long."""
        for state in (self.copy, self.repeats, self.stages, self.salience):
            state.reorder(parents)

    def keep(self, rows: Tensor) -> None:
        """Only the documents `rows` (B',) long stay."""
        for state in (self.copy, self.repeats, self.stages, self.grounds, self.salience):
            state.keep(rows)
