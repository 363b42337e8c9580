"""From lines on pages to running text: page furniture goes, sentences cut by line ends are whole.

A line knows where it stands, in whatever unit its reader has: points on a page of a PDF, columns in
a text file. What decides is what a typesetter does: a line was broken, rather than ended, when the
next character would not have fitted on it any more.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "Line",
    "close_up",
    "columns",
    "drop_furniture",
    "ends_sentence",
    "is_page_number",
    "join_lines",
]


class Line(NamedTuple):
    """A line and its place, all in one unit (points, columns): left and right edge, the width of a
    Chinese character, and the height on the page, or None where pages have no heights.
    """

    text: str
    left: float
    right: float
    size: float
    height: float | None = None


_NUMBER = r"(?:\d{1,4}|[〇零一二三四五六七八九十百]{1,6})"
_DASHES = "[-‐‑‒–—―－─~～·•]"
_PAGE_NUMBER = re.compile(
    rf"{_DASHES}+\s*\d{{1,4}}\s*{_DASHES}+"
    rf"|第\s*{_NUMBER}\s*页(?:[\s,，/、|]*共\s*{_NUMBER}\s*页)?"
    rf"|共\s*{_NUMBER}\s*页[\s,，/、|]*第\s*{_NUMBER}\s*页"
    r"|[Pp]age\s*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?"
)
_BARE = re.compile(r"(\d{1,4})(?:\s*/\s*\d{1,4})?")
_END = re.compile(r"[。；：！？;:!?…][”’」』）)】》]*\s*$")
_CLOSING = "，。、；：！？,;!?…”’」』）)】》〉％%"
_OPENING = "“‘「『（(【《〈"
# What is never parted at a line end: a number or Latin word, or one character, with the marks that
# open before it and close after it.
_UNIT = re.compile(rf"\s*[{_OPENING}]*(?:[0-9A-Za-z.,%:/-]{{1,20}}|.)[{_CLOSING}]{{0,2}}", re.S)
_CHINESE = "〇\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SPACED = re.compile(
    rf"(?<!\S)[{_CHINESE}]([ \t\u00a0\u2000-\u200a\u3000]+)[{_CHINESE}](?:\1[{_CHINESE}])+(?!\S)"
)
_SPACED_LINE = 40  # characters: longer lines are text, whatever their spaces
_EDGE = 3  # lines from the top and from the bottom of a page in which furniture is looked for


def columns(text: str) -> int:
    """Columns that `text` takes on a terminal: two for a Chinese character, one for a Latin one.

    >>> columns("第1页")
    5
    """
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(mark) in "WFA" else 1 for mark in text)


def ends_sentence(text: str) -> bool:
    """Whether a line ends with 。；：！？ or …, and perhaps a mark that closes a quotation."""
    return bool(_END.search(text[-20:]))


def is_page_number(text: str) -> bool:
    """Whether a line is a page number by its form alone: —1—, 第 1 页 共 5 页, Page 1 of 5."""
    return bool(_PAGE_NUMBER.fullmatch(text.strip()))


def close_up(text: str) -> str:
    """A short line without the spaces that spread a word over it; other lines as they are.

    Three characters or more, each alone, with the same space between all of them.

    >>> close_up("民 事 判 决 书"), close_up("审　判　长  闵清和"), close_up("原告 被告")
    ('民事判决书', '审判长  闵清和', '原告 被告')
    """
    if len(text) > _SPACED_LINE or "，" in text or "。" in text:
        return text
    return _SPACED.sub(lambda match: match[0].replace(match[1], ""), text)


def drop_furniture(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without page numbers and running headers and footers.

    Looked for in the lines at the top and the bottom of a page only: page numbers by their form;
    bare numbers (3, 3/5) when they count the pages; and lines that most pages have in the same
    place, but for the page's own number.
    """
    edges = [_edges(page) for page in pages]
    seen: Counter[tuple[object, ...]] = Counter()
    for number, (page, places) in enumerate(zip(pages, edges, strict=True), start=1):
        seen.update({key for place in places for key in _keys(page[place], number, places[place])})
    often = max(2, 0.6 * (len(pages) - 1))

    def is_furniture(line: Line, number: int, side: int) -> bool:
        if is_page_number(line.text):
            return True
        if len(pages) == 1 and line.height is not None and line.text.strip() == "1":
            return side == 1
        return any(seen[key] >= often for key in _keys(line, number, side))

    kept = []
    for number, (page, places) in enumerate(zip(pages, edges, strict=True), start=1):
        gone = {place for place in places if is_furniture(page[place], number, places[place])}
        kept.append([line for place, line in enumerate(page) if place not in gone])
    return kept


def _edges(page: Sequence[Line]) -> dict[int, int]:
    """The lines at the ends of a page: their index -> 0 for the top, 1 for the bottom."""
    filled = [place for place, line in enumerate(page) if line.text.strip()]
    if filled and page[filled[0]].height is not None:  # the order of a PDF is not that of the page
        filled.sort(key=lambda place: -(page[place].height or 0))
    top, bottom = filled[:_EDGE], filled[max(_EDGE, len(filled) - _EDGE) :]
    return dict.fromkeys(top, 0) | dict.fromkeys(bottom, 1)


def _keys(line: Line, number: int, side: int) -> list[tuple[object, ...]]:
    """What a line would share with the same furniture on other pages."""
    text = "".join(line.text.split())
    if bare := _BARE.fullmatch(text):
        return [("counts", int(bare[1]) - number)]
    where = side if line.height is None else round(line.height / 2)  # to 2 points
    counted = [
        text[: match.start()] + "#" + text[match.end() :]
        for match in re.finditer(r"\d+", text[:200])
        if match[0] == str(number)
    ]
    return [(text, where), *((each, where, "counted") for each in counted)]


def join_lines(lines: Sequence[Line], *, left: float, right: float, slack: float) -> str:
    """The text of lines that were broken at the edges `left` and `right`, one line a paragraph.

    A line goes on in the next one when it does not end a sentence, the next one is not indented,
    and what the next one begins with would not have fitted behind it, by more than `slack`; and
    whenever the next one begins with a mark that never begins a line.
    """
    pieces: list[str] = []
    for place, line in enumerate(lines):
        if place and _goes_on(lines[place - 1], line, left, right, slack):
            pieces[-1] = glue(pieces[-1], line.text)
        else:
            pieces.append(line.text)
    return "\n".join(pieces)


def glue(first: str, second: str) -> str:
    """Two lines as one: nothing between Chinese characters, a space between Latin words."""
    first, second = first.rstrip(), second.lstrip()
    latin = all(mark.isascii() and mark.isalpha() for mark in (first[-1:], second[:1]))
    return first + " " * (latin and bool(first) and bool(second)) + second


def _goes_on(line: Line, following: Line, left: float, right: float, slack: float) -> bool:
    text, rest = line.text.strip(), following.text.strip()
    if not text or not rest:
        return False
    if rest[0] in _CLOSING:
        return True
    if ends_sentence(text):
        return False
    unit = columns(_UNIT.match(rest)[0]) / 2 * line.size  # type: ignore[index]
    if following.left <= left + 0.8 * line.size:
        return line.right + unit > right - slack
    # an indent begins a paragraph, but for the second line of a centred title
    fills = line.right - line.left + unit > right - left - line.size
    return fills and _are_centred(line, following, (left + right) / 2)


def _are_centred(line: Line, following: Line, middle: float) -> bool:
    """Whether two lines of one size have the same middle."""
    off = [abs((each.left + each.right) / 2 - middle) for each in (line, following)]
    return max(off) < line.size and abs(line.size - following.size) < 0.1 * line.size
