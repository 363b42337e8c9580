"""The text layer of a PDF, by PDFium: the lines of its pages with their places, made into text.

PDFium reads the encodings Chinese fonts use without their fonts, and gives characters as they are
written: pypdf and pdfminer.six give radicals (⼈ ⺠, U+2F08 U+2EA0) for 人 民 in what a browser
prints.
"""

from __future__ import annotations

import ctypes
import threading
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from spaces.documents.kinds import no_text, reader
from spaces.documents.layout import (
    Line,
    close_up,
    columns,
    drop_furniture,
    ends_sentence,
    join_lines,
)
from spaces.errors import InputError

__all__ = ["MAX_CHARACTERS", "MAX_PAGES", "read_pdf"]

MAX_PAGES = 2_000
MAX_CHARACTERS = 1_000_000  # in the text layer; a small file can be made to hold any number
_PICTURE_PAGE = 20  # characters: a page with a picture and less text than this is a scanned one
_PDFIUM = threading.Lock()  # it must not be entered from two threads
_ENCRYPTED = 4  # PDFium's FPDF_ERR_PASSWORD
_LINE_HYPHEN = "\x02"  # PDFium's sign for a hyphen at a line end, behind which it goes on itself


def read_pdf(data: bytes, name: str) -> tuple[str, int, list[str]]:
    """The text, the number of pages, and what the reader should know. Raises InputError."""
    pdfium = reader("pypdfium2", "pypdfium2", name)
    with _PDFIUM:
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) == _ENCRYPTED or "password" in str(error).lower():
                raise InputError(f"{name}: it is encrypted; save it without password") from None
            raise InputError(
                f"{name}: damaged, it cannot be read as PDF; download or save it again"
            ) from None
        try:
            if len(document) > MAX_PAGES:
                raise InputError(
                    f"{name}: expected at most {MAX_PAGES:,} pages, got {len(document):,}; "
                    "cut out the judgment"
                )
            pages, pictures, count = [], [], 0
            for index in range(len(document)):
                lines, pictured, characters = _read_page(
                    pdfium, document, index, name, MAX_CHARACTERS - count
                )
                count += characters
                pages.append(lines)
                pictures.append(pictured)
        finally:
            document.close()
    cleaned = drop_furniture(pages)
    scanned = [
        number
        for number, (lines, pictured) in enumerate(zip(cleaned, pictures, strict=True), start=1)
        if pictured and sum(len(line.text) for line in lines) < _PICTURE_PAGE
    ]
    lines = [line for page in cleaned for line in page]
    if not lines or len(scanned) == len(pages):
        raise no_text(name)
    return _join(lines), len(pages), _warnings(lines, scanned, len(pages))


def _warnings(lines: Sequence[Line], scanned: Sequence[int], pages: int) -> list[str]:
    warnings = []
    if scanned:
        which = ", ".join(map(str, scanned[:10])) + ", …" * (len(scanned) > 10)
        warnings.append(
            f"{len(scanned)} of {pages} pages have a picture and no text layer and were not read: "
            f"page {which}."
        )
    text = "".join(line.text for line in lines)
    unknown = sum(mark == "\ufffd" or "\ue000" <= mark <= "\uf8ff" for mark in text)
    if unknown > len(text) // 20:
        warnings.append(
            f"The text layer is damaged: {unknown} of {len(text)} characters have no meaning."
        )
    return warnings


def _read_page(
    pdfium: Any, document: Any, index: int, name: str, limit: int
) -> tuple[list[Line], bool, int]:
    """The lines of a page, whether there is a picture on it, and the characters of its text layer,
    of which at most `limit` are allowed.
    """
    raw = pdfium.raw
    try:
        page = document[index]
        text = page.get_textpage()
    except pdfium.PdfiumError:
        raise InputError(
            f"{name}: damaged: page {index + 1} cannot be read; save it again"
        ) from None
    lines: list[Line] = []
    marks: list[str] = []
    boxes: list[tuple[float, float, float]] = []  # left, right, bottom
    box = raw.FS_RECTF()
    count = text.count_chars()
    if count > limit:
        raise InputError(
            f"{name}: expected a text layer of at most {MAX_CHARACTERS:,} characters, got more by "
            f"page {index + 1}; cut out the judgment"
        )
    unicode_of, box_of = raw.FPDFText_GetUnicode, raw.FPDFText_GetLooseCharBox
    pointer = ctypes.byref(box)
    for place in range(count):
        mark = chr(unicode_of(text, place))
        if mark in "\r\n":
            _end_line(lines, marks, boxes)
            continue
        box_of(text, place, pointer)
        marks.append("-" if mark == _LINE_HYPHEN else "\ufffd" if mark == "\x00" else mark)
        boxes.append((box.left, box.right, box.bottom))
    _end_line(lines, marks, boxes)
    pictured = next(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]), None) is not None
    text.close()
    page.close()
    return lines, pictured, count


def _end_line(lines: list[Line], marks: list[str], boxes: list[tuple[float, float, float]]) -> None:
    """Make a line of the characters that came since the last one, if there is any among them."""
    seen = [place for place, mark in enumerate(marks) if not mark.isspace()]
    if seen:
        first, last = seen[0], seen[-1]
        # characters beyond 16 bits come as two halves
        halves = "".join(marks[first : last + 1]).encode("utf-16-le", "surrogatepass")
        widths = [
            boxes[place][1] - boxes[place][0] for place in seen if columns(marks[place]) == 2
        ] or [2 * (boxes[place][1] - boxes[place][0]) for place in seen]
        lines.append(
            Line(
                close_up(halves.decode("utf-16-le", "replace")),
                boxes[first][0],
                boxes[last][1],
                max(median(widths), 1.0),
                boxes[first][2],
            )
        )
    marks.clear()
    boxes.clear()


def _join(lines: Sequence[Line]) -> str:
    left = _edge([line.left for line in lines], lines)
    right = -_edge([-line.right for line in lines], lines)
    size = median(line.size for line in lines)
    # Edges are ragged where a font is not in the file and another one's widths stand in for it.
    slack = 2 * size
    if _indents(lines, left):  # then a line at the left edge begins no paragraph
        slack = max(slack, 0.25 * (right - left))
    return join_lines(lines, left=left, right=right, slack=slack)


def _indents(lines: Sequence[Line], left: float) -> bool:
    """Whether paragraphs begin with an indent: most lines do that come after the end of a
    sentence.
    """
    indents = [
        following.left - left > 1.2 * following.size
        for line, following in pairwise(lines)
        if ends_sentence(line.text)
    ]
    return len(indents) >= 3 and sum(indents) > 0.5 * len(indents)


def _edge(places: Sequence[float], lines: Sequence[Line]) -> float:
    """The outermost place that several lines share, give or take a character; the outermost of all
    where none is shared.

    One stamp in the margin is not the edge of the text.
    """
    size = median(line.size for line in lines)
    needed = max(2, len(lines) // 20)
    steps = Counter(round(place / size) for place in places)
    for place in sorted(places):
        step = round(place / size)
        if steps[step] + steps[step + 1] >= needed:
            return place
    return min(places)
