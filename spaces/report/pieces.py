"""A summary and its judgment cut into the pieces that a page marks.

Spans, kept clauses, flags and lines overlap freely; elements of a page cannot. So each text is cut
wherever one of them begins or ends, and every piece says what covers it. A judgment has at most one
piece more than twice its spans, kept clauses and lines together, and the numbers that the pieces
carry are no more than the characters of the summary: a page grows in proportion to its texts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from spaces.provenance import ScoredClause, Span, Summary

__all__ = ["Bit", "Part", "Place", "Stretch", "cut_judgment", "cut_summary", "visible"]

# Line breaks of Unicode; the templates show each line of a judgment as a paragraph.
_LINE = re.compile("[^\n\r\x85\u2028\u2029]+")
_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
# Control characters, halves of surrogate pairs, the marks that turn the direction of writing (with
# one of them 1234 reads 4321), and what HTML forbids.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


class Bit(NamedTuple):
    """Characters of one part of a summary under the same flags, which count from 1."""

    text: str
    flags: tuple[int, ...]
    nth: int  # among the flagged bits of the summary, from 1; 0 without flags
    ends: tuple[int, ...]  # the flags that end here


class Part(NamedTuple):
    """A span of a summary; `span` is None for text that no span covers. Copied spans are numbered
    from 1, others have number 0.
    """

    span: Span | None
    number: int
    bits: list[Bit]


class Place(NamedTuple):
    """Characters of a judgment that were copied into the same spans, or into none."""

    text: str
    numbers: tuple[int, ...]  # of the copied spans, see `Part`
    nth: int  # among the copied places of the judgment, from 1; 0 when not copied
    starts: tuple[int, ...]  # the spans that begin here
    more: bool  # cut from the place before by a line break or the border of a clause only


class Stretch(NamedTuple):
    """Places of one line of a judgment inside one kept clause, or outside all of them."""

    clause: ScoredClause | None
    opens: bool  # the clause begins here
    closes: bool  # no kept clause follows
    places: list[Place]


def visible(text: str) -> str:
    """`text` as a page can show it, a character for a character but for line breaks.

    Control characters become their pictures, what has none becomes U+FFFD.

    >>> visible("甲\\x00乙\\r\\n\\ud800")
    '甲␀乙\\n�'
    """
    return _UNSEEN.sub(_picture, _BREAK.sub("\n", text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def cut_summary(summary: Summary, flags: Sequence[tuple[int, int]] = ()) -> list[Part]:
    """The parts of a summary, each cut where flags (start, end) begin or end.

    >>> cut_summary(Summary("还款万元", (Span(0, 2, "generated"), Span(2, 4, "copied", 7, 9))),
    ...     [(1, 3)])  # shortened
    [Part(generated, 0, ['还', '款' (1,)]), Part(copied, 1, ['万' (1,), '元'])]
    """
    parts, number, flagged = [], 0, 0
    for start, end, span in _tiles(summary):
        number += bool(span and span.kind == "copied")
        bits = []
        for a, b, covering in _sweep(flags, start, end, ()):
            flagged += bool(covering)
            ends = tuple(i for i in covering if flags[i - 1][1] == b)
            bits.append(Bit(summary.text[a:b], covering, flagged if covering else 0, ends))
        parts.append(Part(span, number if span and span.kind == "copied" else 0, bits))
    return parts


def cut_judgment(
    judgment: str, spans: Iterable[Span], clauses: Iterable[ScoredClause]
) -> list[list[Stretch]]:
    """The lines of a judgment that have characters, each as stretches.

    spans: those of the summary. clauses: those of the judgment, in order; only the kept are marked.
    """
    sources = [
        (span.source_start, span.source_end)
        for span in spans
        if span.source_start is not None and span.source_end is not None
    ]
    kept = [clause for clause in clauses if clause.kept]
    lines = [match.span() for match in _LINE.finditer(judgment)]
    cuts = [x for pair in lines for x in pair] + [x for c in kept for x in (c.start, c.end)]
    pieces: list[tuple[int, int, Place]] = []  # number of the line, of the kept clause or -1, place
    line = clause = copied = 0
    before: tuple[int, ...] = ()
    for a, b, numbers in _sweep(sources, 0, len(judgment), cuts):
        while line < len(lines) and lines[line][1] <= a:
            line += 1
        while clause < len(kept) and kept[clause].end <= a:
            clause += 1
        if line == len(lines) or a < lines[line][0]:  # a line break
            continue
        copied += bool(numbers)
        starts = tuple(i for i in numbers if sources[i - 1][0] == a)
        more = bool(numbers) and numbers == before and not starts
        place = Place(judgment[a:b], numbers, copied if numbers else 0, starts, more)
        inside = clause < len(kept) and kept[clause].start <= a
        pieces.append((line, clause if inside else -1, place))
        before = numbers
    return _gather(pieces, kept)


def _gather(pieces: list[tuple[int, int, Place]], kept: list[ScoredClause]) -> list[list[Stretch]]:
    groups = [
        (key, [place for _, _, place in group])
        for key, group in groupby(pieces, key=lambda piece: piece[:2])
    ]
    lines: dict[int, list[Stretch]] = defaultdict(list)
    marks = [-1, *(clause for (_, clause), _ in groups), -1]
    for i, ((line, clause), places) in enumerate(groups, start=1):
        inside = clause >= 0
        opens, closes = inside and marks[i - 1] != clause, inside and marks[i + 1] < 0
        lines[line].append(Stretch(kept[clause] if inside else None, opens, closes, places))
    return list(lines.values())


def _tiles(summary: Summary) -> list[tuple[int, int, Span | None]]:
    """Spans with their characters, and None for text between them."""
    tiles: list[tuple[int, int, Span | None]] = []
    end = 0
    for span in summary.spans:
        tiles += [(end, span.start, None), (span.start, span.end, span)]
        end = span.end
    tiles.append((end, len(summary.text), None))
    return [tile for tile in tiles if tile[2] or tile[0] < tile[1]]


def _sweep(
    ranges: Sequence[tuple[int, int]], start: int, end: int, cuts: Iterable[int]
) -> Iterable[tuple[int, int, tuple[int, ...]]]:
    """(a, b, numbers): `start` to `end` cut at the borders of `ranges` and at `cuts`, with the
    numbers, from 1, of the ranges that cover each piece.

    >>> list(_sweep([(1, 4), (2, 3)], 0, 4, []))
    [(0, 1, ()), (1, 2, (1,)), (2, 3, (1, 2)), (3, 4, (1,))]
    """
    opening, closing = defaultdict(list), defaultdict(list)
    borders = {start, end, *cuts}
    for number, (a, b) in enumerate(ranges, start=1):
        a, b = max(a, start), min(b, end)
        if a < b:
            opening[a].append(number)
            closing[b].append(number)
            borders |= {a, b}
    active: set[int] = set()
    for a, b in pairwise(sorted(borders)):
        active.difference_update(closing.get(a, ()))
        active.update(opening.get(a, ()))
        yield a, b, tuple(sorted(active))
