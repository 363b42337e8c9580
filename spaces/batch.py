"""A file of judgments to a file of summaries: resumable, atomic, one line per id, in the order of
the input.

Judgments are read, summarized and written window by window, so memory does not grow with the file.
What is done stands in OUTPUT.partial; it becomes OUTPUT when the last record is done, and a run
that was interrupted goes on from it when input, model and options are the same. One broken record
never takes another down: it is listed in OUTPUT.errors.jsonl with its line and the reason, and
still has its line in OUTPUT (summary "") where its id is known.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from spaces import __version__
from spaces.errors import ConfigError, InputError, RecordError
from spaces.files import Line, atomic_write, dump_json, readable
from spaces.inputs import iter_records
from spaces.provenance import Summary
from spaces.records import parse_judgment

__all__ = ["Report", "check_paths", "predict_file"]

WINDOW = 8  # batches of judgments read at a time: enough to sort by length
_BROKEN_ID = re.compile(r'\s*\{\s*"id"\s*:\s*("(?:[^"\\]|\\.)+"|-?\d+)\s*[,}]')


class Summarizes(Protocol):
    """What `predict_file` asks of a `spaces.summarizer.Summarizer`."""

    def fingerprint(self) -> str: ...

    def summarize_batch(
        self,
        texts: Sequence[str],
        *,
        batch_size: int,
        extract: bool,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Summary]: ...


@dataclass(frozen=True)
class Report:
    """records: in the input; failed: those in `errors_path`; resumed: those an earlier, interrupted
    run had done.
    """

    records: int
    failed: int
    resumed: int
    errors_path: Path


@dataclass
class _Entry:
    """One record of the input on its way: what was read, then its line of OUTPUT, or the reason it
    failed, or both.
    """

    line: int
    id: str | int | None = None
    text: str | None = None
    output: dict[str, Any] | None = None
    error: str | None = None
    warning: str | None = None  # of a record that has no summary, though nothing failed

    def settle(self, summary: Summary, details: bool) -> None:
        self.output = {"id": self.id, "summary": summary.text}
        if details:
            self.output = {"id": self.id, **summary.to_dict()}
        if not summary.text:
            self.warning = " ".join(summary.warnings)

    def fail(self, reason: str, details: bool) -> None:
        """The record keeps its line in OUTPUT, when there is an id to write there."""
        self.error = reason
        if self.id is not None:
            self.settle(Summary("", warnings=(reason,)), details)

    def stored(self) -> dict[str, Any]:
        """Its line of OUTPUT.partial."""
        error = None
        if self.error is not None:
            known = {} if self.id is None else {"id": self.id}
            error = {"line": self.line, **known, "error": self.error}
        return {"output": self.output, "error": error}


def predict_file(
    source: str | Path,
    target: str | Path,
    summarizer: Summarizes,
    *,
    batch_size: int = 8,
    details: bool = False,
    extract: bool = True,
    on_progress: Callable[[int], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Report:
    """Summarize every judgment of `source` (JSON lines, or one JSON array) into `target` (JSON
    lines).

    details: each line is the whole record of `Summary.to_dict`. extract=False: the texts are
    extracts already. `on_progress(n)` is called as n more records are done, `on_warning(message)`
    for each record without a summary. Raises InputError for files that cannot be read or written; a
    broken record raises nothing.
    """
    check_paths(source, target)
    if batch_size < 1:
        raise ConfigError(f"batch_size: expected at least 1, got {batch_size}")
    progress, warn = on_progress or (lambda n: None), on_warning or (lambda message: None)
    head = {
        "input": _hash_file(source),
        "model": summarizer.fingerprint(),
        "version": __version__,
        "details": details,
        "extract": extract,
    }
    partial = _beside(target, ".partial")
    resumed = _resume(partial, head)
    progress(resumed)
    with open(partial, "a", encoding="utf-8", newline="\n") as file:
        entries = itertools.islice(_read(source, details), resumed, None)
        for window in _chunks(entries, WINDOW * batch_size):
            _summarize(window, summarizer, batch_size, details, extract, progress)
            for entry in window:
                file.write(dump_json(entry.stored()) + "\n")
                if entry.error or entry.warning:
                    warn(f"{source}:{entry.line}: {entry.error or entry.warning}")
            file.flush()
    records, failed = _publish(partial, target)
    return Report(records, failed, resumed, _beside(target, ".errors.jsonl"))


def check_paths(source: str | Path, target: str | Path) -> None:
    """Raise InputError unless `source` can be read and `target` written; cheap, so done before a
    model is loaded.
    """
    source, target = readable(source), Path(target)
    if target.is_dir():
        raise InputError(f"{target}: expected a file to write, got a folder: name a file inside it")
    if target.exists() and not target.is_file():
        raise InputError(
            f"{target}: expected a regular file to write (it is replaced at the end), got a device"
        )
    if not target.parent.is_dir():
        raise InputError(f"{target}: its folder does not exist: create {target.parent} first")
    if target.exists() and target.samefile(source):
        raise InputError(f"{target}: expected another file than the input: it would replace it")
    for path, mode, verb in ((source, os.R_OK, "read"), (target.parent, os.W_OK, "write")):
        if not os.access(path, mode):
            raise InputError(f"{path}: no permission to {verb}: check its permissions")


def _beside(target: str | Path, suffix: str) -> Path:
    return Path(target).with_name(Path(target).name + suffix)


def _hash_file(path: str | Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def _resume(partial: Path, head: dict[str, Any]) -> int:
    """How many records an earlier run with the same `head` has done; otherwise `partial` is begun
    anew.

    The last line may be torn, when that run was killed while writing; it is cut off.
    """
    first = (dump_json(head) + "\n").encode()
    partial.touch()
    with open(partial, "r+b") as file:
        if file.readline() == first:
            done, end = 0, file.tell()
            for line in file:
                if not (line.endswith(b"\n") and _is_json(line)):
                    break
                done, end = done + 1, end + len(line)
            file.truncate(end)
            return done
        file.seek(0)
        file.truncate()
        file.write(first)
    return 0


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _read(source: str | Path, details: bool) -> Iterator[_Entry]:
    """The records of the input; those that are broken have failed already."""
    seen: dict[str | int, int] = {}
    for line in iter_records(source):
        entry = _Entry(line.number)
        name = _find_id(line)
        if name in seen:
            # the id has its line in OUTPUT, and two lines of one id are no predictions
            entry.fail(
                f"id: expected an id of its own, got that of line {seen[name]}: {name!r}", details
            )
            yield entry
            continue
        if name is not None:
            seen[name] = line.number
            entry.id = name
        where = f"{source}:{line.number}"
        try:
            if line.value is None:
                raise RecordError(line.error)
            entry.text = parse_judgment(line.value, where).text
        except RecordError as error:
            entry.fail(str(error).removeprefix(f"{where}: "), details)
        yield entry


def _find_id(line: Line) -> str | int | None:
    """The id of a record, also of one whose text is wrong, or whose JSON is broken after its id."""
    name = (line.value or {}).get("id")
    if line.value is None and (match := _BROKEN_ID.match(line.raw)):
        try:
            name = json.loads(match[1])
        except ValueError:
            return None
    good = isinstance(name, (str, int)) and not isinstance(name, bool) and name != ""
    return name if good else None


def _chunks(entries: Iterator[_Entry], size: int) -> Iterator[list[_Entry]]:
    while window := list(itertools.islice(entries, size)):
        yield window


def _summarize(
    window: list[_Entry],
    summarizer: Summarizes,
    batch_size: int,
    details: bool,
    extract: bool,
    progress: Callable[[int], None],
) -> None:
    """Settle each entry of a window. When a judgment makes the model fail, the others are done
    without it.
    """
    whole = [entry for entry in window if entry.error is None]
    counted = 0

    def count(done: int) -> None:
        nonlocal counted
        counted += done
        progress(done)

    texts = [entry.text for entry in whole]
    options = {"batch_size": batch_size, "extract": extract}
    try:
        summaries = summarizer.summarize_batch(texts, **options, on_progress=count)
    except Exception:  # a fault of ours, or too little memory: find out below whose judgment it is
        for entry in whole:
            try:
                entry.settle(summarizer.summarize_batch([entry.text], **options)[0], details)
            except Exception as error:
                entry.fail(f"could not be summarized: {type(error).__name__}: {error}", details)
    else:
        for entry, summary in zip(whole, summaries, strict=True):
            entry.settle(summary, details)
    progress(len(window) - counted)


def _publish(partial: Path, target: str | Path) -> tuple[int, int]:
    """Turn OUTPUT.partial into OUTPUT and, when records failed, OUTPUT.errors.jsonl; how many
    records, and failures.
    """
    errors = _beside(target, ".errors.jsonl")
    records = _write_column(partial, target, "output")[0]
    failed = _write_column(partial, errors, "error")[1]
    if not failed:
        errors.unlink()
    partial.unlink()
    return records, failed


def _write_column(partial: Path, path: str | Path, name: str) -> tuple[int, int]:
    """Write one column of OUTPUT.partial as a file of JSON lines; how many rows, and how many of
    them it has.
    """
    rows = written = 0
    with atomic_write(path) as file, open(partial, encoding="utf-8") as stored:
        next(stored)
        for line in stored:
            rows += 1
            value = json.loads(line)[name]
            if value is not None:
                written += 1
                file.write(dump_json(value) + "\n")
    return rows, written
