"""A document and its summary as a report shows them: facts the document lacks are marked where they
stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from spaces.documents import Document
from spaces.facts import describe_missing, missing_facts
from spaces.provenance import Summary
from spaces.report import Flag, render_reports

__all__ = ["render_documents"]


def render_documents(pairs: Sequence[tuple[Document, Summary]]) -> str:
    """One HTML file: each summary beside the document it was made from, with a flag on every
    amount, date, statute article and number that the document does not state.

    Headings are file names, or the names as they were given where two files share one. Raises
    InputError when a summary was not made from its document.

    >>> page = render_documents([(document, summarizer.summarize(document.text))])
    """
    short = [PurePath(document.name).name or document.name for document, _ in pairs]
    names = [
        name if short.count(name) == 1 else document.name
        for name, (document, _) in zip(short, pairs, strict=True)
    ]
    reports = [
        (name, *_flag(document, summary))
        for name, (document, summary) in zip(names, pairs, strict=True)
    ]
    return render_reports(reports, title=names[0] if len(names) == 1 else "")


def _flag(document: Document, summary: Summary) -> tuple[Summary, str, list[Flag]]:
    """The summary with its document's warnings too, but without those that a flag says."""
    flags = [
        Flag(fact.start, fact.end, describe_missing([fact])[0])
        for fact in missing_facts(summary.text, document.text)
    ]
    told = {flag.message for flag in flags}
    warnings = (w for w in (*document.warnings, *summary.warnings) if w not in told)
    shown = Summary(summary.text, summary.spans, summary.clauses, tuple(warnings))
    return shown, document.text, flags
