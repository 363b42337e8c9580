"""Where in a clause copying may begin: at its head, or behind what may be passed over there.

Without its first words a clause may say something of somebody else, or of more than it did
(减去杨某 | 1已付的2000元, 对于尚未退货的 | 商品，应十倍赔偿). So a run begins within a clause only
behind the number of an item, words that connect or ask (故, 现, 请求), and those that a cue of the
summary stands for (诉讼请求, 辩称, 查明), or with the mark that ends the clause. In the head of a
judgment, where parties and cause are picked from one long clause, it begins anywhere.
"""

from __future__ import annotations

import re

from spaces.sections import SECTIONS

__all__ = ["bar_begins"]

_HEAD = SECTIONS.index("head")
_MARKS = r"[\s、，。：；,:;.]*"
_NUMBER = (
    r"(?:[（(][\d一二三四五六七八九十]{1,3}[）)]、?|[\d一二三四五六七八九十]{1,3}[、.．，,:：]"
    "|第[一二三四五六七八九十][、，,])"
)
_CONNECTS = (
    "(?:故|因此|因而|现|综上(?:所述)?|[据为]此|但|并|且|而|另|同时|依法|本院|我方?|特"
    "|(?:人民)?法院|请求|要求|申请|诉请|恳请|起诉|诉至|判[令决]|裁决)"
)
_AHEAD = re.compile(f"{_MARKS}{_NUMBER}?{_CONNECTS}*{_MARKS}")
_CUE = re.compile(
    f"(?:请求|诉求|判[令决]|[诉辩]?称|认为|查明|认定|如下|依照|依据|根据|提出)(?P<marks>{_MARKS})"
)
_END = re.compile(r"(?:[，。；：、？！,;:?!]”?\s*)?$")


def bar_begins(text: str, section: int) -> list[bool]:
    """Of each letter of a clause whether no run begins there; its section as `SECTIONS` counts.

    >>> bar_begins("1、被告还款。", 1)
    [False, False, False, True, True, True, False]
    """
    barred = [section != _HEAD] * len(text)
    passed = [(0, _AHEAD.match(text).end()), _END.search(text).span()]
    passed += [match.span("marks") for match in _CUE.finditer(text)]
    for first, last in passed:
        barred[first : last + 1] = [False] * len(barred[first : last + 1])
    return barred
