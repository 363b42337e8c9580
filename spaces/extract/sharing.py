"""Clauses that are kept or left out together share a probability.

Clauses end at commas, within brackets too: （利息按年利率6%， and 自2017年起计算）。 are two. An
extract that has one of them leaves the bracket open, and so does the summary made from it.

Nor may an item of the ruling be told in part: of 三、丙连带清偿；丙清偿后，有权向乙追偿。 the end
alone gives the right of recourse to whoever stands before it. Nor may one be missing before another
that is told: what stands first is the main order. And what opens the ruling (判决如下) comes with
it: without it the orders would stand among the reasons. The statutes that it rests on are told from
依照 on, or else they hang in the air.

And who is said to have answered has an answer: 被告辩称 is not told without what he said, nor what
he said without his name: else it is laid to whoever spoke before. So with 经审理查明. Nor is
对于利息 told without what the court thinks of it. And 应负连带责任 is told with the guarantor who
stands before it; 没有遗嘱的， with what then applies; what a party pleads with the court's
不予采信; and what the plaintiff asks in the end with the words that say that he changed it
(变更诉讼请求为).

What the court found ends, in many judgments, with the claim once more (原告诉至本院，请求判令…).
Told behind 经审理查明 it would be a finding, so there it is left out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise, takewhile

import numpy as np

from spaces.sections import SECTIONS, opens_ruling
from spaces.sentences import character_pairs, supported_share

__all__ = [
    "attributed",
    "drop_claims",
    "leaning",
    "share_brackets",
    "share_changes",
    "share_conditions",
    "share_cues",
    "share_grounds",
    "share_items",
    "share_leads",
    "share_opening",
    "share_probabilities",
    "share_subjects",
    "share_verdicts",
]

_CLAIM, _FACTS, _RULING = map(SECTIONS.index, ("claim", "facts", "ruling"))
_COURTS = (_FACTS, SECTIONS.index("reasons"))
_TOLD = (_CLAIM, SECTIONS.index("defence"), *_COURTS)
_NUMBER = re.compile(r"\s*[（(]?[一二三四五六七八九十\d]{1,3}[、.．)）:：]")
_CUES = re.compile("(?:辩称|查明|(?:认定|事实)如下|经审理认定)[，,：:]?$")
_DEFAULT = re.compile("(?:被告|第三人).{0,24}未(?:到庭|出庭|应诉|.{0,8}答辩)")
_GROUNDS = re.compile("(?:依照|依据|根据|按照|适用)[^，。]{0,12}《")
_STATUTE = re.compile(r"\s*(?:和|及|以及|、)?(?:《|第[一二三四五六七八九十百零\d]+条)")
_LEAD = re.compile(
    "(?:(?:对于|关于|故?对|根据|由于|因|如|若|虽|既然|鉴于).*|[^，,]{0,3}\\d+年(?:\\d+月)?(?:\\d+日)?.{0,4})[，,]$"
)
_LEANS = re.compile(
    "(?:故|则|依法|亦|也|均|并|且|而|但)?"
    "(?:应(?!诉)|享有|不得|有权|无权|负有|构成|属于|系|承担|未|没有|分别[为系是]|可(?!能|见)|"
    "由?本人|进一步|该情形|否则)|亦|也|均|但(?!书)|其中|以上[合共]计"
)
_WHOSE = re.compile(
    "(?:至于|关于|对于|针对|对|故|现|但)?(?!本院)[^，,]{0,16}?(?:抗辩|辩称|主张|诉称|所称|认为)"
)
_CONDITION = re.compile(
    "(?:.*的|.*(?:死亡|去世|亡故|病故)[以之]?后|.*(?:前提|情况|范围)[下内])[，,]$"
)
_VERDICT = re.compile(
    "(?:故|因此|应|对此|，)?(?:本院)?(?:依法|均|亦|也|应)?(?:不予|予以|应予)(?:支持|采[信纳]|认[可定]|确认|驳回)"
)
_CHANGE = re.compile("(?:变更|明确|增加|追加|减少|撤回|放弃).{0,16}(?:请求|诉求|诉请).*[，,：:]$")
_SUED = re.compile("诉至|诉到|诉来|起诉|提起.{0,4}诉讼")
_ASKED = re.compile("请求|要求|判[令决]|诉请")
_SAME = 0.6  # the share of a clause's character pairs that make it a repetition
_LONG = 400  # characters; such an item is a list of its own, and does not fit into a summary
_PAIRS = ("（）", "()", "《》", "“”")
_REACH = 8  # clauses; a bracket that is not closed by then was never meant to be


def share_probabilities(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities (n,) of the n clauses of a text, shared by those that belong together."""
    shared = share_brackets(probabilities, texts)
    rules = (drop_claims, share_items, share_opening, share_grounds)
    rules += (share_cues, share_changes, share_conditions, share_verdicts)
    rules += (share_subjects, share_leads)
    for rule in rules:
        shared = rule(shared, texts, sections)
    return shared


def drop_claims(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with 0 for what is asked behind 原告诉至本院 among the facts, up to the end
    of the sentence, as far as it stands in the claim already.

    >>> texts = ["请求还款五万元。", "原告诉至本院，", "请求还款五万元。"]
    >>> drop_claims([0.9, 0.1, 0.8], texts, [1, 3, 3]).tolist()
    [0.9, 0.1, 0.0]
    """
    shared = np.array(probabilities)
    claim = (text for text, section in zip(texts, sections, strict=True) if section == _CLAIM)
    told = character_pairs("".join(claim))
    sued = asked = False
    for i, text in enumerate(texts):
        if sections[i] != _FACTS:
            sued = asked = False
            continue
        sued = sued or _SUED.search(text) is not None
        asked = asked or (sued and _ASKED.search(text) is not None)
        if asked and supported_share(text, told) >= _SAME:
            shared[i] = 0.0
        if text.rstrip()[-1:] == "。":
            sued = asked = False
    return shared


def share_items(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with every clause of an item of the ruling having the highest of them, and
    of those behind: no item is left out before one that is kept.

    An item goes from its number to the next one or to the end of its sentence; a ruling without
    numbers has its sentences. `sections` count `sections.SECTIONS`. An item of more than 400
    characters stays as it is.

    >>> share_items([0.9, 0.1, 0.2], ["一、乙还款，", "付利息；", "二、驳回。"], [5, 5, 5]).tolist()
    [0.9, 0.9, 0.2]
    """
    shared = np.array(probabilities)
    highest = 0.0
    for first, last in reversed(_items(texts, sections)):
        if sum(map(len, texts[first:last])) <= _LONG:
            highest = max(highest, shared[first:last].max())
            shared[first:last] = highest
    return shared


def _items(texts: Sequence[str], sections: Sequence[int]) -> list[tuple[int, int]]:
    """Where each item of the ruling begins, and the clause behind its last."""
    items: list[tuple[int, int]] = []
    numbered = False
    for place, (text, section) in enumerate(zip(texts, sections, strict=True)):
        if section != _RULING:
            continue
        number = _NUMBER.match(text) is not None
        if items and items[-1][1] == place and not number:
            end = texts[place - 1].rstrip()[-1:]
            if end != "。" and (numbered or end not in "；;"):
                items[-1] = items[-1][0], place + 1
                continue
        items.append((place, place + 1))
        numbered = number
    return items


def share_cues(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with a cue (被告辩称，, 经审理查明，) and the most probable clause behind
    it having the higher of theirs; what it opens goes up to the next cue, or to another party's
    default, and stays in the section.

    >>> share_cues([0.7, 0.1, 0.2], ["被告辩称，", "已还款。", "无息。"], [2, 2, 2]).tolist()
    [0.7, 0.1, 0.7]
    """
    shared = np.array(probabilities)
    cues = [i for i, text in enumerate(texts) if _CUES.search(text.rstrip())]
    defaults = [i for i, text in enumerate(texts) if _DEFAULT.match(text.strip())]
    borders = sorted({*cues, *defaults, len(texts)})
    for cue in cues:
        end = borders[bisect_right(borders, cue)]
        answer = [i for i in range(cue + 1, end) if sections[i] == sections[cue]]
        if answer:
            best = max(answer, key=lambda i: shared[i])
            shared[[cue, best]] = max(shared[best], shared[cue])
    return shared


def share_leads(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with what is found or reasoned behind a lead-in (对于利息， or a date)
    having at least that of the lead-in.

    >>> share_leads([0.7, 0.1, 0.2], ["对于利息，", "不予支持。", "综上，"], [4, 4, 4]).tolist()
    [0.7, 0.7, 0.2]
    """
    shared = np.array(probabilities)
    for i, (section, following) in enumerate(pairwise(sections)):
        if section == following and section in _COURTS and _LEAD.match(texts[i].strip()):
            shared[i + 1] = max(shared[i], shared[i + 1])
    return shared


def leaning(texts: Sequence[str], sections: Sequence[int]) -> list[bool]:
    """Of each clause whether it means nothing, or something else, without the one before it in the
    same sentence: its subject stands there (应负连带清偿责任。), or what it turns against (但…).

    Asked of what parties say and of what the court finds and reasons.

    >>> leaning(["乙是保证人，", "应负责。", "应驳回。"], [4, 4, 4])
    [False, True, False]
    """
    return [
        i > 0
        and sections[i - 1] == sections[i]
        and sections[i] in _TOLD
        and texts[i - 1].rstrip()[-1:] in ("，", ",")
        and _LEANS.match(texts[i].strip()) is not None
        for i in range(len(texts))
    ]


def attributed(texts: Sequence[str], sections: Sequence[int]) -> list[bool]:
    """Of each clause whether the court tells in it what a party says (至于被告抗辩的…): without its
    first words the rest would be the court's own.

    >>> attributed(["被告抗辩已还款，", "借款应还。"], [4, 4])
    [True, False]
    """
    return [
        section in _COURTS and _WHOSE.match(text.strip()) is not None
        for text, section in zip(texts, sections, strict=True)
    ]


def share_subjects(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with what stands before a clause that leans on it (`leaning`) having at
    least that of the clause.

    >>> share_subjects([0.1, 0.9, 0.2], ["乙是保证人，", "应负责。", "综上，"], [4, 4, 4]).tolist()
    [0.9, 0.9, 0.2]
    """
    shared = np.array(probabilities)
    leans = leaning(texts, sections)
    for i in reversed(range(1, len(texts))):
        if leans[i]:
            shared[i - 1] = max(shared[i - 1], shared[i])
    return shared


def share_conditions(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with a condition (没有遗嘱的，) and what then applies having the higher of
    theirs, among what the court found or reasoned.

    >>> share_conditions([0.1, 0.9], ["没有遗嘱的，", "按照法定继承办理。"], [4, 4]).tolist()
    [0.9, 0.9]
    """
    shared = np.array(probabilities)
    for i in reversed(range(len(texts) - 1)):
        inside = sections[i] == sections[i + 1] and sections[i] in _COURTS
        if inside and _CONDITION.match(texts[i].strip()):
            shared[i : i + 2] = shared[i : i + 2].max()
    return shared


def share_verdicts(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with what the court thinks of it (本院不予采信。) having at least that of
    the clause before it in the same sentence.

    >>> share_verdicts([0.9, 0.1], ["被告辩称无据，", "本院不予采信。"], [4, 4]).tolist()
    [0.9, 0.9]
    """
    shared = np.array(probabilities)
    for i in range(1, len(texts)):
        inside = sections[i - 1] == sections[i] and sections[i] in _COURTS
        goes_on = texts[i - 1].rstrip()[-1:] in ("，", ",")
        if inside and goes_on and _VERDICT.match(texts[i].strip()):
            shared[i] = max(shared[i - 1], shared[i])
    return shared


def share_changes(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with words that change the claim (变更诉讼请求为：) and what is asked then
    having the higher of theirs.

    >>> share_changes([0.1, 0.9], ["后变更诉讼请求为：", "返还押金。"], [1, 1]).tolist()
    [0.9, 0.9]
    """
    shared = np.array(probabilities)
    for i in range(len(texts) - 1):
        if sections[i] == sections[i + 1] == _CLAIM and _CHANGE.search(texts[i].strip()):
            shared[i : i + 2] = shared[i : i + 2].max()
    return shared


def share_opening(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with the clause that opens the ruling having at least the highest of the
    ruling's. Nothing changes where the ruling opens within a clause of its own, or not at all.

    >>> share_opening([0.1, 0.1, 0.9], ["本院认为，", "判决如下：", "驳回。"], [4, 4, 5]).tolist()
    [0.1, 0.9, 0.9]
    """
    shared = np.array(probabilities)
    ruling = [i for i, section in enumerate(sections) if section == _RULING]
    if ruling and ruling[0] and opens_ruling(texts[ruling[0] - 1]):
        opening = ruling[0] - 1
        shared[opening] = max(shared[opening], shared[ruling].max())
    return shared


def share_grounds(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with the clause that begins the list of statutes (依照《…》第六条，) having
    at least the highest of those that go on with it, up to the ruling.

    >>> share_grounds([0.1, 0.9, 0.2], ["依照《甲法》，", "《乙法》，", "还。"], [4, 4, 5]).tolist()
    [0.9, 0.9, 0.2]
    """
    shared = np.array(probabilities)
    end = next((i for i, section in enumerate(sections) if section == _RULING), len(texts))
    first = next((i for i in reversed(range(end)) if _GROUNDS.search(texts[i])), None)
    if first is not None:
        going_on = takewhile(lambda i: _STATUTE.match(texts[i]), range(first + 1, end))
        shared[first] = shared[[first, *going_on]].max()
    return shared


def share_brackets(probabilities: Sequence[float] | np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """The probabilities with every clause of a bracket having that of the clause that opens it.

    >>> share_brackets([0.9, 0.1, 0.2], ["付利息（按6%，", "自今日起）。", "驳回。"]).tolist()
    [0.9, 0.9, 0.2]
    """
    shared = np.array(probabilities)
    first = 0
    while first < len(texts):
        last = _closing(texts, first)
        shared[first + 1 : last + 1] = shared[first]
        first = last + 1
    return shared


def _closing(texts: Sequence[str], first: int) -> int:
    """The clause that closes what clause `first` leaves open; `first` itself where nothing does."""
    joined = ""
    for last in range(first, min(first + _REACH, len(texts))):
        joined += texts[last]
        if all(joined.count(left) <= joined.count(right) for left, right in _PAIRS):
            return last
    return first
