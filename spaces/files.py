"""Files in and out: JSON lines as a stream, whole texts, and writing that leaves no half a file.

What can be wrong with a file (missing, a folder, not UTF-8) is an InputError, or, for a single line
of JSON lines, an error of that line.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from spaces.errors import InputError

__all__ = [
    "Line",
    "atomic_write",
    "describe",
    "dump_json",
    "iter_json_lines",
    "read_text",
    "readable",
]


class Line(NamedTuple):
    """A line of a file of JSON lines; either `value` or `error` is None. Numbers begin with 1."""

    number: int
    raw: str
    value: dict[str, Any] | None
    error: str | None


def iter_json_lines(path: str | Path) -> Iterator[Line]:
    """The lines of a file, as a stream; blank lines are passed over, broken ones have an error.

    Bytes that are not UTF-8, broken JSON and JSON that is not an object are errors of their line
    only. A byte order mark at the beginning is no part of the text. Raises InputError when the file
    is missing, a folder, or cannot be read.
    """
    try:
        with open(readable(path), "rb") as file:
            for number, data in enumerate(file, start=1):
                if number == 1:
                    data = data.removeprefix(b"\xef\xbb\xbf")
                if data.strip():
                    yield _parse_line(number, data)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_text(path: str | Path) -> str:
    """A whole file as text (UTF-8, with or without byte order mark). Raises InputError."""
    try:
        return readable(path).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected UTF-8, got byte 0x{error.object[error.start]:02x} at position "
            f"{error.start}; convert it first, for example: iconv -f GB18030 -t UTF-8"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def dump_json(value: Any) -> str:
    """`value` as JSON on one line, Chinese characters as they are.

    Half of a surrogate pair, which JSON may spell but UTF-8 cannot, makes the whole line ASCII.

    >>> dump_json({"id": 1, "summary": "驳回"})
    '{"id": 1, "summary": "驳回"}'
    """
    line = json.dumps(value, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return line


@contextmanager
def atomic_write(path: str | Path) -> Iterator[TextIO]:
    """A text file (UTF-8, line ends "\\n") that takes the place of `path` only when all went well.

    It is written beside the target and renamed over it at the end; an error inside the block
    removes it and leaves the target as it was. A target that is no regular file (/dev/stdout) is
    written to directly. Raises InputError when the target is a folder or cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError(f"{path}: expected a file to write, got a folder; name a file inside it")
    direct = target.exists() and not stat.S_ISREG(target.stat().st_mode)
    beside = target if direct else target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        file = open(beside, "w", encoding="utf-8", newline="\n")  # noqa: SIM115
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; does its folder exist?"
        ) from error
    try:
        with file:
            yield file
            file.flush()
            if not direct:
                os.fsync(file.fileno())
        if not direct:
            os.replace(beside, target)
    except BaseException:
        if not direct:
            beside.unlink(missing_ok=True)
        raise


def readable(path: str | Path) -> Path:
    """The path of a file that exists and is no folder. Raises InputError."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: expected a file, got a folder; name a file inside it")
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    return path


def describe(value: Any) -> str:
    """A value of JSON, in words and short: `[1, 2] -> "a list"`."""
    kinds = {dict: "an object", list: "a list", str: "a string", type(None): "null"}
    if type(value) in kinds and value not in ("", None):
        return kinds[type(value)]
    return "an empty string" if value == "" else json.dumps(value)


def _parse_line(number: int, data: bytes) -> Line:
    try:
        raw = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        message = (
            f"expected UTF-8, got byte 0x{data[error.start]:02x} at byte {error.start} of the line"
        )
        return Line(number, data.decode("utf-8", "replace").rstrip("\r\n"), None, message)
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as error:
        got = f"broken JSON: {error.msg}, column {error.colno}"
    except (RecursionError, ValueError) as error:  # nested too deep; a number of too many digits
        got = f"JSON that cannot be read: {error}"
    else:
        if isinstance(value, dict):
            return Line(number, raw, value, None)
        got = describe(value)
    return Line(number, raw, None, f"expected one JSON object on the line, got {got}")
