"""Clauses of one sentence that mean something else, or nothing, without their neighbour.

应负连带责任 is told with the guarantor who stands before it, and he with it; 但… with what it turns
against; 没有遗嘱的， with what then applies; 对于利息 with what the court thinks of it; what a
party pleads with the court's 不予采信; and what the plaintiff asks in the end with the words that
say that he changed it (变更诉讼请求为). Those that go together share a probability, and copying
does not begin at the second (`leaning`), nor behind the words that say whose opinion it is
(`attributed`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from spaces.sections import SECTIONS

__all__ = [
    "SCENE",
    "attributed",
    "goes_on",
    "leaning",
    "share_changes",
    "share_conditions",
    "share_leads",
    "share_predicates",
    "share_subjects",
    "share_verdicts",
]

_CLAIM = SECTIONS.index("claim")
_COURTS = (SECTIONS.index("facts"), SECTIONS.index("reasons"))
_ANSWERED = (SECTIONS.index("defence"), *_COURTS)
_TOLD = (_CLAIM, *_ANSWERED)
_LEAD = re.compile(
    "(?:(?:对于|关于|故?对|根据|由于|因|如|若|虽|既然|鉴于).*|[^，,]{0,3}\\d+年(?:\\d+月)?(?:\\d+日)?.{0,4})[，,]$"
)
_VERDICT = re.compile(
    "(?:故|因此|应|对此|，)?(?:本院)?(?:对此|依法|均|亦|也|应)?"
    "(?:(?:不|应|应当|不应|难|可|无法)?予以?|实?难以?|不能|无法|不应(?:得到)?)(?:支持|采[信纳]|认[可定]|确认|驳回)"
)
_LEANS = re.compile(
    "(?:故|则|依法|亦|也|均|并|且|而|但)?"
    "(?:应(?!诉)|享有|不得|有权|无权|负有|构成|属于|系|承担|未|没有|分别[为系是]|可(?!能|见)|"
    "并(?:由|要求|请求)?(?:被告)?(?:支付|赔偿|承担|返还|给付|偿还)|由?本人|进一步|该情形|否则)|(?:从而|进而|以)?(?:造成|导致|致使|引起)|亦|也|均|但(?!书)|将|把|即(?!便|使)|仍|同日|不属于|明显不|其中|以上[合共]计|"
    + _VERDICT.pattern
)
# What is said of a subject in the end: without it the sentence says nothing of him
_PREDICATE = re.compile(
    "(?:故|则|依法|亦|也|均|并|且|而|但)?(?:不?属于|有权|无权|不?构成|不?应(?![诉否收])|系(?!统))"
)
_WHOSE = re.compile(
    "(?:至于|关于|对于|针对|对|故|现|但)?(?!本院)[^，,]{0,16}?(?:抗辩|辩称|主张|诉称|所称|认为)"
)
# A place or an hour, and nothing yet of what happened there
SCENE = re.compile("[于在][^，,]*(?:店|处|时许|路段|门口|附近|家中|途中)[，,]$")
# What the clause behind it is about, or how that came about
_ABOUT = re.compile(
    "(?:(?:故|因此|现|但|而)?(?:对于|关于|至于|针对|对)[^，,]{2,30}"
    "|(?:后)?经[^，,]{0,10}(?:调解|裁决|仲裁|协商))[，,]$"
)
_CONDITION = re.compile(
    "(?:.*的|.*(?:死亡|去世|亡故|病故)[以之]?后|.*(?:前提|情况|范围)[下内])[，,]$"
)
_PLEA = re.compile(
    "(?:至于|关于|对于|针对|对|故|现|但|因此)*(?!本院)[^，,]{0,24}?(?:抗辩|辩[称解]|主张|诉[称请]|所称|认为|要求|请求|意见)"
)
_CHANGE = re.compile("(?:变更|明确|增加|追加|减少|撤回|放弃).{0,16}(?:请求|诉求|诉请).*[，,：:]$")


def goes_on(texts: Sequence[str], sections: Sequence[int], place: int) -> bool:
    """Whether the clause goes on with the sentence of the one before it, in the same section."""
    return (
        place > 0
        and sections[place - 1] == sections[place]
        and texts[place - 1].rstrip()[-1:] in ("，", ",")
    )


def leaning(texts: Sequence[str], sections: Sequence[int]) -> list[bool]:
    """Of each clause whether it means nothing, or something else, without the one before it in the
    same sentence: its subject stands there (应负连带清偿责任。), or what it turns against (但…), or
    what it decides (不予支持。): of another claim it would be the reverse of the judgment. A court
    may say there, too, what it speaks of (关于诉讼费，) or where it was (原告在被告的店，).

    Asked of what parties say and of what the court finds and reasons.

    >>> leaning(["乙是保证人，", "应负责。", "应驳回。"], [4, 4, 4])
    [False, True, False]
    """
    return [
        section in _TOLD
        and goes_on(texts, sections, i)
        and bool(
            _LEANS.match(texts[i].strip()) or (section in _COURTS and _frames(texts[i - 1].strip()))
        )
        for i, section in enumerate(sections)
    ]


def _frames(text: str) -> bool:
    """Whether the clause says what the one behind it is about, or where it was."""
    return bool(_ABOUT.match(text) or SCENE.search(text))


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


def share_predicates(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with what a sentence says of its subject in the end (有权继承遗产。) having
    at least that of the clause before it, among answers, findings and reasons.

    >>> texts = ["乙是继承人，", "有权继承。", "应驳回。"]
    >>> share_predicates([0.9, 0.1, 0.2], texts, [4, 4, 4]).tolist()
    [0.9, 0.9, 0.2]
    """
    shared = np.array(probabilities)
    for i in range(1, len(texts)):
        inside = sections[i] in _ANSWERED and goes_on(texts, sections, i)
        if inside and _PREDICATE.match(texts[i].strip()):
            shared[i] = max(shared[i - 1], shared[i])
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
    the clause before it in the same sentence, and of the plea or claim (原告要求…) that the
    sentence began with, and this at least that of the former.

    >>> texts = ["原告要求赔偿，", "但未举证，", "不予支持。"]
    >>> share_verdicts([0.9, 0.1, 0.2], texts, [4, 4, 4]).tolist()
    [0.9, 0.1, 0.9]
    """
    shared = np.array(probabilities)
    plea = None
    for i, text in enumerate(texts):
        continues = goes_on(texts, sections, i)
        if not continues:
            plea = None
        if sections[i] not in _COURTS:
            continue
        if plea is None and _PLEA.match(text.strip()):
            plea = i
        elif continues and _VERDICT.match(text.strip()):
            shared[i] = max(shared[i - 1], shared[i])
            if plea is not None:
                shared[[plea, i]] = shared[[plea, i]].max()
                plea = None
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
