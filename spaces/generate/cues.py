"""Whose words these are: behind a cue, copying begins in the section the cue speaks of.

A summary says 被告辩称, and what follows must be the defence; behind 判决 it must be the ruling. A
model that begins to copy at the wrong place gives the claim as the defence, faithfully word by
word, which is worse than an ungrammatical sentence. The source knows the section of each of its
tokens (`spaces.sections`), so decoding need not trust the model with this.

A summary goes through stages, always forward: before the claim, claim, defence, findings, ruling. A
cue leads to its stage, and so does a run that goes on into the section of another stage, unless
that has passed: 诉讼请求 within a ruling (驳回其他诉讼请求) opens no claim, nor does 判决 within a
claim (请求判决被告…) open the ruling. In the stages of claim, defence and ruling runs begin in that
section only; before the claim and among the findings they begin anywhere but in the ruling, which
is never told unannounced. A section that the source does not have binds nobody; but a defence that
is not there is not announced either. And a ruling that is there is waited for, to the last clause
of it that is wanted: a summary that ends without it, or in the midst of it, is of no use. Where the
model would end before it, it is announced instead. Once it is, or its first word is copied, the
rest is in the court's words only: what a model adds to a ruling are orders that nobody made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spaces.generate.copying import is_among
from spaces.generate.tokenizer import FIRST_SECTION, SEP
from spaces.sections import SECTIONS

__all__ = ["CueState", "CueTokens"]

_BEFORE, _CLAIM, _DEFENCE, _FINDINGS, _RULING = range(5)
# the segment of the source that runs begin in, by stage; 0: any but the ruling
_SEGMENTS = [
    FIRST_SECTION + SECTIONS.index(name) if name else 0
    for name in ("", "claim", "defence", "", "ruling")
]

_STAGE_OF = {
    "claim": _CLAIM,
    "defence": _DEFENCE,
    "facts": _FINDINGS,
    "reasons": _FINDINGS,
    "ruling": _RULING,
    "tail": _RULING,
}
# the stage that a run of each segment belongs to
_STAGES = [_BEFORE] * FIRST_SECTION + [_STAGE_OF.get(name, _BEFORE) for name in SECTIONS]


@dataclass(frozen=True)
class CueTokens:
    """Token ids of the cues. `rulings` open the ruling behind anything, `ruling` (判决) only where
    neither claim nor defence is being told; `colons` may stand between those and the ruling.
    `answers` begin a defence, `facts` what the court found, `reasons` what it thinks, and
    `statutes` the list that the ruling rests on."""

    claim: tuple[int, ...] = ()
    defence: tuple[int, ...] = ()
    findings: tuple[int, ...] = ()
    ruling: tuple[int, ...] = ()
    rulings: tuple[int, ...] = ()
    colons: tuple[int, ...] = ()
    reasons: tuple[int, ...] = ()
    statutes: tuple[int, ...] = ()
    answers: tuple[int, ...] = ()
    facts: tuple[int, ...] = ()

    @classmethod
    def of(cls, pieces: Sequence[str]) -> CueTokens:
        """The cues among a tokenizer's pieces.

        >>> CueTokens.of(["原告", "诉称", "被告辩称", "判决"]).defence
        (2,)
        """

        def find(pattern: str) -> tuple[int, ...]:
            return tuple(i for i, piece in enumerate(pieces) if re.search(pattern, piece))

        return cls(
            claim=find("^(?!.*驳回).*(?:诉称|诉求|诉请|诉讼请求|请求判令)"),
            defence=find("辩称|抗辩$"),
            findings=find("查明|^本院认为$|^经?审理$|^经?审查$|^经审理|^依照$|^依据$"),
            ruling=find("^判决$"),
            rulings=find("^判决如下"),
            colons=find("^[:：]$"),
            reasons=find("^本院认为$"),
            statutes=find("^(?:依照|依据)$"),
            answers=find("^被告辩称$"),
            facts=find("^经审理查明$"),
        )


class CueState:
    """The stage each of W beams of B documents has come to, (B, W)."""

    def __init__(
        self, *, segments: Tensor, beams: int, cues: CueTokens, wanted: Tensor | None = None
    ) -> None:
        """`segments` (B, S) long: that of each source token; `wanted` (B, S) bool: the tokens of
        the clauses that are to be told (None: of no clause is it known)."""

        def ids(tokens: tuple[int, ...]) -> Tensor:
            return torch.tensor(tokens, dtype=torch.long, device=segments.device)

        self.segments = segments
        self.cues = [  # cue, the stage it leads to, the last stage it leads on from
            (ids(cues.claim), _CLAIM, _BEFORE),
            (ids(cues.defence), _DEFENCE, _CLAIM),
            (ids(cues.findings), _FINDINGS, _DEFENCE),
            (ids(cues.rulings), _RULING, _FINDINGS),
        ]
        self.ruling, self.defence = ids(cues.ruling), ids(cues.defence)
        self.rulings, self.colons = ids(cues.rulings), ids(cues.colons)
        self.announcement = ids((cues.rulings or cues.ruling)[:1])
        self.bound = torch.tensor(_SEGMENTS, device=segments.device)
        self.stages = torch.tensor(_STAGES, device=segments.device)
        self.unsayable: Tensor | None = None  # `banned` of these documents
        ruled = segments == _SEGMENTS[_RULING]
        others = (segments > 0) & ~ruled
        self.owing = ruled.any(-1, keepdim=True) & others.any(-1, keepdim=True)  # (B, 1)
        self.owing &= bool(cues.ruling or cues.rulings)
        # (B, S): the ruling's tokens that are to be told
        self.wanted = ruled & wanted if wanted is not None else torch.zeros_like(ruled)
        self.index = torch.arange(segments.shape[1], device=segments.device)
        # (B, 1): the last word of them; a stop stands behind it
        self.last = torch.where(self.wanted, self.index, -1).amax(-1, keepdim=True) - 1
        self.stage = segments.new_zeros((segments.shape[0], beams))
        # (B, W): the ruling has just been announced, and its colon may follow
        self.opening = torch.zeros_like(self.stage, dtype=torch.bool)

    @property
    def ruled(self) -> Tensor:
        """Whether the ruling was announced, or some of it told, (B, W) bool."""
        return self.stage == _RULING

    def reachable(self, furthest: Tensor, begin: Tensor) -> Tensor:
        """Where runs may begin, (B, W, S) bool: of the ruling, with the first word that is still to
        be told. `furthest` as for `waiting`; `begin` (B, S) bool: where a run may begin at all."""
        bound = self.bound[self.stage][..., None]
        segments = self.segments[:, None]
        inside = torch.where(bound == 0, segments != _SEGMENTS[_RULING], segments == bound)
        untold = (self.wanted & begin)[:, None] & (self.index > furthest[..., None])
        next_word = untold & (untold.cumsum(-1) == 1)
        telling = self.ruled[..., None] & untold.any(-1, keepdim=True)
        inside = torch.where(telling, next_word, inside)
        return inside | ~(inside & (segments > 0)).any(-1, keepdim=True)

    def onward(self, ends: Tensor) -> Tensor:
        """Whether a run has to go on, since the ruling's next word is to be told, (B, W) bool.
        `ends` (B, W) long: where the run may end, -1 for none."""
        following = (ends + 1).clamp(max=self.segments.shape[1] - 1)
        return self.wanted.gather(1, following) & (ends >= 0)

    def waiting(self, furthest: Tensor) -> Tensor:
        """Whether the ruling, or more of it, is still to be told, where the source has one beside
        other sections and there are cues to open it with, (B, W) bool. A summary does not end
        before. `furthest` (B, W) long: the furthest source token that was copied."""
        return self.owing & (~self._reached(furthest) | (furthest < self.last))

    def verbatim(self, furthest: Tensor) -> Tensor:
        """Whether the ruling is being told, or announced and now to be told, (B, W) bool: from
        there on nothing is generated. `furthest` as for `waiting`."""
        announced = self.owing & self.ruled
        return announced | self._reached(furthest)

    def _reached(self, furthest: Tensor) -> Tensor:
        """Whether something of the ruling was copied, or of what stands behind it, (B, W) bool."""
        return self._told(furthest) == _RULING

    def _told(self, furthest: Tensor) -> Tensor:
        """The stage of the section of `furthest`, (B, W)."""
        segments = self.segments.gather(1, furthest.clamp(min=0))
        return self.stages[segments].masked_fill(furthest < 0, _BEFORE)

    def announce(self, logits: Tensor, waiting: Tensor) -> Tensor:
        """The logits (B, W, V) with that of the end given to the announcement of a ruling that is
        still to be announced. `waiting` (B, W) bool: see there."""
        early = (waiting & ~self.ruled)[..., None]
        own = logits[..., self.announcement]
        at_least = torch.maximum(own, logits[..., SEP, None])
        logits[..., self.announcement] = torch.where(early, at_least, own)
        return logits

    def spoken(self, vocab_size: int) -> Tensor:
        """What may be generated where nothing else may, (B, W, V) bool: the announcement of a
        ruling that is owed, the colon behind it, and the end."""
        spoken = self.opening.new_zeros((*self.opening.shape, vocab_size))
        spoken[..., self.announcement] = (self.owing & ~self.ruled)[..., None]
        spoken[..., self.colons] = self.opening[..., None]
        spoken[..., SEP] = True
        return spoken

    def banned(self, vocab_size: int) -> Tensor:
        """The cue of a defence that the source does not have: not to be said, (B, 1, V) bool."""
        if self.unsayable is not None and self.unsayable.shape[-1] == vocab_size:
            return self.unsayable
        lacking = ~(self.segments == _SEGMENTS[_DEFENCE]).any(-1)
        banned = lacking.new_zeros((len(lacking), 1, vocab_size))
        banned[:, 0, self.defence] = lacking[:, None]
        self.unsayable = banned
        return banned

    def advance(self, *, tokens: Tensor, furthest: Tensor, cited: Tensor | None = None) -> None:
        """Take in one chosen token per beam, (B, W); `furthest`, with it, as for `waiting`; `cited`
        (B, W) bool: whether the statutes were told, behind which the court speaks."""
        stage = self.stage
        if cited is not None:
            stage = torch.where(cited, stage.clamp(min=_FINDINGS), stage)
        plain = is_among(tokens, self.ruling)
        telling = (stage == _CLAIM) | (stage == _DEFENCE)
        found = stage.masked_fill(plain & ~telling, _RULING)
        for ids, leads_to, until in self.cues:
            found = found.masked_fill(is_among(tokens, ids) & (stage <= until), leads_to)
        told = self._told(furthest)
        opening = (plain | is_among(tokens, self.rulings)) & (told != _RULING)
        self.opening = opening & (len(self.colons) > 0)
        self.stage = torch.maximum(found, told)

    def reorder(self, parents: Tensor) -> None:
        """Beam w of document b continues from beam `parents[b, w]`, (B, W) long."""
        self.stage = self.stage.gather(1, parents)
        self.opening = self.opening.gather(1, parents)

    def keep(self, rows: Tensor) -> None:
        """Only the documents `rows` (B',) long stay."""
        self.segments, self.stage = self.segments[rows], self.stage[rows]
        self.opening = self.opening[rows]
        self.owing, self.last = self.owing[rows], self.last[rows]
        self.wanted = self.wanted[rows]
        self.unsayable = None
