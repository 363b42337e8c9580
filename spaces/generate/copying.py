"""The copy mechanism: which tokens of a summary are copied, and which a decoder may copy next.

Every target token has a copy tag: O, it is generated; B, it begins a run copied from the source;
I, it continues the run, so it is the source token right after the previous one. The idea is from
Su Jianlin, 《SPACES：“抽取-生成”式长文本摘要（法研杯总结）》. There a decoder looks runs up in
tables of the source's n-grams, rebuilt at each step. Here the same rule is kept as match
positions: for each beam one boolean per source token, "the current run may end here". The next
step shifts the vector by one and intersects it with the places of the new token. That is
O(source) per step, moves with the beams, and says where a copy comes from.

An [UNK] stands for any unknown piece, so two of them need not be the same text. A run may pass
through one (the tokens before it tell which), but begins with one only where the source has a
single [UNK]; and [UNK] is never generated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from rapidfuzz.distance import LCSseq
from torch import Tensor
from torch.nn import functional as F

from spaces.generate.numbers import NO_NUMBERS, NumberTokens
from spaces.generate.tokenizer import CLS, MASK, PAD, SEP, UNK

NOT_COPIED = (PAD, CLS, SEP, MASK)
NOT_GENERATED = (PAD, UNK, CLS, MASK)

_LONGEST_TITLE = 60  # tokens

OUTSIDE, BEGIN, INSIDE = range(3)  # the copy tags O, B, I


def copy_labels(source_ids: Sequence[int], target_ids: Sequence[int]) -> list[int]:
    """The copy tag of each target token, from the longest common subsequence of source and target.

    Not in the subsequence: O. In it: B, or I where the pair before it is adjacent in source and
    target both. Among subsequences of that length one with long runs is taken.

    >>> copy_labels([2, 10, 11, 12, 13, 3], [10, 11, 20, 13])
    [1, 2, 0, 1]
    """
    pairs = _join_runs(_common_pairs(source_ids, target_ids), source_ids, target_ids)
    lone_unknown = list(source_ids).count(UNK) == 1
    tags = [OUTSIDE] * len(target_ids)
    previous = None
    for i, j in pairs:
        continues = previous == (i - 1, j - 1)
        if target_ids[j] == UNK and not (continues or lone_unknown):
            continue  # another unknown piece, most likely
        tags[j] = INSIDE if continues else BEGIN
        previous = (i, j)
    return tags


def _common_pairs(source: Sequence[int], target: Sequence[int]) -> list[tuple[int, int]]:
    """A longest common subsequence as rising (source index, target index) pairs."""
    left = [i for i, token in enumerate(source) if token not in NOT_COPIED]
    right = [j for j, token in enumerate(target) if token not in NOT_COPIED]
    steps = LCSseq.opcodes([source[i] for i in left], [target[j] for j in right])
    return [
        (left[step.src_start + k], right[step.dest_start + k])
        for step in steps
        if step.tag == "equal"
        for k in range(step.src_end - step.src_start)
    ]


def _join_runs(
    pairs: list[tuple[int, int]], source: Sequence[int], target: Sequence[int]
) -> list[tuple[int, int]]:
    """As many pairs in at most as many runs: two sweeps move a pair next to its neighbour.

    Moving a pair next to its right neighbour joins these two and parts it from the left one at
    worst, so no sweep adds a run.

    >>> _join_runs([(0, 0), (1, 1), (5, 2)], "abxabc", "abc")
    [(3, 0), (4, 1), (5, 2)]
    """

    def agree(i: int, j: int) -> bool:
        return source[i] == target[j] and source[i] not in NOT_COPIED

    pairs = list(pairs)
    for k in reversed(range(len(pairs) - 1)):
        i, j = pairs[k + 1]
        if agree(i - 1, j - 1):
            pairs[k] = (i - 1, j - 1)
    for k in range(1, len(pairs)):
        i, j = pairs[k - 1]
        if agree(i + 1, j + 1):
            pairs[k] = (i + 1, j + 1)
    return pairs


def resolve_positions(tags: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The source index of each copied token, -1 for generated ones.

    `ends[i]` is where the run might have ended at token i (the first such place). A run can match
    several places until a later token decides, so the end of its last token counts, and the
    others follow from it.

    >>> resolve_positions([1, 2, 0, 1], [0, 6, -1, 3])
    [5, 6, -1, 3]
    """
    positions = list(ends)
    for i in reversed(range(len(tags) - 1)):
        if tags[i + 1] == INSIDE:
            positions[i] = positions[i + 1] - 1
    return positions


class CopyState:
    """What each of W beams of B documents may copy from its source of S tokens.

    `match` (B, W, S) bool: the current run of a beam may end at this source token; no match, no
    run.

    For a source a b c a d, after a (B): match at 0 and 3, I may take b or d; after b (I): match
    at 1.

    Numbers are copied whole, with their unit: a run neither begins nor ends within a number of the
    source, no digit follows a number, and none is generated but the number of a list's item, behind
    a stop and before a mark (`：1、`). Nor are units generated behind numbers, or tokens that are a
    figure by themselves (`十倍`, `第七条`). The name of a law, 《…》, is copied whole, too, its
    marks are never generated, nor does a run begin among its articles. See
    `numbers.NumberTokens`.
    """

    def __init__(
        self,
        *,
        source_ids: Tensor,
        source_mask: Tensor,
        beams: int,
        numbers: NumberTokens = NO_NUMBERS,
        look_back: int | None = None,
        leaning: Tensor | None = None,
        leading: Tensor | None = None,
    ) -> None:
        """`source_ids` (B, S) long; `source_mask` (B, S) bool, False for padding. `look_back`: how
        many tokens before the furthest that was copied a run may begin; None: anywhere. `leaning`
        (B, S) bool: where no run begins but right behind another, since what stands there leans on
        what is before it; `leading` (B, S) bool: where no run ends, since what stands there leads
        to what is behind it.
        """
        special = torch.isin(source_ids, torch.tensor(NOT_COPIED, device=source_ids.device))
        unknown = (source_ids == UNK) & source_mask
        ambiguous = unknown & (unknown.sum(dim=1, keepdim=True) > 1)
        self.source_ids = source_ids
        self.inside = source_mask & ~special  # (B, S): a run may pass here
        self.tokens = {
            name: torch.tensor(ids, dtype=torch.long, device=source_ids.device)
            for name, ids in vars(numbers).items()
        }
        digit = self._is(source_ids, "digits") & source_mask
        between = _before(digit) & _behind(digit)
        number = digit | (self._is(source_ids, "points") & between)
        self.fresh = number & ~_before(number)  # (B, S): a number of the source begins here
        # its unit belongs to it, and of 万元, in two tokens, both
        unit = self._is(source_ids, "units") & _before(number)
        unit |= self._is(source_ids, "units") & _before(unit & self._is(source_ids, "scales"))
        whole = (number | unit) & source_mask
        within = (number & _before(number)) | unit
        self.unfinished = whole & _behind(within)  # (B, S): no run may end here
        if leading is not None:
            self.unfinished |= leading
        self.begin = self.inside & ~ambiguous & ~within  # (B, S): a run may begin here
        self.leaning = torch.zeros_like(self.begin) if leaning is None else leaning
        kinds = ("ordinals", "numerals", "units", "figures", "marks")
        article = torch.stack([self._is(source_ids, kind) for kind in kinds]).any(0).tolist()
        for row, first, last in self._titles():
            self.unfinished[row, first:last] = True
            # nor behind it: an article belongs to the law it stands behind
            behind = last + 2
            while behind < len(article[row]) and article[row][behind]:
                behind += 1
            self.begin[row, first + 1 : behind] = False
        self.match = source_mask.new_zeros((source_ids.shape[0], beams, source_ids.shape[1]))
        # (B, W): the beam's last token is of a number, in digits or in Chinese numerals; an item of
        # a list may begin here; its number has just been generated
        self.numeric = source_mask.new_zeros((source_ids.shape[0], beams))
        self.numeral = torch.zeros_like(self.numeric)
        self.opening = torch.ones_like(self.numeric)
        self.counted = torch.zeros_like(self.numeric)
        self.open: tuple[Tensor, Tensor] | None = None  # where a run may go on, and begin
        self.generated: Tensor | None = None  # (V,): what may be generated at all
        self.reachable: Tensor | None = None  # between a choice and its outcome
        self.look_back = look_back
        self.own = torch.zeros_like(self.numeric, dtype=torch.long)  # (B, W): generated in a row
        self.furthest = torch.full_like(self.match[..., 0], -1, dtype=torch.long)  # (B, W)

    def _titles(self) -> Iterator[tuple[int, int, int]]:
        """Row, first and last place of each 《…》 of the sources; one that is not closed within 60
        tokens was never meant to be one."""
        opens, closes = (set(self.tokens[name].tolist()) for name in ("opens", "closes"))
        for row, ids in enumerate(self.source_ids.tolist() if opens else ()):
            first = None
            for place, token in enumerate(ids):
                if token in opens:
                    first = place
                elif token in closes and first is not None:
                    if place - first <= _LONGEST_TITLE:
                        yield row, first, place
                    first = None

    def _is(self, tokens: Tensor, kind: str) -> Tensor:
        return is_among(tokens, self.tokens[kind])

    @property
    def ends(self) -> Tensor:
        """(B, W) long: the first source index where the current run may end, -1 outside a run."""
        first = self.match.long().argmax(dim=-1)
        return torch.where(self.match.any(dim=-1), first, -1)

    def choose(
        self, *, tag_logits: Tensor, banned: Tensor, reachable: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The best possible tag of each beam, (B, W), and what it then may say, (B, W, V) bool.

        `tag_logits` (B, W, 3); `banned` (B, W, V) bool: tokens that another rule excludes, never
        [SEP]; `reachable` (B, W, S) bool: where another rule lets runs begin. I needs a run, so it
        never follows O. I with nothing to continue falls back to B, B with nothing to copy to O.
        Where bans leave nothing to copy, O as well: a copy that repeats itself is not to be forced
        into another one, and O can end the text.
        """
        self.reachable, self.open = reachable, None
        in_run = self.match.any(dim=-1)
        in_number = in_run & ~(self.match & ~self.unfinished[:, None]).any(dim=-1)
        possible = torch.stack((~in_number, ~in_number, in_run), dim=-1)
        tags = tag_logits.masked_fill(~possible, -torch.inf).argmax(dim=-1)
        for tag in (INSIDE, BEGIN):
            nothing = ~self.places(tags).any(dim=-1)
            tags = tags.masked_fill((tags == tag) & nothing, tag - 1)
        if self.counted.any() and len(self.tokens["marks"]):
            mark = torch.zeros_like(banned)
            mark[..., self.tokens["marks"]] = True
            banned = torch.where(self.counted[..., None], ~mark, banned)
        allowed = self.allowed(tags=tags, vocab_size=banned.shape[-1]) & ~banned
        stuck = ~allowed.any(dim=-1)
        if stuck.any():
            tags = tags.masked_fill(stuck, OUTSIDE)
            allowed = self.allowed(tags=tags, vocab_size=banned.shape[-1]) & ~banned
        return tags, allowed

    def allowed(self, *, tags: Tensor, vocab_size: int) -> Tensor:
        """The tokens that `tags` (B, W) permit, (B, W, V) bool.

        O: all but [PAD] [UNK] [CLS] [MASK]; B: those of the source; I: those that continue the run.
        """
        tokens = self.source_ids[:, None].expand_as(self.match)
        copied = self.match.new_zeros((*tags.shape, vocab_size))
        # places that do not count are written to [PAD], which is then cleared
        copied.scatter_(2, tokens.masked_fill(~self.places(tags), PAD), True)
        copied[..., PAD] = False
        if self.generated is None or len(self.generated) != vocab_size:
            self.generated = self.match.new_ones(vocab_size)
            self.generated[list(NOT_GENERATED)] = False
            self.generated[self.tokens["figures"]] = False
            self.generated[self.tokens["opens"]] = False
        generated = self.generated.expand(copied.shape).clone()
        behind = self.numeric | self.numeral
        item = self.opening if len(self.tokens["marks"]) else ~self.numeric
        for kind, barred in (
            ("digits", self.numeric | ~item),
            ("points", self.numeric & ~self.counted),
            ("units", behind),
            ("numerals", behind),
        ):
            generated[..., self.tokens[kind]] &= ~barred[..., None]
        return torch.where((tags == OUTSIDE)[..., None], generated, copied)

    def advance(self, *, tags: Tensor, tokens: Tensor) -> None:
        """Take in one chosen token per beam: `tags` and `tokens` are (B, W) long."""
        same = self.source_ids[:, None] == tokens[..., None]
        self.match = self.places(tags) & same
        self.furthest = torch.maximum(self.furthest, self.ends)
        self.reachable = self.open = None
        digit, point = self._is(tokens, "digits"), self._is(tokens, "points")
        self.numeric = digit | (self.numeric & point & (tags != OUTSIDE))
        self.numeral = self._is(tokens, "numerals")
        self.counted = digit & (tags == OUTSIDE)
        self.own = torch.where(tags == OUTSIDE, self.own + 1, 0)
        self.opening = self._is(tokens, "stops")

    def reorder(self, parents: Tensor) -> None:
        """Beam w of document b continues from beam `parents[b, w]`; `parents` is (B, W) long."""
        self.match, self.open = take_beams(self.match, parents), None
        for name in ("numeric", "numeral", "opening", "counted", "furthest", "own"):
            setattr(self, name, take_beams(getattr(self, name), parents))
        if self.reachable is not None:
            self.reachable = take_beams(self.reachable, parents)

    def keep(self, rows: Tensor) -> None:
        """Only the documents `rows` (B',) long stay."""
        self.open = None
        names = ("source_ids", "match", "inside", "begin", "leaning", "unfinished", "fresh")
        for name in (*names, "numeric", "numeral", "opening", "counted", "furthest", "own"):
            setattr(self, name, getattr(self, name)[rows])
        if self.reachable is not None:
            self.reachable = self.reachable[rows]

    def places(self, tags: Tensor) -> Tensor:
        """(B, W, S) bool: the source tokens that a beam with this tag may take."""
        if self.open is None:
            barred = self.fresh[:, None] & self.numeric[..., None]
            after = F.pad(self.match, (1, 0))[..., :-1] & self.inside[:, None] & ~barred
            begin = self.begin[:, None] & (after | ~self.leaning[:, None]) & ~barred
            if self.reachable is not None:
                begin &= self.reachable
            if self.look_back is not None:
                index = torch.arange(begin.shape[-1], device=begin.device)
                begin &= index > (self.furthest - self.look_back)[..., None]
            self.open = after, begin
        after, begin = self.open
        tags = tags[..., None]
        return (after & (tags == INSIDE)) | (begin & (tags == BEGIN))


def _before(mask: Tensor) -> Tensor:
    """(B, S): whether the place before is in the mask."""
    return F.pad(mask, (1, 0))[:, :-1]


def _behind(mask: Tensor) -> Tensor:
    """(B, S): whether the place behind is in the mask."""
    return F.pad(mask, (0, 1))[:, 1:]


def is_among(tokens: Tensor, ids: Tensor) -> Tensor:
    """Which tokens are among the ids, bool; `torch.isin` sorts both, which takes longer for few."""
    return (tokens[..., None] == ids).any(dim=-1)


def take_beams(state: Tensor, parents: Tensor) -> Tensor:
    """`state` (B, W, ...) with beam w of document b taken from beam `parents[b, w]`."""
    rows = torch.arange(state.shape[0], device=state.device)[:, None]
    return state[rows, parents]
