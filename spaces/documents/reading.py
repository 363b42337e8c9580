"""One document, from a file or from bytes: its kind, its reader, what is put right afterwards."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spaces.documents.decoding import REMEDY, decode
from spaces.documents.docx import read_docx
from spaces.documents.html import read_html
from spaces.documents.kinds import kind_of
from spaces.documents.mending import mend
from spaces.documents.pdf import read_pdf
from spaces.errors import InputError
from spaces.files import readable

if TYPE_CHECKING:
    from spaces.provenance import Summary

__all__ = ["MAX_BYTES", "Document", "read", "read_bytes"]

MAX_BYTES = 50_000_000  # of a file; the text of the longest judgment is a hundredth of it


@dataclass(frozen=True)
class Document:
    """The text of a document, and what the reader should know about how it came about.

    as_is: the text is the file's own, character for character (UTF-8, apart from its byte order
    mark and with line ends "\\n"): then offsets into `text` are offsets into the file's text too.
    pages: how many a PDF has, None for other kinds.
    """

    text: str
    name: str
    pages: int | None = None
    warnings: tuple[str, ...] = ()
    as_is: bool = False

    def record(self, summary: Summary) -> dict[str, Any]:
        """The JSON record of a summary of this document, without its `id`: as `Summary.to_dict`
        gives it, with the document's warnings before the summary's.

        When the text is not the file's own it is in the record, as `text`: offsets refer to it.
        """
        record = summary.to_dict()
        record["warnings"] = [*self.warnings, *summary.warnings]
        return record if self.as_is else record | {"text": self.text}


def read(path: str | Path, *, encoding: str | None = None) -> Document:
    """The document in a file; `encoding` (of .txt and .html) is detected when not given.

    Raises InputError, one line that begins with the path: missing, a folder, larger than MAX_BYTES,
    no text in it (scanned), encrypted, damaged, an archive, an old .doc, binary data, a wrong or
    unknown encoding, a reader that is not installed.
    """
    try:
        with open(readable(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # the size of what is no regular file is not known before
            data = b"" if size > MAX_BYTES else file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    _check_size(max(size, len(data)), str(path))
    return read_bytes(data, str(path), encoding=encoding)


def read_bytes(data: bytes, name: str, *, encoding: str | None = None) -> Document:
    """The document in `data`, as `read` gives it; `name` is used in messages, and its suffix where
    the content does not tell what it is.

    >>> read_bytes("原告：张某。".encode("gb18030"), "a.txt", encoding="gb18030").text
    '原告：张某。'
    """
    _check_size(len(data), name)
    kind = kind_of(data, name)
    guessed: str | None = None
    pages: int | None = None
    warnings: list[str] = []
    if kind == "pdf":
        text, pages, warnings = read_pdf(data, name)
    elif kind == "docx":
        text, warnings = read_docx(data, name)
    elif kind == "html":
        text, guessed = read_html(data, name, encoding)
    else:
        text, guessed = decode(data, name, encoding)
    if guessed:
        warnings.append(
            f"The encoding was taken to be {guessed}; where the text is wrong, {REMEDY}."
        )
    mended = text if kind == "pdf" else mend(text)
    as_is = kind == "text" and mended.encode("utf-8", "replace") == data.removeprefix(
        b"\xef\xbb\xbf"
    ).replace(b"\r\n", b"\n")
    return Document(mended, name, pages, tuple(warnings), as_is)


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise InputError(
            f"{name}: expected at most {MAX_BYTES // 1_000_000} MB, got "
            f"{size / 1e6:.0f} MB; a judgment is far smaller: give it alone, without its pictures"
        )
