"""A hypothesis as items, and marks in it that come in company: the numbers of a list, and the two
marks of a bracket.

A summary takes the second and the third item of a claim, or one of two; who reads 2、 first looks
for 1、. And a run may begin behind the mark that opens a bracket, or break off before the one that
closes it. Such marks say nothing without those that were left out, and go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from spaces.generate.copying import BEGIN, INSIDE

__all__ = ["Item", "broken_lists", "drop_partial", "lone_marks", "spell", "splice"]

_HAN = "一二三四五六七八九十"
# Where an item begins: behind a mark, or behind what announces a list; and where a number may be
# that of an item that no mark parts from the one before (还款2、付息), but not 第2、 or 张某2、
_HEAD = "(?P<head>^|(?<=[。;:,?!])|(?<=诉求|请求|要求|判令|判决|辩称|认为|查明|如下))"
_GLUED = "(?<![\\d、.,第某x\\-至年月日号])"
# 1、 and 一、 and both in brackets are four lists. A figure may follow: 1.5元, 一、二项.
_STYLES = [
    re.compile(f"(?:{_HEAD}|{_GLUED}){number}(?P<figure>(?=[{digits}]))?")
    for digits, mark in (("0-9", "[、.,]"), (_HAN, "、"))
    for value in [f"(?P<value>[{digits}]{{1,2}})"]
    for number in (f"{value}{mark}", f"\\({value}\\)、?")
]
# What speaks of items by their number: 第二项, 一、二项, 以上三项; but not of a statute's
_N = f"[\\d{_HAN}两]+"
_REFERS = re.compile(
    f"(?<![条款、])第\\(?{_N}\\)?(?:、{_N})*项|(?<![第、]){_N}(?:、{_N})+项|(?:上述|以上|前述){_N}项"
)
# Who speaks: parties in turn, then the court, of what it found and of what it thinks. The court
# may tell what a party said without giving it the word.
_CUES = re.compile(
    "((?:诉称|提出诉求|[辩述]称|答辩(?:意见)?(?:如下)?|指控)[,:]|(?:诉求|请求|反诉)(?:如下)?:)"
    "|((?:审理|[本法]院|[另经])查明(?!的)|经(?:[本法]院)?审[理查]|事实如下|焦点)"
    "|(本院[^,;:。]{0,8}认为)"
)
_PARTIES = 1  # the group of their cues
_PAIRS = ("()", "《》", "“”")
_OPENS = [opens for opens, _ in _PAIRS]
_NEAR = 40  # characters from a mark to the joint where its partner was left out


class Item(NamedTuple):
    token: int
    tag: int
    position: int


def spell(pieces: Sequence[str], tokens: Sequence[int]) -> tuple[str, dict[int, int]]:
    """The text of the tokens, and of a character the token that begins there, or the end.

    >>> spell(["被告", ",", "辩称"], [0, 2, 1])
    ('被告辩称,', {0: 0, 2: 1, 4: 2, 5: 3})
    """
    place, text = {0: 0}, ""
    for i, token in enumerate(tokens):
        text += pieces[token]
        place[len(text)] = i + 1
    return text, place


def splice(items: list[Item], first: int, last: int, new: Sequence[Item] = ()) -> None:
    """Put `new` in place of items[first:last]."""
    if last < len(items) and items[last].tag == INSIDE:  # the run now begins here
        items[last] = items[last]._replace(tag=BEGIN)
    items[first:last] = new


def drop_partial(items: list[Item], pieces: Sequence[str], ruling: int | None) -> None:
    """Without marks whose company was left out, before the item that the ruling begins with (None:
    no ruling follows): brackets near a joint, and the numbers of a list, all of them or none."""
    told = items[:ruling]
    text, place = spell(pieces, [item.token for item in told])
    joints = [at for at, i in place.items() if i < len(told) and told[i].tag != INSIDE]
    lone = [
        [(i, i + 1)]
        for i in lone_marks(text)
        # the partner of what opens was left out behind it, that of what closes before it
        if any(0 < (at - i if text[i] in _OPENS else i + 1 - at) <= _NEAR for at in joints)
    ]
    spans = [
        span
        for group in lone + broken_lists(text, ruled=ruling is not None)
        if {at for span in group for at in span} <= place.keys()
        for span in group
    ]
    for start, end in sorted(spans, reverse=True):
        splice(items, place[start], place[end])


def broken_lists(told: str, ruled: bool) -> list[list[tuple[int, int]]]:
    """The places of the numbers of each list that is told in part: of what one speaker says, those
    of a style that are not 1, 2 and so on. Where no ruling follows (`ruled`), what the last speaker
    says may be one, whose numbers stay.

    >>> broken_lists("被告辩称:1、未借款;3、已还款。", ruled=True)
    [[(5, 7), (11, 13)]]
    """
    turns, stage = [0], _PARTIES
    for cue in _CUES.finditer(told):
        speaker = cue.lastindex or _PARTIES
        if speaker > stage or speaker == stage == _PARTIES:
            stage = speaker
            turns.append(cue.end())
    if ruled:
        turns.append(len(told))
    found: list[list[tuple[int, int]]] = []
    for turn in pairwise(turns):
        if _REFERS.search(told, *turn):
            continue
        for style in _STYLES:
            numbers: list[re.Match[str]] = []
            unsure = False
            for number in style.finditer(told, *turn):
                begins, counts = number["head"] is not None, number["figure"] is None
                numbers += [number] if begins and counts else []
                # 1、2项 may be no item and 还款2、 may be one, which 月息1.5% is not
                unsure |= begins != counts
            if not unsure and not _counts([number["value"] for number in numbers]):
                found.append([number.span() for number in numbers])
    return found


def _counts(values: Sequence[str]) -> bool:
    """Whether these are 1, 2 and so on, or none."""
    numbers = [int(value) if value.isdecimal() else _HAN.find(value) + 1 for value in values]
    return len(numbers) != 1 and numbers == list(range(1, len(numbers) + 1))


def lone_marks(text: str) -> list[int]:
    """Where a mark that opens or closes a bracket or a quotation has no partner. Of several such
    quotation marks nobody knows, since many write ” for both.

    >>> lone_marks("《法第一条。(乙)")
    [0]
    """
    found: list[int] = []
    for opens, closes in _PAIRS:
        waiting: list[int] = []
        strays: list[int] = []
        for i, mark in enumerate(text):
            if mark == opens:
                waiting.append(i)
            elif mark == closes and waiting:
                waiting.pop()
            elif mark == closes and not text[i - 1 : i].isdecimal():  # 1) is the number of an item
                strays.append(i)
        if opens != "“" or len(waiting + strays) == 1:
            found += waiting + strays
    return found
