"""The `spaces` command: parse, call the public API, print.

Results go to standard output, everything else to standard error. Exit 0: done; 1: some records
failed; 2: wrong use, told in one line. Heavy imports wait inside the commands, so that `--help`
answers at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from spaces.console import SummaryPrinter, open_output, print_table, progress_bar, say
from spaces.errors import InputError, SpacesError
from spaces.model_commands import commands
from spaces.options import (
    Format,
    Model,
    ModelPrecision,
    NoExtract,
    Precision,
    SummaryFormat,
    Unit,
    examples,
)

if TYPE_CHECKING:
    from spaces.summarizer import Summarizer

__all__ = ["app", "main"]

COMPETITION = Path("/input/input.json"), Path("/output/result.json")

app = typer.Typer(
    name="spaces",
    help="Summaries of Chinese court judgments, with the origin of every character.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code. What the user did wrong is one line on standard
    error.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console of another encoding must not stop a summary
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    try:
        code = app(args=arguments, prog_name="spaces", standalone_mode=False)
        sys.stdout.flush()
        return code or 0
    except TyperException as error:
        message = " ".join(error.format_message().split()) or "expected a command"
        return _fail(f"{message} (see spaces --help)")
    except SpacesError as error:
        return _fail(str(error))
    except BrokenPipeError:  # the reader, head say, has seen enough; nothing is left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, a file taken away while it was read
        return _fail(f"{error.filename or 'the system'}: {error.strerror or error}")


def _fail(message: str) -> int:
    say(f"spaces: error: {message}")
    return 2


def _print_version(wanted: bool) -> None:
    if wanted:
        from spaces import __version__

        print(__version__)
        raise typer.Exit()


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


@app.command(
    epilog=examples(
        "spaces summarize judgment.pdf",
        "spaces summarize judgments/ --format html --output report.html",
        "cat judgment.txt | spaces summarize - --format json",
    )
)
def summarize(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE…|FOLDER|-]",
            help="Judgments, one a file: .txt, .docx, .pdf, .html; all those below a folder; "
            "- is standard input.",
        ),
    ] = None,
    model: Model = None,
    precision: ModelPrecision = Precision.float32,
    format: Annotated[
        SummaryFormat,
        typer.Option(
            help="text: the summary; json: with spans, clauses, warnings; html: one page with "
            "the summaries beside their judgments."
        ),
    ] = SummaryFormat.text,
    output: Annotated[
        Path | None, typer.Option(help="Write to this file instead.", metavar="PATH")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="Encoding of .txt and .html, for example GB18030; detected when not given.",
            metavar="NAME",
        ),
    ] = None,
    beams: Annotated[
        int | None, typer.Option(help="Beams of the search; 1 is greedy.", min=1)
    ] = None,
    no_extract: NoExtract = False,
) -> None:
    """Summarize judgments, one a file."""
    if not files and sys.stdin.isatty():
        raise InputError(
            "expected a FILE, or a judgment on standard input, got neither: spaces summarize FILE"
        )
    records = [name for name in files or [] if Path(name).suffix.lower() in (".json", ".jsonl")]
    if records:
        raise InputError(
            f"{records[0]}: expected a document, got records by its name: "
            f"spaces predict {records[0]} OUTPUT"
        )
    from spaces.documents import Inbox

    inbox = Inbox(
        files or ["-"],
        encoding=encoding,
        on_error=lambda message: say(f"spaces: error: {message}"),
        on_warning=lambda message: say(f"spaces: warning: {message}"),
    )
    summarizer = None
    beside = output is None and sys.stdout.isatty()  # then the summaries show how far it is
    with (
        open_output(output) as write,
        progress_bar(lambda: len(inbox.names), wanted=not (inbox.single or beside)) as advance,
    ):
        printer = SummaryPrinter(write, format.value, alone=inbox.single)
        for documents in inbox:
            summarizer = summarizer or _load(model, precision, beams)
            texts = [document.text for document in documents]
            summaries = summarizer.summarize_batch(
                texts, extract=not no_extract, on_progress=advance
            )
            for document, summary in zip(documents, summaries, strict=True):
                printer.add(document, summary)
        if not printer.done:  # then there is no output file either
            raise typer.Exit(1)
        printer.finish()
    if inbox.failed:
        say(f"spaces: {printer.done} done, {inbox.failed} failed")
        raise typer.Exit(1)


@app.command(
    epilog=examples(
        "spaces predict input.json result.json",
        "spaces predict input.json result.jsonl --details --batch-size 16",
        "spaces predict     (/input/input.json to /output/result.json)",
    )
)
def predict(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[INPUT]", help=f"Judgments, JSON lines; {COMPETITION[0]} when not given."
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OUTPUT]", help=f"Summaries, JSON lines; {COMPETITION[1]} when not given."
        ),
    ] = None,
    model: Model = None,
    precision: ModelPrecision = Precision.float32,
    batch_size: Annotated[int, typer.Option(help="Judgments decoded together.", min=1)] = 8,
    details: Annotated[
        bool, typer.Option("--details", help="Write spans, clauses and warnings too.")
    ] = False,
    no_extract: NoExtract = False,
) -> None:
    """Summarize a file of judgments, one line per id; a run that was stopped goes on."""
    from spaces.batch import check_paths, predict_file
    from spaces.inputs import estimate_records

    if source and not target:
        raise InputError(
            f"expected INPUT and OUTPUT (or neither: {COMPETITION[0]} and {COMPETITION[1]}), "
            "got INPUT only"
        )
    source, target = (source, target) if source and target else COMPETITION
    check_paths(source, target)
    try:
        with progress_bar(lambda: estimate_records(source)) as report_progress:
            report = predict_file(
                source,
                target,
                _load(model, precision),
                batch_size=batch_size,
                details=details,
                extract=not no_extract,
                on_progress=report_progress,
                on_warning=lambda message: say(f"spaces: warning: {message}"),
            )
    except KeyboardInterrupt:
        say("spaces: stopped; the same command goes on from here")
        raise typer.Exit(130) from None
    resumed = f" ({report.resumed} of them by an earlier run)" if report.resumed else ""
    say(f"spaces: {report.records} records{resumed}, {report.failed} failed: {target}")
    if report.failed:
        say(f"spaces: what failed and why: {report.errors_path}")
        raise typer.Exit(1)


@app.command(
    epilog=examples(
        "spaces evaluate result.json references.jsonl",
        "spaces evaluate result.json references.jsonl --unit word --format json",
    )
)
def evaluate(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="JSON lines of id and summary.")
    ],
    references: Annotated[
        Path, typer.Argument(metavar="REFERENCES", help="The same, or judgments with a summary.")
    ],
    unit: Annotated[Unit, typer.Option(help="Count words, characters, or both.")] = Unit.both,
    format: Annotated[Format, typer.Option(help="A table, or JSON.")] = Format.text,
) -> None:
    """Score summaries: ROUGE-1, -2, -L and their weighted sum (0.2, 0.4, 0.4), F1 with 95 %
    intervals.
    """
    from spaces.metrics import evaluate as score
    from spaces.records import read_predictions

    predicted = {item.id: item.summary for item in read_predictions(predictions)}
    expected = {item.id: item.summary for item in read_predictions(references)}
    units = ["word", "char"] if unit is Unit.both else [unit.value]
    results = [score(predicted, expected, unit=each) for each in units]
    if format is Format.json:
        from spaces.files import dump_json

        print(dump_json({result.unit: result.to_dict() for result in results}))
    else:
        print_table(results)
    if results[0].missing:
        say(f"spaces: warning: {results[0].missing} references have no prediction and score 0")
    if results[0].unknown:
        say(f"spaces: warning: {results[0].unknown} predictions have no reference and do not count")


@app.command(
    epilog=examples(
        "spaces serve",
        "spaces serve --port 9000 --workers 2 --model DIR",
    )
)
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
    model: Model = None,
    precision: ModelPrecision = Precision.float32,
    workers: Annotated[
        int, typer.Option(help="Models that work at the same time.", min=1, max=64)
    ] = 1,
    max_characters: Annotated[
        int, typer.Option(help="Characters a judgment may have.", min=1, max=1_000_000)
    ] = 200_000,
) -> None:
    """Answer over HTTP, with a page for people; Ctrl+C stops it."""
    from spaces.service.server import serve as answer
    from spaces.service.settings import ServiceSettings

    settings = ServiceSettings(max_characters=max_characters)
    # raised again after the shutdown, unless the shell had it ignored
    with contextlib.suppress(KeyboardInterrupt):
        answer(
            host,
            port,
            model=model,
            precision=precision.value,
            workers=workers,
            settings=settings,
            say=say,
        )
    say("spaces: stopped")


app.add_typer(commands)


def _load(model: str | None, precision: Precision, beams: int | None = None) -> Summarizer:
    from spaces import Summarizer

    summarizer = Summarizer.from_pretrained(model, precision=precision.value)
    if beams is not None:
        summarizer.config = replace(summarizer.config, beams=beams)
    return summarizer
