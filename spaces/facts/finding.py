"""Where a text states an amount, a date, a statute article or another number, and what it says.

One pass from left to right: a regular expression finds the next place where a fact may begin (or
something that looks like one: a case number, a code), and a reader for that kind takes what belongs
to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from spaces.facts.laws import is_law, short_name
from spaces.facts.numerals import narrow, parse_numeral
from spaces.facts.patterns import (
    AFTER_LAW,
    AND,
    ANOTHER,
    BEGIN,
    BROKEN,
    INTEREST,
    ITEM,
    MARKER,
    MEASURE,
    MORE_DAYS,
    ONE_NUMERAL,
    OPENING,
    PERCENT,
    SCALE,
    THAT_LAW,
    YUAN,
)
from spaces.facts.units import COUNTERS, PEOPLE, canonical_unit

__all__ = ["Fact", "find_facts"]


@dataclass(frozen=True)
class Fact:
    """A fact at `source[start:end] == text`, offsets in characters, with a value to compare.

    | kind | value |
    |---|---|
    | amount | Decimal, yuan |
    | date | (year, month, day), each None where it is not written |
    | statute | (short name of the law, article: "109", "133之1", or None); "" for an unnamed law |
    | number | (Decimal, unit), "" for a bare number; rates are in percent |
    """

    kind: str
    start: int
    end: int
    text: str
    value: Any


_LONGEST_LIST = 20
_YEARS = range(1000, 3000)


def find_facts(text: str) -> list[Fact]:
    """The facts of `text` in order, without overlap. Any Unicode, linear time, never raises.

    >>> text = "依照《中华人民共和国合同法》第八条、第六十条，2017年5月起付1.5万元（月利率2%）"
    >>> for fact in find_facts(text):
    ...     print(fact.kind, fact.text, fact.value)
    statute 《中华人民共和国合同法》第八条 ('合同法', '8')
    statute 第六十条 ('合同法', '60')
    date 2017年5月 (2017, 5, None)
    amount 1.5万元 15000.0
    number 2% (Decimal('2'), '%')
    """
    return _Finder(text).find()


class _Finder:
    """The pass over one text: the facts so far, and the law that an article without one means."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.text = narrow(source)
        self.facts: list[Fact] = []
        self.law = ""

    def find(self) -> list[Fact]:
        place = 0
        while match := BEGIN.search(self.text, place):
            place = self.read(match)
        return self.facts

    def add(self, kind: str, start: int, end: int, value: Any) -> int:
        self.facts.append(Fact(kind, start, end, self.source[start:end], value))
        return end

    def read(self, match: re.Match[str]) -> int:
        """Adds what begins at `match`; returns where to look on."""
        if match["end"]:
            self.law = ""
        elif match["law"]:
            return self.read_law(match)
        elif match["bare"]:
            self.law = short_name(match["bare"])
            return self.read_articles(match.end(), match.start())
        elif match["ordinal"]:
            before = self.text[max(0, match.start() - 8) : match.start()]
            if ANOTHER.search(before) and not THAT_LAW.search(before):
                self.law = ""
            return self.read_articles(match.start(), match.start())
        elif match["part"]:
            return self.read_part(match)
        elif match["ratio"]:
            parts = (Decimal(match["top2"]), f"{int(match['whole2'])}分之")
            return self.add("number", match.start(), match.end(), parts)
        elif match["iso"]:
            day = (int(match["y2"]), int(match["m2"]), int(match["d2"]))
            return self.add("date", match.start(), match.end(), day)
        elif match["date"]:
            return self.read_date(match)
        elif match["month"]:
            return self.add_days(match, None, _small(match["m1"]), _small(match["d1"]))
        elif match["number"]:
            return self.read_number(match)
        return match.end()

    # --- statutes

    def read_law(self, match: re.Match[str]) -> int:
        title = match["law"][1:-1]
        after = AFTER_LAW.match(self.text, match.end())
        assert after is not None  # every part of it is optional
        kind = after["kind"] or ""
        self.law = short_name(title + kind)
        if after["article"] is not None:
            known = len(self.facts)
            end = self.read_articles(after.start("article"), match.start())
            if len(self.facts) > known:
                return end
        if not is_law(title + kind):
            return match.end()
        self.add("statute", match.start(), match.end() + len(kind), (self.law, None))
        return after.end("gap")

    def read_articles(self, place: int, start: int) -> int:
        """第六条、第八条第一款、十条 · 第六、八、十条; the first fact begins at `start`.

        An ordinal that is none of an article (第一项) adds nothing.
        """
        first = ITEM.match(self.text, place)
        if first is None:
            return place + 1
        whole = ONE_NUMERAL.match(
            self.text, first.start("n")
        )  # 第3327882号 is longer than an article
        end = max(first.end("n"), whole.end() if whole else 0)
        waiting: list[re.Match[str]] = []
        item: re.Match[str] | None = first
        while item is not None and len(waiting) < _LONGEST_LIST:
            waiting.append(item)
            if item["article"] is not None:
                for one in waiting:
                    article = str(parse_numeral(one["n"]))
                    if one["sub"]:
                        article += f"之{_small(one['sub'])}"
                    begin = start if one is first else one.start()
                    self.add("statute", begin, one.end(), (self.law, article))
                waiting = []
                end = item.end()
            link = AND.match(self.text, item.end())
            item = ITEM.match(self.text, link.end()) if link else None
        return end

    # --- dates

    def read_date(self, match: re.Match[str]) -> int:
        written = re.sub("[ΟОOo0]", "零", match["y"]) if not match["y"].isdigit() else match["y"]
        year = int(parse_numeral(written) or 0)
        if len(match["y"]) == 2:
            year += 2000 if year < 50 else 1900
        if year not in _YEARS:
            return match.end("y")
        return self.add_days(match, year, _small(match["m"]), _small(match["d"]))

    def add_days(
        self, match: re.Match[str], year: int | None, month: int | None, day: int | None
    ) -> int:
        """The date, and other days of the same month behind it."""
        end = self.add("date", match.start(), match.end(), (year, month, day))
        while day is not None and (more := MORE_DAYS.match(self.text, end)):
            end = self.add("date", more.start("d"), more.end(), (year, month, _small(more["d"])))
        return end

    # --- amounts and other numbers

    def read_part(self, match: re.Match[str]) -> int:
        """百分之五 is 5 %, 万分之五 0.05 %; 三分之一 is one of thirds."""
        top = parse_numeral(match["top"])
        percent = {"百": 1, "千": 10, "万": 100}.get(match["whole"])
        if top is None:
            return match.end()
        value = (top / percent, "%") if percent else (top, f"{parse_numeral(match['whole'])}分之")
        return self.add("number", match.start(), match.end(), value)

    def read_number(self, match: re.Match[str]) -> int:
        start, end, numeral = match.start(), match.end(), match["number"]
        value = parse_numeral(numeral)
        measure = MEASURE.match(self.text, end)
        if value is None or (BROKEN.match(self.text, end) and not measure):
            return end
        if yuan := YUAN.match(self.text, end):
            value *= _scale(yuan["scale"])
            value += _tenths(yuan["jiao"]) + _tenths(yuan["fen"]) / 10
            return self.add("amount", start, yuan.end(), value)
        if percent := PERCENT.match(self.text, end):
            value = value / 10 if percent["sign"] == "‰" else value
            return self.add("number", start, percent.end(), (value, "%"))
        if match["money"]:
            return self.add("amount", start, end, value)
        interest = INTEREST.match(self.text, end)
        if interest and re.search("[息利]", self.text[max(0, start - 8) : start]):
            value = value / 10 if interest["only"] else value + _tenths(interest["li"])
            return self.add("number", start, interest.end(), (value, "%"))
        if measure:
            idle = COUNTERS if numeral == "一" else PEOPLE if len(numeral) == 1 else ()
            if not numeral.isdigit() and measure["unit"] in idle:
                return measure.end()
            value *= _scale(measure["scale"])
            return self.add(
                "number", start, measure.end(), (value, canonical_unit(measure["unit"]))
            )
        if more := SCALE.match(self.text, end):
            return self.add("number", start, more.end(), (value * _scale(more["scale"]), ""))
        if self.is_bare_number(numeral, start, end):
            return self.add("number", start, end, (value, ""))
        return end

    def is_bare_number(self, numeral: str, start: int, end: int) -> bool:
        """Not 一审 or 二被告, and not the marker of a list: 1、 (2) 3."""
        if not numeral[0].isdigit():
            return len(numeral) > 1 and bool(re.search("[百千万亿佰仟]", numeral))
        if len(numeral) > 2 or not (marker := MARKER.match(self.text, end)):
            return not self.text.startswith("项", end)
        before = self.text[start - 1 : start]
        return bool(marker["more"]) and bool(before.strip(OPENING))


def _scale(chars: str) -> Decimal:
    """十百千万亿 as a factor; "" is 1."""
    factor = Decimal(1)
    for char in chars:
        factor *= {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}[char]
    return factor


def _tenths(digit: str | None) -> Decimal:
    """角 of 元, 厘 of 分; nothing is 0."""
    return Decimal(_small(digit) or 0) / 10


def _small(numeral: str | None) -> int | None:
    """A month, day or digit; 元月 is January."""
    if numeral is None:
        return None
    return 1 if numeral == "元" else int(parse_numeral(numeral) or 0)
