"""What the command line prints: results to standard output or a file, everything else to standard
error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spaces.documents import Document
    from spaces.metrics import Evaluation
    from spaces.provenance import Summary

__all__ = ["SummaryPrinter", "open_output", "print_rows", "print_table", "progress_bar", "say"]


def say(message: str) -> None:
    """One line on standard error."""
    print(message, file=sys.stderr)


@contextmanager
def open_output(path: Path | None) -> Iterator[Callable[[str], Any]]:
    """A function that writes a line, to standard output or to a file that appears only when it is
    complete.
    """
    if path is None:
        yield print
        return
    from spaces.files import atomic_write

    with atomic_write(path) as file:
        yield lambda line: print(line, file=file)


class SummaryPrinter:
    """Prints summaries as they come: their texts, their records, or, at the end, one HTML page.

    write: prints a line; format: "text", "json" or "html"; alone: there is one document, so its
    text needs no heading. Warnings go to standard error. `done` counts the summaries.
    """

    def __init__(self, write: Callable[[str], Any], format: str, *, alone: bool) -> None:
        self.write, self.format, self.alone, self.done = write, format, alone, 0
        self.pairs: list[tuple[Document, Summary]] = []  # what the page will show

    def add(self, document: Document, summary: Summary) -> None:
        from spaces.documents import STANDARD_INPUT
        from spaces.files import dump_json

        for warning in (*document.warnings, *summary.warnings):
            say(f"spaces: warning: {document.name}: {warning}")
        self.done += 1
        if self.format == "html":
            self.pairs.append((document, summary))
        elif self.format == "json":
            identity = {} if document.name == STANDARD_INPUT else {"id": document.name}
            self.write(dump_json(identity | document.record(summary)))
        else:
            if not self.alone:
                self.write(f"{chr(10) * (self.done > 1)}==> {document.name} <==")
            self.write(summary.text)

    def finish(self) -> None:
        """Print the page, where one was asked for."""
        if self.format == "html":
            from spaces.report.facts import render_documents

            self.write(render_documents(self.pairs))


@contextmanager
def progress_bar(
    total: Callable[[], int | None], *, wanted: bool = True
) -> Iterator[Callable[[int], None]]:
    """A bar with rate and time left on standard error, when that is a terminal; otherwise nothing.

    `total` counts the judgments (None: not known), when there is a bar; the function it yields is
    told how many more are done.
    """
    if not (wanted and sys.stderr.isatty()):
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(rate_text(task.speed))

    columns = [*Progress.get_default_columns()[:2], MofNCompleteColumn(), Rate()]
    columns.append(TimeRemainingColumn())
    bar = Progress(
        *columns,
        console=Console(stderr=True),
        redirect_stdout=False,  # what is printed to a file would go to the terminal instead
        speed_estimate_period=600,  # a batch can take half a minute, and the rate is of several
    )
    with bar:
        task = bar.add_task("judgments", total=total())
        yield lambda done: bar.advance(task, done)


def rate_text(speed: float | None) -> str:
    """Judgments done in a second as a rate, in the unit that reads best.

    >>> rate_text(0.25), rate_text(2.0), rate_text(None)
    ('15.0/min', '2.0/s', '')
    """
    if not speed:
        return ""
    return f"{speed:.1f}/s" if speed >= 1 else f"{60 * speed:.1f}/min"


def print_table(results: Sequence[Evaluation]) -> None:
    rows = []
    for result in results:
        row = {"unit": result.unit, "documents": result.n}
        names = {"ROUGE-1": "r1", "ROUGE-2": "r2", "ROUGE-L": "rl", "weighted": "weighted"}
        for title, name in names.items():
            score = getattr(result, name)
            row[title] = f"{score.mean:.4f} [{score.low:.4f}, {score.high:.4f}]"
        rows.append(row)
    print_rows(rows)


def print_rows(records: Sequence[Mapping[str, Any]]) -> None:
    """A table with the keys of the first record as its heading: drawn on a terminal, else with
    tabs.
    """

    def shown(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    rows = [tuple(records[0]), *(tuple(map(shown, record.values())) for record in records)]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*rows[0])
    for row in rows[1:]:
        table.add_row(*(cell.replace("[", "\\[") for cell in row))
    Console().print(table)
