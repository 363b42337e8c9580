"""Which tokens make numbers: what decoding needs to know so that it never makes one up.

A wrong amount is the worst a summary can have. So a number is copied whole, with its unit, or not
at all (`copying.CopyState`); the only thing a model may count by itself are the items of a list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["NO_NUMBERS", "NumberTokens"]

_NUMERAL = "[〇零一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟]"
_UNIT = (
    "元|角|分|万|亿|千|百|余元|年|个?月|[日天周岁倍成%‰]|[条款项号]|平方米|㎡|亩|公里|米|吨|公斤|克|"
    "小时|次|件|套|台|辆|户"
)
_FIGURE = re.compile(
    f"第?{_NUMERAL}+(?:{_UNIT})+[内前后起止余多]?|{_NUMERAL}{{2,}}|.*第{_NUMERAL}+条.*"
)
_UNITS = re.compile(f"(?:{_UNIT})+[内前后起止余多份间]?")
_SCALE = re.compile("[万亿千百]余?")
# Pieces that only look like figures.
_WORDS = frozenset(["一一", "万一", "百万", "千万", "十分", "一次", "一次性", "一千", "三次"])


@dataclass(frozen=True)
class NumberTokens:
    """Token ids: `digits`; `points` that belong to a number between two digits; `stops` that an
    item of a list may begin behind, `marks` behind its number; `numerals`, Chinese ones; `units`,
    which are copied with their number, of which `scales` (万) need another; `figures`, pieces that
    are a number and a unit by themselves; `opens` and `closes`, the marks around the name of a law,
    behind which the numbers of its articles stand, with `ordinals` (第) and a mark between them.
    """

    digits: tuple[int, ...] = ()
    points: tuple[int, ...] = ()
    stops: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    numerals: tuple[int, ...] = ()
    units: tuple[int, ...] = ()
    scales: tuple[int, ...] = ()
    figures: tuple[int, ...] = ()
    opens: tuple[int, ...] = ()
    closes: tuple[int, ...] = ()
    ordinals: tuple[int, ...] = ()

    @classmethod
    def of(cls, pieces: Sequence[str]) -> NumberTokens:
        """The number tokens among a tokenizer's pieces.

        >>> NumberTokens.of(["被告", "5", "万元", "十倍"]).figures
        (3,)
        """

        def find(test) -> tuple[int, ...]:
            return tuple(i for i, piece in enumerate(pieces) if test(piece))

        return cls(
            digits=find(str.isdecimal),
            points=find((".", ",").__contains__),
            stops=find((":", ";", ",", "。", "(").__contains__),
            marks=find(("、", ".", ",", ")").__contains__),
            numerals=find(re.compile(_NUMERAL).fullmatch),
            units=find(_UNITS.fullmatch),
            scales=find(_SCALE.fullmatch),
            figures=find(lambda piece: piece not in _WORDS and bool(_FIGURE.fullmatch(piece))),
            opens=find("《".__eq__),
            closes=find("》".__eq__),
            ordinals=find("第".__eq__),
        )


NO_NUMBERS = NumberTokens()
