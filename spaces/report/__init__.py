"""A summary beside its judgment, as one HTML file in which every origin can be checked.

Pointing at a span of the summary, or moving to it with the keyboard, lights its place in the
judgment, and the other way round. The file needs no network and no script: without one the spans
are links to their places. Its content policy allows its own style and script, by hash, and nothing
else, and the script holds no data: what a judgment says is never more than text.

The templates are jinja2's: autoescape is on, and all they print goes through `visible`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from spaces.errors import InputError
from spaces.provenance import ScoredClause, Span, Summary
from spaces.report.pieces import Part, Place, Stretch, cut_judgment, cut_summary, visible

__all__ = ["Flag", "own_hashes", "render_report", "render_reports", "summary_fragment"]


@dataclass(frozen=True)
class Flag:
    """Something to check in characters `start` to `end` of a summary (the last excluded), in words.

    With `start == end` the message is listed, and nothing in the summary is marked.
    """

    start: int
    end: int
    message: str


def render_report(
    summary: Summary, judgment: str, *, title: str = "", flags: Sequence[Flag] = ()
) -> str:
    """One HTML file: `summary` beside the `judgment` it was made from.

    title: the page's heading, the judgment's file name for example. The result can be encoded in
    UTF-8 whatever the judgment holds. Raises InputError when the summary was not made from this
    judgment, or its spans or flags lie outside its text.

    >>> page = render_report(summarizer.summarize(judgment), judgment, title="loan.txt")
    >>> Path("loan.html").write_text(page, encoding="utf-8")
    """
    return _page([(title, summary, judgment, flags)], title)


def render_reports(
    reports: Iterable[tuple[str, Summary, str, Sequence[Flag]]], *, title: str = ""
) -> str:
    """One HTML file of several reports (title, summary, judgment, flags), with a table of contents.

    title: the page's heading. Raises InputError as `render_report` does.
    """
    return _page(list(reports), title)


def summary_fragment(summary: Summary) -> str:
    """A piece of HTML for notebooks: the summary, its copied and generated spans marked, and the
    warnings.
    """
    return _templates().get_template("fragment.html").render(summary=summary)


def own_hashes() -> tuple[str, str]:
    """The hashes of a report's style and of its script, as a content policy names them.

    A page that shows a report inside itself (an iframe with `srcdoc`) must allow both: such a
    document is held to the policy of the page around it, besides its own.
    """
    return _hash(_source("report.css")), _hash(_source("report.js"))


def _page(reports: list[tuple[str, Summary, str, Sequence[Flag]]], title: str) -> str:
    shown = [
        _Report(i, name or f"Judgment {i}", summary, judgment, tuple(flags))
        for i, (name, summary, judgment, flags) in enumerate(reports, start=1)
    ]
    style, script = _source("report.css"), _source("report.js")
    style_hash, script_hash = own_hashes()
    return (
        _templates()
        .get_template("report.html")
        .render(
            title=title or ("Summary and judgment" if len(shown) == 1 else "Summaries"),
            reports=shown,
            style=style,
            script=script,
            style_hash=style_hash,
            script_hash=script_hash,
        )
    )


class _Report:
    """What the template asks of one report."""

    def __init__(
        self, index: int, title: str, summary: Summary, judgment: str, flags: tuple[Flag, ...]
    ) -> None:
        _check(title, summary, judgment, flags)
        self.index, self.title = index, title
        self.summary, self.flags = summary, flags
        self.characters = len(judgment)
        self.parts = cut_summary(summary, [(flag.start, flag.end) for flag in flags])
        self.lines = cut_judgment(judgment, summary.spans, summary.clauses)
        self.kept = [clause for clause in summary.clauses if clause.kept]
        self.copied = sum(s.end - s.start for s in summary.spans if s.kind == "copied")
        # where links lead: from a span to its first place, from a flag to its first marked bit
        self.place_of: dict[int, int] = {}
        self.score_of: dict[int, ScoredClause] = {}
        for stretch in (stretch for line in self.lines for stretch in line):
            for place in stretch.places:
                for number in place.starts:
                    self.place_of.setdefault(number, place.nth)
                    if stretch.clause:
                        self.score_of.setdefault(number, stretch.clause)
        self.bit_of: dict[int, int] = {}
        for bit in (bit for part in self.parts for bit in part.bits):
            for flag in bit.flags:
                self.bit_of.setdefault(flag, bit.nth)

    def note(self, part: Part) -> str:
        """What a span is, in words: its origin, and the flags on it."""
        flags = sorted({flag for bit in part.bits for flag in bit.flags})
        notes = [f"Flag {flag}: {self.flags[flag - 1].message}" for flag in flags]
        if not part.span:
            return " ".join(notes)
        return " ".join([f"{_origin(part.span)}{_kept(self.score_of.get(part.number))}.", *notes])

    def note_of_place(self, place: Place, stretch: Stretch) -> str:
        """Where a place went, in words."""
        numbers = ", ".join(map(str, place.numbers))
        plural = "s" * (len(place.numbers) > 1)
        return f"Copied into the summary: span{plural} {numbers}{_kept(stretch.clause)}."


def _origin(span: Span) -> str:
    """The origin of a span, in words; characters are counted from 1, as people do."""
    if span.source_start is None or span.source_end is None:
        return "Generated: written by the model, not copied from the judgment"
    first, last = span.source_start + 1, span.source_end
    return f"Copied from character{'s' * (first < last)} {first:,}" + (
        f" to {last:,}" if first < last else ""
    )


def _kept(clause: ScoredClause | None) -> str:
    return f"; kept clause, score {clause.score:.2f}" if clause else ""


def _check(title: str, summary: Summary, judgment: str, flags: Sequence[Flag]) -> None:
    """Raises InputError unless all places are what they say: a report must not show a false
    origin.
    """
    end = 0
    for span in summary.spans:
        if not end <= span.start <= span.end <= len(summary.text):
            raise InputError(
                f"{title}: expected spans in order inside the summary's {len(summary.text)} "
                f"characters, got {span}; make the summary again"
            )
        end = span.end
        if span.kind == "copied":
            copied, source = (
                summary.text[span.start : span.end],
                judgment[span.source_start : span.source_end],
            )
            if copied != source:
                raise InputError(
                    f"{title}: the summary says {_short(copied)} was copied from character "
                    f"{span.source_start} of the judgment, which has {_short(source)} there; "
                    "give the judgment that the summary was made from"
                )
    for flag in flags:
        if not 0 <= flag.start <= flag.end <= len(summary.text):
            raise InputError(
                f"{title}: expected flags inside the summary's {len(summary.text)} characters, "
                f"got {flag}"
            )


def _short(text: str) -> str:
    return repr(text if len(text) <= 20 else f"{text[:20]}…")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["origin"] = _origin
    environment.globals["cut"] = cut_summary
    return environment


def _source(name: str) -> str:
    """A style or script of the package as it stands between its tags."""
    environment: Any = _templates()
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    """The hash by which a content policy knows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
