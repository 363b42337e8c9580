"""The text of a .docx: paragraphs and rows of tables, in the order of the document.

The package is opened by python-docx; its paragraphs are read from the markup, because
`Paragraph.text` leaves out insertions under revision and form fields, in which real judgments have
names and dates. What was deleted under revision, headers, footers, comments and footnotes are not
part of the text.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from spaces.documents.kinds import no_text, reader
from spaces.errors import InputError

__all__ = ["read_docx"]

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEFT_OUT = {
    f"{_W}del",
    f"{_W}moveFrom",
    f"{_W}instrText",
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",  # said twice
}
_MARKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def read_docx(data: bytes, name: str) -> tuple[str, list[str]]:
    """The text and what the reader should know. Raises InputError."""
    docx = reader("docx", "python-docx", name)
    try:
        body = docx.Document(io.BytesIO(data)).element.body
    except Exception as error:  # python-docx lets through what zipfile, lxml and a bad part raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{name}: damaged, it cannot be read as .docx ({reason}); save it again"
        ) from None
    text = "\n".join(_blocks(body))
    if not text.strip():
        raise no_text(name)
    warnings = []
    if next(body.iter(f"{_W}numPr"), None) is not None:
        warnings.append(
            "The document has automatic numbering; these numbers are not part of its text."
        )
    return text, warnings


def _blocks(parent: Any) -> Iterator[str]:
    """The paragraphs and rows inside an element, also those in content controls."""
    for child in parent:
        if child.tag == f"{_W}p":
            yield _text(child)
            for box in _boxes(child):
                yield from _blocks(box)
        elif child.tag == f"{_W}tbl":
            for row in child.iter(f"{_W}tr"):
                if next(row.iterancestors(f"{_W}tbl")) is child:
                    yield from _row(row)
        elif child.tag not in _LEFT_OUT:
            yield from _blocks(child)


def _row(row: Any) -> Iterator[str]:
    """A row as one line, its cells parted by tabs; as the paragraphs of its cells when these are
    several, as where a table only arranges a page.
    """
    cells = [list(_blocks(cell)) for cell in row.iter(f"{_W}tc") if _row_of(cell) is row]
    if all(len(cell) <= 1 and "\n" not in "".join(cell) for cell in cells):
        line = "\t".join("".join(cell) for cell in cells).strip("\t")
        if line:
            yield line
    else:
        for cell in cells:
            yield from cell


def _row_of(cell: Any) -> Any:
    return next(cell.iterancestors(f"{_W}tr"))


def _text(paragraph: Any) -> str:
    """The text of a paragraph, without that of text boxes in it."""
    pieces: list[str] = []
    stack = [iter(paragraph)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif element.tag == f"{_W}t":
            pieces.append(element.text or "")
        elif element.tag in _MARKS and element.getparent().tag == f"{_W}r":
            pieces.append(_MARKS[element.tag])
        elif element.tag not in _LEFT_OUT and element.tag != f"{_W}txbxContent":
            stack.append(iter(element))
    return "".join(pieces)


def _boxes(paragraph: Any) -> Iterator[Any]:
    for box in paragraph.iter(f"{_W}txbxContent"):
        outside = {ancestor.tag for ancestor in box.iterancestors()}
        if not outside & _LEFT_OUT and next(box.iterancestors(f"{_W}p")) is paragraph:
            yield box
