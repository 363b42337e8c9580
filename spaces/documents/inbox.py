"""Many documents: those below a folder, and a list of names of which some may fail."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from spaces.documents.decoding import REMEDY
from spaces.documents.kinds import SUFFIXES
from spaces.documents.reading import MAX_BYTES, Document, read, read_bytes
from spaces.errors import InputError

__all__ = ["STANDARD_INPUT", "Inbox", "find"]

STANDARD_INPUT = "standard input"
_TOGETHER = 64  # documents that are read before the first of them are handed on


class Inbox:
    """Documents by their names: files, folders (all documents in them), "-" for standard input.

    A document that cannot be read is told to `on_error` and counted in `failed`, and the others are
    read. When there is no other, its InputError is raised.

    >>> for documents in Inbox(["a.pdf", "folder"], on_error=print): ...
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        encoding: str | None = None,
        on_error: Callable[[str], None],
        on_warning: Callable[[str], None] = lambda message: None,
    ) -> None:
        """List the documents; `on_warning` hears of files in a folder that are no documents."""
        self.encoding, self.on_error, self.failed = encoding, on_error, 0
        self.names: list[str] = []
        self.single = len(names) == 1
        for name in names:
            if not Path(name).is_dir():
                self.names.append(name)
                continue
            try:
                found, others = find(name)
            except InputError as error:
                self._fail(error)
                continue
            self.names += found
            if others:
                kinds = ", ".join(f"{count} {suffix}" for suffix, count in others.items())
                on_warning(f"{name}: files of other kinds were passed over: {kinds}")
        self.single = len(self.names) + self.failed == 1

    def __iter__(self) -> Iterator[list[Document]]:
        """The documents in order, some at a time, so that a folder of thousands is never held
        whole.
        """
        for first in range(0, len(self.names), _TOGETHER):
            documents = []
            for name in self.names[first : first + _TOGETHER]:
                try:
                    documents.append(_read(name, self.encoding))
                except InputError as error:
                    self._fail(error)
            if documents:
                yield documents

    def _fail(self, error: InputError) -> None:
        if self.single:
            raise error
        self.failed += 1
        self.on_error(str(error))


def _read(name: str, encoding: str | None) -> Document:
    try:
        if name != "-":
            document = read(name, encoding=encoding)
        else:
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
            document = read_bytes(data, STANDARD_INPUT, encoding=encoding)
    except InputError as error:
        raise InputError(_with_option(str(error))) from None
    return replace(document, warnings=tuple(map(_with_option, document.warnings)))


def _with_option(message: str) -> str:
    """Those who give names can give an encoding too; those who send bytes to a page cannot."""
    return message.replace(REMEDY, f"{REMEDY}, or name its encoding (--encoding GB18030)")


def find(folder: str | Path) -> tuple[list[str], dict[str, int]]:
    """The documents in a folder and the folders below it, sorted; and how many files of which other
    suffixes there are.

    Hidden files and folders, and what Word leaves beside an open document (~$…), are passed over.
    Raises InputError when no document is there.
    """
    found: list[Path] = []
    others: Counter[str] = Counter()
    for path in _files(Path(folder)):
        if path.suffix.lower() in SUFFIXES:
            found.append(path)
        else:
            others[path.suffix.lower() or "no suffix"] += 1
    if not found:
        raise InputError(
            f"{folder}: expected documents in the folder ({', '.join(SUFFIXES)}), found none"
        )
    return [str(path) for path in sorted(found)], dict(sorted(others.items()))


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith((".", "~$")):
                yield Path(parent, name)
