"""The records of an input file, as a stream: JSON lines, or one JSON array of records.

The organisers' file is JSON lines; people who export judgments by hand often write one array, which
is read here piece by piece, so that it takes no more memory than its longest record.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from spaces.errors import InputError
from spaces.files import Line, describe, iter_json_lines, readable

__all__ = ["estimate_records", "iter_records"]

_CHUNK = 1 << 20  # characters
_BLANK = re.compile(r"[ \t\r\n]*")
_UNDECODED = re.compile("[\udc80-\udcff]")  # what is left of bytes that are not UTF-8


def iter_records(path: str | Path) -> Iterator[Line]:
    """The records of a file, each with the number of the line it begins on; a broken one has an
    error instead of a value.

    Raises InputError when the file is missing, a folder, or cannot be read.
    """
    return _iter_array(path) if _is_array(path) else iter_json_lines(path)


def estimate_records(path: str | Path) -> int | None:
    """How many lines of JSON lines there are, for a progress bar; None for an array."""
    if _is_array(path):
        return None
    with open(path, "rb") as file:
        return sum(not line.isspace() for line in file)


def _is_array(path: str | Path) -> bool:
    """Whether the file is one array: it begins with "[", and its first line is no (wrong) record by
    itself.
    """
    try:
        with _open(path) as file:
            first = next(
                (line for line in iter(lambda: file.readline(_CHUNK), "") if line.strip()), ""
            )
            if not first.lstrip().startswith("["):
                return False
            try:
                json.loads(first)
            except (ValueError, RecursionError):
                return True
            return not any(line.strip() for line in iter(lambda: file.readline(_CHUNK), ""))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _open(path: str | Path) -> TextIO:
    return open(readable(path), encoding="utf-8-sig", errors="surrogateescape", newline="")


def _iter_array(path: str | Path) -> Iterator[Line]:
    """The elements of a file that is one array, each as soon as it is read; after broken JSON
    nothing can be read.
    """
    with _open(path) as file:
        reader = _Reader(file)
        reader.peek()
        reader.skip(1)
        mark = reader.peek()
        if mark == "]":
            reader.skip(1)
        for index in itertools.count(1):
            if mark == "]":
                break
            reader.peek()
            line = reader.line
            try:
                raw, value = reader.value()
            except (ValueError, RecursionError) as error:
                reason = f"record {index} of the array: broken JSON: {error}"
                yield Line(line, "", None, f"{reason}; what follows cannot be read")
                return
            yield _element(line, index, raw, value)
            mark = reader.peek()
            if mark not in (",", "]"):
                got = f"got {mark!r}" if mark else "the file ends"
                reason = f'expected "," or "]" after record {index} of the array, {got}'
                yield Line(reader.line, "", None, f"{reason}; what follows cannot be read")
                return
            reader.skip(1)
        if reader.peek():
            yield Line(
                reader.line, "", None, f"expected nothing after the array, got {reader.peek()!r}"
            )


def _element(number: int, index: int, raw: str, value: object) -> Line:
    if _UNDECODED.search(raw):
        return Line(
            number, raw, None, f"record {index} of the array: expected UTF-8, got other bytes"
        )
    if not isinstance(value, dict):
        reason = f"record {index} of the array: expected an object, got {describe(value)}"
        return Line(number, raw, None, reason)
    return Line(number, raw, value, None)


class _Reader:
    """A text file and a place in it; `text` holds a piece of it, `line` counts from 1."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.text, self.place, self.line = "", 0, 1
        self.decoder = json.JSONDecoder()

    def more(self) -> bool:
        """Forget what was read and read on: as much again as is held, so that long values are
        parsed few times.
        """
        self.text, self.place = self.text[self.place :], 0
        piece = self.file.read(max(_CHUNK, len(self.text)))
        self.text += piece
        return bool(piece)

    def peek(self) -> str:
        """The next character that is no white space; "" at the end of the file."""
        while True:
            self.skip(_BLANK.match(self.text, self.place).end() - self.place)
            if self.place < len(self.text):
                return self.text[self.place]
            if not self.more():
                return ""

    def skip(self, count: int) -> None:
        self.line += self.text.count("\n", self.place, self.place + count)
        self.place += count

    def value(self) -> tuple[str, object]:
        """The JSON value at this place, as it is written and as it is. Raises ValueError,
        RecursionError.
        """
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.place)
                complete = end < len(self.text)  # else a number may go on
            except json.JSONDecodeError:
                complete = False
            if complete or not self.more():
                break
        value, end = self.decoder.raw_decode(self.text, self.place)
        raw = self.text[self.place : end]
        self.skip(len(raw))
        return raw, value
