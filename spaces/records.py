"""Records: judgments, pairs of extract and summary, predictions; read as JSON lines.

One JSON object per line, UTF-8. A judgment's text is a string, or the list of sentences of the
organisers' form, which stands for the same string joined with line breaks. Readers are streams; a
record that is not what it should be is an error that names file, line and field.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from spaces.errors import ConfigError, InputError, RecordError
from spaces.files import (
    Line,
    atomic_write,
    describe,
    dump_json,
    iter_json_lines,
    read_text,
    readable,
)

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = [
    "ExtractPair",
    "Judgment",
    "Line",
    "Prediction",
    "atomic_write",
    "dump_json",
    "iter_json_lines",
    "load_training",
    "parse_judgment",
    "read_extract_pairs",
    "read_judgments",
    "read_predictions",
    "read_text",
]


@dataclass(frozen=True)
class Judgment:
    """A judgment.

    labels: (start, end, 0 or 1) of the sentences that have one, in characters of `text`.
    """

    id: str | int
    text: str
    summary: str | None = None
    labels: tuple[tuple[int, int, int], ...] | None = None


@dataclass(frozen=True)
class ExtractPair:
    """Key sentences of a judgment, joined, and its summary: what the generator learns from."""

    id: str | int
    source: str
    target: str


@dataclass(frozen=True)
class Prediction:
    """A summary that belongs to the judgment of the same id."""

    id: str | int
    summary: str


def parse_judgment(record: dict[str, Any], where: str) -> Judgment:
    """The judgment in a record; `where` (`file:line`) begins the message of what is wrong with it.

    >>> parse_judgment({"id": 7, "text": [{"sentence": "甲", "label": 1}]}, "f:1")
    Judgment(id=7, text='甲', summary=None, labels=((0, 1, 1),))

    Raises RecordError.
    """
    text = _required(record, "text", where)
    labels: list[tuple[int, int, int]] = []
    if isinstance(text, list):
        sentences: list[str] = []
        start = 0
        for i, item in enumerate(text):
            field = f"text[{i}]"
            if not isinstance(item, dict):
                raise _wrong(where, field, 'an object {"sentence": "…"}', item)
            sentence = item.get("sentence")
            if not isinstance(sentence, str):
                raise _wrong(where, f"{field}.sentence", "a string", sentence)
            end = start + len(sentence)
            if "label" in item:
                label = item["label"]
                if isinstance(label, bool) or label not in (0, 1):
                    raise _wrong(where, f"{field}.label", "0 or 1", label)
                labels.append((start, end, int(label)))
            sentences.append(sentence)
            start = end + 1
        text = "\n".join(sentences)
    elif not isinstance(text, str):
        raise _wrong(where, "text", "a string or a list of sentences", text)
    summary = record.get("summary")
    if summary is not None and not isinstance(summary, str):
        raise _wrong(where, "summary", "a string", summary)
    return Judgment(_parse_id(record, where), text, summary, tuple(labels) or None)


def read_judgments(path: str | Path, require_summary: bool = False) -> Iterator[Judgment]:
    """The judgments of a file, one at a time.

    Raises InputError for the file, RecordError at the first wrong line: broken JSON, a field
    missing or of another type, an id that came before.
    """

    def parse(record: dict[str, Any], where: str) -> Judgment:
        if require_summary:
            _required(record, "summary", where)
        return parse_judgment(record, where)

    return _read(path, parse)


def read_extract_pairs(path: str | Path) -> Iterator[ExtractPair]:
    """The pairs of a file of `{"id", "source", "target"}`; raises as `read_judgments`."""
    return _read(
        path,
        lambda record, where: ExtractPair(
            _parse_id(record, where),
            _string(record, "source", where),
            _string(record, "target", where),
        ),
    )


def read_predictions(path: str | Path) -> Iterator[Prediction]:
    """The summaries of a file of `{"id", "summary"}`; raises as `read_judgments`."""
    return _read(
        path,
        lambda record, where: Prediction(
            _parse_id(record, where), _string(record, "summary", where)
        ),
    )


# What a row of each kind of training file has: the reader, and the fields beside `id`.
_KINDS: dict[str, tuple[Callable[..., Iterator[Any]], tuple[str, ...]]] = {
    "judgments": (lambda path: read_judgments(path, require_summary=True), ("text", "summary")),
    "texts": (read_judgments, ("text",)),
    "extracts": (read_extract_pairs, ("source", "target")),
    "summaries": (read_predictions, ("summary",)),
}


def load_training(paths: Iterable[str | Path], kind: str) -> Dataset:
    """Training files as one `datasets.Dataset`: on disk, memory-mapped, all columns strings.

    kind: `judgments` (id, text, summary), `texts` (judgments without summaries: id, text),
    `extracts` (id, source, target) or `summaries` (id, summary). Ids become strings. Files are read
    again when their size or time has changed.

    Raises InputError, RecordError (also for an id in two of the files), ConfigError for the kind.
    """
    import datasets

    if kind not in _KINDS:
        raise ConfigError(
            f"kind of training files: expected one of {', '.join(_KINDS)}, got {kind!r}"
        )
    names = [str(readable(path).resolve()) for path in paths]
    if not names:
        raise ConfigError(f"training files: expected at least one file of {kind}, got none")
    stats = [os.stat(name) for name in names]
    progress = datasets.are_progress_bars_disabled()
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        return datasets.Dataset.from_generator(
            _rows,
            features=datasets.Features(
                {field: datasets.Value("large_string") for field in ("id", *_KINDS[kind][1])}
            ),
            # The stamps are there for the cache: another content, another fingerprint.
            gen_kwargs={
                "names": tuple(names),
                "kind": kind,
                "stamps": tuple((s.st_size, s.st_mtime_ns) for s in stats),
            },
        )
    except datasets.exceptions.DatasetGenerationError as error:
        if isinstance(error.__cause__, (InputError, RecordError)):
            raise error.__cause__ from None
        raise
    finally:
        if not progress:
            datasets.enable_progress_bars()


def _rows(
    names: tuple[str, ...], kind: str, stamps: tuple[tuple[int, int], ...]
) -> Iterator[dict[str, str]]:
    read, fields = _KINDS[kind]
    seen: dict[str, str] = {}
    for name in names:
        for record in read(name):
            key = str(record.id)
            if seen.setdefault(key, name) != name:
                raise RecordError(
                    f"{name}: id: {key!r} is also in {seen[key]}; ids must be different"
                )
            yield {"id": key, **{field: getattr(record, field) for field in fields}}


_Record = TypeVar("_Record", Judgment, ExtractPair, Prediction)


def _read(path: str | Path, parse: Callable[[dict[str, Any], str], _Record]) -> Iterator[_Record]:
    seen: dict[str | int, int] = {}
    for line in iter_json_lines(path):
        where = f"{path}:{line.number}"
        if line.value is None:
            raise RecordError(f"{where}: {line.error}")
        record = parse(line.value, where)
        if record.id in seen:
            raise RecordError(
                f"{where}: id: expected an id of its own, got that of line {seen[record.id]}: "
                f"{record.id!r}"
            )
        seen[record.id] = line.number
        yield record


def _parse_id(record: dict[str, Any], where: str) -> str | int:
    value = _required(record, "id", where)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise _wrong(where, "id", "a string that is not empty, or an integer", value)
    return value


def _string(record: dict[str, Any], field: str, where: str) -> str:
    value = _required(record, field, where)
    if not isinstance(value, str):
        raise _wrong(where, field, "a string", value)
    return value


def _required(record: dict[str, Any], field: str, where: str) -> Any:
    if record.get(field) is None:
        has = ", ".join(map(repr, record)) or "no field at all"
        raise RecordError(f"{where}: {field}: expected this field, got none (the record has {has})")
    return record[field]


def _wrong(where: str, field: str, expected: str, value: Any) -> RecordError:
    return RecordError(f"{where}: {field}: expected {expected}, got {describe(value)}")
