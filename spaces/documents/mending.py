"""Plain text that was once pages: page numbers inside it, lines cut at a fixed width, spaced-out
titles.

Texts that show no such thing stay as they are, character for character. Nothing but white space and
page furniture is ever taken away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from spaces.documents.layout import (
    Line,
    close_up,
    columns,
    drop_furniture,
    ends_sentence,
    glue,
    is_page_number,
    join_lines,
)

__all__ = ["mend"]

# Columns of a line (two a Chinese character): what is wrapped is wrapped within these.
_NARROWEST, _WIDEST = 40, 130
_SPREAD = 4  # columns by which lines of one width differ: no mark begins a line, numbers stay whole
_LEAST = 3  # lines that break off at the same width before a text counts as wrapped


def mend(text: str) -> str:
    """`text` without page numbers and running headers, its wrapped sentences and spaced titles
    whole.

    Mended text stays as it is. A text that would still look wrapped after mending was not clearly
    wrapped, and is left alone.

    >>> mend("民 事 判 决 书\\n—1—\\n原告：张某。")
    '民事判决书\\n原告：张某。'
    """
    mended = _mend(text)
    return mended if mended == text or _mend(mended) == mended else text


def _mend(text: str) -> str:
    return _unwrap([close_up(line) for line in _without_furniture(text)])


def _without_furniture(text: str) -> list[str]:
    """The lines of a text without its page numbers and the blank lines around them, and what ran
    over from page to page joined.
    """
    pages = _pages(text)
    if len(pages) == 1 and not any(is_page_number(line) for line in pages[0]):
        return pages[0]
    cleaned = drop_furniture([[_place(line) for line in page] for page in pages])
    lines: list[str] = []
    parted = False  # by page furniture
    for page, before in zip(cleaned, pages, strict=True):
        # numbers that stand elsewhere than at the ends of a page, from a text of uneven pages
        left = [line.text for line in page if not is_page_number(line.text)]
        dropped = len(left) < len(before)
        if parted or dropped:
            while lines and not lines[-1].strip():
                lines.pop()
            while left and not left[0].strip():
                left.pop(0)
            if lines and left and _runs_over(lines[-1], left[0]):
                lines[-1] = glue(lines[-1], left.pop(0))
        parted = dropped or (parted and not left)
        lines += left
    return lines


def _pages(text: str) -> list[list[str]]:
    """Pages as lists of lines: cut at form feeds, or else at the page numbers."""
    if "\f" in text:
        pages = [page.removesuffix("\n") for page in text.split("\f")]
        return [page.removeprefix("\n").split("\n") for page in pages]
    lines = text.split("\n")
    numbers = [place for place, line in enumerate(lines) if is_page_number(line)]
    filled = [place for place, line in enumerate(lines) if line.strip()]
    if not numbers:
        return [lines]
    # a number that comes first stands on top of its page, otherwise at the bottom
    cuts = numbers[1:] if numbers[0] == filled[0] else [place + 1 for place in numbers]
    return [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]


def _place(text: str, width: Callable[[str], int] = columns) -> Line:
    indent = len(text) - len(text.lstrip())
    return Line(text, width(text[:indent]), width(text.rstrip()), width("中"))


def _runs_over(last: str, first: str) -> bool:
    """Whether a paragraph goes on over a page border: it is a line of prose that breaks off."""
    return columns(last) >= _NARROWEST and not ends_sentence(last) and not first[:1].isspace()


def _unwrap(lines: list[str]) -> str:
    """The lines as a text; those cut at a fixed width, in columns or in characters, are joined."""
    found = [(_wrapped_at(lines, width), width) for width in (columns, len)]
    (share, right), width = max(found, key=lambda each: each[0][0])
    if not share:
        return "\n".join(lines)
    placed = [_place(line, width) for line in lines]
    left = min(line.left for line in placed if line.text.strip())
    # a mark that hangs over the edge makes the widest line one character wider than the others
    return join_lines(placed, left=left, right=right, slack=placed[0].size)


def _wrapped_at(lines: list[str], width: Callable[[str], int]) -> tuple[float, int]:
    """The share of a text that stands in lines of one width, and that width; (0, 0) where the text
    is not clearly wrapped.
    """
    size = width("中")
    widths = Counter[int]()
    for line in lines:
        widths[width(line.rstrip())] += 1
    total = sum(each * count for each, count in widths.items())
    best, right = 0, 0
    for each in widths:
        if _NARROWEST <= each * 2 / size <= _WIDEST:
            near = range(each - _SPREAD * size // 2, each + 1)
            here = sum(value * widths[value] for value in near)
            best, right = max((best, right), (here, each))
    if not best or best < 0.5 * total:
        return 0.0, 0
    full = [
        line
        for line in lines
        if right - _SPREAD * size // 2 <= width(line.rstrip()) <= right and not _is_row(line)
    ]
    broken = sum(not ends_sentence(line) for line in full)
    clear = broken >= _LEAST and broken >= 0.6 * len(full)
    return (best / total, right) if clear else (0.0, 0)


def _is_row(line: str) -> bool:
    """Whether a line looks like the row of a table: wide spaces inside it."""
    return "\t" in line.strip() or "  " in line.strip()
