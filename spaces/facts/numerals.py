"""Numbers as judgments write them: 10,000 １．５万 三万五千 壹佰零伍 二〇一七 2万4500 -> Decimal.

Own code and no library: cn2an, the best kept one, refuses thousands separators, goes through
floating point, and reads 1.23456万 as 12345.
"""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["CHINESE_DIGIT", "NUMERAL", "narrow", "parse_numeral"]

_DIGITS = {
    char: value
    for value, chars in enumerate(
        ["零〇○", "一壹", "二贰两貳", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖"]
    )
    for char in chars
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}

CHINESE_DIGIT = f"[{''.join(_DIGITS)}]"
# Thousands separators may be full width commas. In `1.2017年` the point ends a list marker. The
# repetition is bounded: the search stays linear however many groups of three follow each other.
_ARABIC = (
    r"(?:[0-9]{1,3}(?:[,，][0-9]{3}){1,6}(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.(?![0-9]{4}年)[0-9]+)?)"
)
_CHINESE = f"[{''.join(_DIGITS)}{''.join(_UNITS)}{''.join(_LARGE)}]"
_FIRST = rf"(?:{_ARABIC}|[{''.join(_DIGITS)}十]|(?<![捡收])拾)"
# One numeral, in text that `narrow` has seen.
NUMERAL = rf"{_FIRST}(?:{_ARABIC}|{_CHINESE})*(?:点{CHINESE_DIGIT}{{1,9}})?"
_TOKEN = re.compile(rf"({_ARABIC})|({CHINESE_DIGIT}+)|({_CHINESE})")
# Longer runs of digits are keys and codes, and would make arithmetic slow.
_LONGEST = 30

_NARROW = {ord(wide): ord(wide) - 0xFEE0 for wide in "０１２３４５６７８９．％－／＊"}


def narrow(text: str) -> str:
    """`text` with full width digits, points, percent signs, hyphens made ASCII; same length.

    >>> narrow("１．５％，")
    '1.5%，'
    """
    return text.translate(_NARROW)


def parse_numeral(text: str) -> Decimal | None:
    """The value of a numeral (matched by NUMERAL), None where it has none.

    >>> [str(parse_numeral(t)) for t in ["10,000.50", "1.5万", "壹佰零伍", "二〇一七", "三万五"]]
    ['10000.50', '15000.0', '105', '2017', '35000']
    >>> parse_numeral("五5") is None
    True
    """
    if len(text) > _LONGEST:
        return None
    whole, _, fraction = text.partition("点")
    total = section = Decimal(0)  # what 万 and 亿 have closed; what stands since
    number: Decimal | None = None  # the digits that wait for their unit
    last_unit = 0
    chinese_ending = False
    for arabic, chinese, unit in _TOKEN.findall(whole):
        chinese_ending = len(chinese) == 1 and chinese not in "零〇○"
        if arabic or chinese:
            if number:
                return None  # digits of both kinds in a row
            digits = arabic or "".join(str(_DIGITS[char]) for char in chinese)
            number = Decimal(re.sub("[,，]", "", digits))
        elif unit in _UNITS:
            last_unit = _UNITS[unit]
            section += (number or 1) * last_unit
            number = None
        else:
            last_unit = _LARGE[unit]
            section += number or 0
            number = None
            if last_unit == 10**8 or not section:
                total = (total + section) * last_unit
            else:
                total += section * last_unit
            section = Decimal(0)
    if number is not None:
        # 三万五 is 35,000, 一百二 is 120; but 十五 is 15 and 一百零五 is 105.
        if chinese_ending and last_unit >= 100 and not fraction:
            number *= last_unit // 10
        section += number
    if fraction:
        section += Decimal("0." + "".join(str(_DIGITS[char]) for char in fraction))
    return total + section
