"""From the tokens a generator wrote to a summary whose every character has an origin.

The generator copies tokens of its source; its source is the extract; the extract is made of clauses
of the judgment. Each step keeps offsets, so a copied token leads back to characters of the
judgment, and it is these characters, not the token's normalised piece, that the summary shows:
case, digits and full-width forms survive. For every copied span `judgment[source_start:source_end]
== summary.text[start:end]`. This module knows nothing of models and loads no torch.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

__all__ = ["Extract", "ScoredClause", "Span", "Summary", "render"]


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of a summary and where they come from; both ends count
    characters, the last excluded.

    A `copied` span is `judgment[source_start:source_end]` to the letter; a `generated` one has no
    source.
    """

    start: int
    end: int
    kind: Literal["copied", "generated"]
    source_start: int | None = None
    source_end: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a JSON record; a generated span has no `source_…` fields."""
        place = {"start": self.start, "end": self.end, "kind": self.kind}
        if self.kind == "copied":
            place |= {"source_start": self.source_start, "source_end": self.source_end}
        return place


@dataclass(frozen=True)
class ScoredClause:
    """A clause of the judgment (characters `start` to `end`), the labeller's probability for it,
    and whether it was kept.
    """

    start: int
    end: int
    score: float
    kept: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "end": self.end,
            "score": round(self.score, 6),
            "kept": self.kept,
        }


@dataclass(frozen=True)
class Summary:
    """A summary, the spans that tile it, the clauses of the judgment it was made from, and what the
    reader should know.

    `clauses` is empty when the text went to the generator whole (`extract=False`).
    """

    text: str
    spans: tuple[Span, ...] = ()
    clauses: tuple[ScoredClause, ...] = ()
    warnings: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from spaces.report import summary_fragment

        return summary_fragment(self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON record, without its `id`: `{"summary", "spans", "clauses", "warnings"}`."""
        return {
            "summary": self.text,
            "spans": [span.to_dict() for span in self.spans],
            "clauses": [clause.to_dict() for clause in self.clauses],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Extract:
    """Pieces of a judgment joined into the generator's source text, and where they lie in the
    judgment.

    segments: (start, end) in characters of the judgment, in order; neighbours that touch are one
    segment.

    >>> Extract.of("甲，乙，丙，丁。", [(0, 2), (2, 4), (6, 8)])
    Extract(text='甲，乙，丁。', segments=((0, 4), (6, 8)))
    """

    text: str
    segments: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, judgment: str, places: Iterable[tuple[int, int]]) -> Extract:
        """The extract made of `places` (start, end), which are in order and do not overlap."""
        segments: list[tuple[int, int]] = []
        for start, end in places:
            if segments and segments[-1][1] == start:
                segments[-1] = (segments[-1][0], end)
            else:
                segments.append((start, end))
        return cls("".join(judgment[a:b] for a, b in segments), tuple(segments))

    def places(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Characters `start` to `end` of the extract as stretches of the judgment.

        >>> list(Extract("甲，乙，丁。", ((0, 4), (6, 8))).places(2, 5))
        [(2, 4), (6, 7)]
        """
        before = 0
        for first, last in self.segments:
            a, b = max(start - before, 0), min(end - before, last - first)
            if a < b:
                yield first + a, first + b
            before += last - first


class Copied(Protocol):
    """What `render` reads of a `spaces.generate.beam.Hypothesis`."""

    tokens: Sequence[int]
    tags: Sequence[int]
    positions: Sequence[int]


class Pieces(Protocol):
    """What `render` asks of a tokenizer."""

    all_special_ids: Sequence[int]

    def convert_ids_to_tokens(self, ids: int) -> str: ...


def render(
    hypothesis: Copied,
    source_offsets: Sequence[tuple[int, int]],
    extract: Extract,
    judgment: str,
    tokenizer: Pieces,
) -> tuple[str, list[Span]]:
    """The text of a hypothesis and the spans that tile it.

    source_offsets: for each token of the source, [CLS] and [SEP] included, its (start, end) in
    `extract.text`.

    - A copied run shows the judgment's characters from its first token to its last. White space,
      control characters and lone surrogates in it are left out, by ending one span and starting
      another; so does the border of two clauses that are not neighbours. One space between two
      Latin letters stays.
    - Generated tokens show the tokenizer's pieces. These are normalised (NFKC), so `, : ; ! ? ( )`
      beside a full-width character get their full-width form back.
    - Neighbouring generated spans are one, and so are copied ones that are neighbours in the
      judgment too.

    With source "本院认为" at (0, 2) (2, 4), positions (1, -1) and a generated token "查明":

    >>> extract = Extract.of("本院认为", [(0, 4)])
    >>> render(hypothesis, [(0, 0), (0, 2), (2, 4), (0, 0)], extract, "本院认为", tokenizer)
    ('本院查明', [Span(0, 2, 'copied', 0, 2), Span(2, 4, 'generated')])
    """
    written = _Writer()
    special = set(tokenizer.all_special_ids)
    for start, end, tokens in _runs(hypothesis, source_offsets):
        if end > start:
            for first, last in extract.places(start, end):
                for a, b in _printable(judgment, first, last):
                    written.copy(judgment[a:b], a, b)
        else:
            for token in tokens:
                if token not in special:
                    written.generate(tokenizer.convert_ids_to_tokens(token))
    return written.finish()


def _runs(
    hypothesis: Copied, offsets: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, list[int]]]:
    """(start, end, tokens): a copied run with its characters in the extract, or a generated token
    with (0, 0).
    """
    run: tuple[int, int, list[int]] | None = None
    last = -1
    for token, position in zip(hypothesis.tokens, hypothesis.positions, strict=True):
        start, end = offsets[position] if position >= 0 else (0, 0)
        if run and run[1] > run[0] and end > start and position == last + 1:
            run = (min(run[0], start), max(run[1], end), [*run[2], token])
        else:
            if run:
                yield run
            run = (start, end, [token])
        last = position
    if run:
        yield run


def _printable(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Stretches of text[start:end] a summary can show.

    >>> list(_printable("甲 乙\\x00Big Co", 0, 10))
    [(0, 1), (2, 3), (4, 10)]
    """
    first = start
    for index in range(start, end):
        c = text[index]
        if not (c.isspace() or unicodedata.category(c) in ("Cc", "Cs")):
            continue
        inside = start < index < end - 1
        if c == " " and inside and _is_latin(text[index - 1]) and _is_latin(text[index + 1]):
            continue
        if first < index:
            yield first, index
        first = index + 1
    if first < end:
        yield first, end


def _is_latin(c: str) -> bool:
    return c.isascii() and c.isalpha()


_FULL_WIDTH = dict(zip(",:;!?()", "，：；！？（）", strict=True))


def _is_wide(c: str) -> bool:
    return unicodedata.east_asian_width(c) in ("W", "F")


class _Writer:
    """The summary as it is written: characters, and spans that tile them."""

    def __init__(self) -> None:
        self.characters: list[str] = []
        self.spans: list[Span] = []

    def copy(self, text: str, source_start: int, source_end: int) -> None:
        self._add(text, "copied", source_start, source_end)

    def generate(self, text: str) -> None:
        if text:
            self._add(text, "generated")

    def _add(self, text: str, kind: Any, first: int | None = None, last: int | None = None) -> None:
        start = len(self.characters)
        self.characters.extend(text)
        before = self.spans[-1] if self.spans else None
        if before and before.kind == kind and before.source_end == first:
            start, first = before.start, before.source_start
            self.spans.pop()
        self.spans.append(Span(start, len(self.characters), kind, first, last))

    def finish(self) -> tuple[str, list[Span]]:
        """Text and spans, after generated punctuation got its full width back."""
        letters = self.characters
        for span in self.spans:
            for i in range(span.start, span.end) if span.kind == "generated" else ():
                beside = letters[max(i - 1, 0) : i] + letters[i + 1 : i + 2]
                if letters[i] in _FULL_WIDTH and any(map(_is_wide, beside)):
                    letters[i] = _FULL_WIDTH[letters[i]]
        return "".join(letters), self.spans
