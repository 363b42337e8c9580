"""Clauses that say nothing, or something else, without another of their sentence.

不存在安全隐患 needs the clause that says what does not; 由于原告已退休 the one that follows from
it; 合同到期后 is what 被告继续占有 holds after; 被告主张已经还款 says whose words 原告予以否认 is
about, and the court's 但未举证 behind it what became of them; 予以支持 is half of what is decided
where 超出部分不予支持 follows; and 该遗嘱 is the will that a clause before names. Where such a
clause is likelier than the one it needs, either both are told or neither: both, where the other is
not improbable or the clause itself nearly certain.

Unlike what leans on its neighbour (`extract.neighbours`) these are known by words that are often
harmless, so nothing is asked where a likely clause of the same sentence says already what is spoken
of, nor of a clause behind mere words of order or occasion (综上, 庭审中, 根据《…》).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from spaces.extract.neighbours import SCENE, goes_on
from spaces.sections import SECTIONS

__all__ = ["leads_on", "share_needs"]

IMPROBABLE, CERTAIN = 0.1, 0.8

_HEAD, _CLAIM, _DEFENCE, _FACTS, _REASONS = (
    SECTIONS.index(name) for name in ("head", "claim", "defence", "facts", "reasons")
)
_COURTS = (_FACTS, _REASONS)
_ANSWERED = (_DEFENCE, *_COURTS)
_TOLD = (_CLAIM, *_ANSWERED)
# How a clause begins that goes on with what was said, or has no subject of its own
_UNSAID = re.compile(
    "故|则|并|且|而|但|然而|据此|其中|当然|又|亦|也|仍|均|都|只|才|是否|能否|上述|前述|其行为|其所|两者|二者|此项|此举"
    "|不(?:能|存在|属于|具有|同意|承担|应|得|足)|无法|无权|未(?!来)|已(?!故)|系(?!统)"
    "|对(?!于|方|账|外|此|原告|被告|第三人|其|该)|与(?!原告|被告)|与.*(?:因果|关系)|具有|属于|应(?!诉|收|付)|可以|负有|享有|有权|构成"
    "|违反|侵犯|侵害|符合|存在(?!的)|造成|导致|致使|获得|为(?!此|了|查)|是(?!否)|在.{0,12}均|认为|辩称|并称|请求|多年"
    "|及时|要求|允许|长达|一直|剩余|其余|减去|扣除|应再|尚应|影响|共\\d|理应|即(?![便使将日时])|给[^，,]{0,8}造成|同日|次日|当日|时间[是为]"
)
# A clause that only says when, where or by what: there is no subject in it to miss
_FRAME = re.compile(
    "(?:.{0,5}|(?:本案|庭审|审理|诉讼|经|根据|依据|依照|结合|综上|因此|据此|退一步|另外|此外|其次|首先).{0,14}"
    r"|[^，,]{0,3}\d+年.{0,8})[，,：:]$"
)
# A clause that says nothing at all
_NOTHING = re.compile(
    "(?:.{0,10}认为|.{0,24}[诉辩述]称|综上(?:所述)?|.{0,6}查明|[据因为]此|另|其次|首先|同时)[，,：:]$"
)
# How a clause begins, or ends, that leads to the one behind it
_OPENS = re.compile(
    "因(?!此)|由于|鉴于|[^，,]{0,10}虽|[^，,]{0,10}尽管(?!理)|[^，,]{0,6}既(?!有|遂|往|判)|无论|不论|如(?![下期实])|若|倘|假如|即使|只有|只要|除"
    "|(?:故|因此|现|但)?(?:对于|关于|至于|针对|对).{2}"
)
_OPEN_END = re.compile("(?:后|时|期间|过程中|之前|的事实|的意见|的主张|的请求|诉请|诉讼请求)[，,]$")
# What the one behind it holds after or before, or of
_CONDITION = re.compile("(?:后|之前|以前|的前提下|陈述|所称|自认)[，,]$")
# How a sentence begins that is about one thing, or tells what somebody says
_SCOPE = re.compile(
    "(?:故|因此|现|但|其中|此外|另外|再者)?(?:对于|关于|至于|针对|就)|退一步"
    "|(?!(?:故|因此|综上|但|现)?(?:本院|合议庭))"
    "[^，,]{0,25}(?:主张|抗辩|认为|[诉辩声]称|指控|陈述|提出)[^，,]{0,40}[，,]$"
)
# What a party says, and how the court turns against it; what is granted, and what is not
_SAYS = re.compile("主张|[诉辩声述]称|[原被]告称|认为|抗辩|提出")
_BUT = re.compile("但|然而|却|可是")
_GRANTED = re.compile("(?<![不难法以])予(?:以)?支持[，,；;]$")
_BEYOND = re.compile(
    "(?:超出|超过|其余|多余|过高)[^，,]{0,4}(?:部分|请求|主张|诉请|诉讼|损失|费用)"
)
_REFUSED = re.compile("(?:不|难以?|无法)予?以?(?:支持|保护|采信|采纳)")
_REACH = 6  # clauses
# That somebody speaks, and nothing of what he says
_SPEAKS = re.compile("(?!.*本院)[^，,]{0,24}(?:[诉辩声述]称|主张|提出|陈述|认为)[，,：:]$")
# What points to a thing that was named before, and the thing
_REFERS = re.compile(
    "(?:(?<![应本活])该|上述|前述)(?:[一二两三四几些]?[笔份项种套处条张幢块个人]|[几些两三四])?([\u4e00-\u9fff]{2})"
)
# As a thing: all of what was said, or no thing
_VAGUE = re.compile(
    "事实|规定|法律|法规|判决|情况|情形|行为|意见|主张|请求|诉讼|诉请|诉求|款项|给付|期间|证据|.*[的与和在是未不系已及自为于]"
)
_NEAR, _FAR = 6, 100  # clauses: where it is told of, and where it may have been named at all


def share_needs(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with each clause having at most that of a clause it needs: the latter's is
    raised where it is not improbable, or the former certain, and else the former's lowered.

    >>> texts = ["案涉房屋质量合格，", "不存在安全隐患。", "由于已退休，", "不予支持。"]
    >>> share_needs([0.1, 0.6, 0.6, 0.05], texts, [4, 4, 4, 4]).tolist()
    [0.6, 0.6, 0.05, 0.05]
    """
    shared = np.array(probabilities)
    asked: list[tuple[int, int]] = []
    for clause, needed in _needs(shared, [text.strip() for text in texts], sections):
        asked.append((clause, needed))
        if IMPROBABLE <= shared[needed] < shared[clause] or shared[clause] >= CERTAIN:
            shared[needed] = max(shared[needed], shared[clause])
    # what needs a clause that is left out is left out with it, to the end of the chain
    for clause, needed in reversed(asked):
        shared[clause] = min(shared[clause], shared[needed])
    return shared


def leads_on(texts: Sequence[str], sections: Sequence[int]) -> list[bool]:
    """Of each clause whether it says nothing without the one behind it, in the same section.

    >>> leads_on(["由于已退休，", "不予支持。", "对于利息，"], [4, 4, 4])
    [True, False, False]
    """
    return [
        section == following and section in (_HEAD, *_TOLD) and _leads(text.strip())
        for text, (section, following) in zip(texts, pairwise([*sections, None]), strict=True)
    ]


def _leads(text: str) -> bool:
    found = _OPENS.match(text) or _OPEN_END.search(text[-6:]) or SCENE.search(text)
    found = found or "作为" in text
    return text[-1:] in ("，", ",") and bool(found)


def _needs(
    shared: np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Clauses and those they need: first what stands before them, from the end, so that a need of
    what is needed comes after it; then what stands behind."""
    starts = _sentences(texts, sections)
    scoped = {first for first in set(starts) if _SCOPE.match(texts[first])}
    says = np.array([not _NOTHING.match(text) for text in texts])
    for i in reversed(range(1, len(texts))):
        first, court = starts[i], sections[i] in _COURTS
        if sections[i] in _TOLD and (named := _referent(i, shared, texts, sections)) is not None:
            yield i, named
        if first == i or sections[i] not in _ANSWERED:
            continue
        frame = i - 1 == first and _FRAME.match(texts[first])
        likeliest = (shared[first:i] * says[first:i]).max()
        alone = likeliest < shared[i] or shared[i - 1] == shared[i]
        if _UNSAID.match(texts[i]) and not frame and alone:
            yield i, i - 1
        if court and _is_condition(texts[i - 1]):
            yield i, i - 1
        if court and first in scoped:
            yield i, first
    for i, leads in enumerate(leads_on(texts, sections)):
        if leads or _is_half(texts, sections, i):
            yield i, i + 1
        if sections[i] in _COURTS and _GRANTED.search(texts[i]):
            yield from _beyond(texts, sections, i)


def _is_half(texts: Sequence[str], sections: Sequence[int], place: int) -> bool:
    """Whether the court says the other half in the clause behind this one."""
    alone = place + 1 == len(texts) or sections[place + 1] != sections[place]
    if alone or sections[place] not in _COURTS:
        return False
    text, following = texts[place], texts[place + 1]
    against = _SAYS.search(text) and goes_on(texts, sections, place + 1) and _BUT.match(following)
    return bool(against or _SPEAKS.match(text))


def _beyond(texts: Sequence[str], sections: Sequence[int], place: int) -> Iterator[tuple[int, int]]:
    """What is refused in the sentence in which the court grants something (予以支持，), and that it
    is: the clauses of a claim for more, and the one that decides it, are needed in turn."""
    last = place
    for i in range(place + 1, min(place + 1 + _REACH, len(texts))):
        if sections[i] != sections[place] or texts[i - 1][-1:] not in "，,；;":
            return
        if last == place and _BEYOND.search(texts[i]):
            yield place, i
            last = i
        elif last > place and _REFUSED.search(texts[i]):
            yield last, i
            return


def _referent(
    place: int, shared: np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> int | None:
    """The clause not far before, and of the same section, that names what the one at `place` points
    to (该遗嘱); None where one as likely as itself does, or none that is worth telling."""
    for found in _REFERS.finditer(texts[place]):
        thing = found[1]
        if _VAGUE.match(thing) or thing in texts[place][: found.start()]:
            continue
        naming = [i for i in range(max(0, place - _FAR), place) if thing in texts[i]]
        near = [i for i in naming if place - i <= _NEAR and sections[i] == sections[place]]
        if near and shared[naming].max() < shared[place]:
            best = max(near, key=lambda i: (shared[i], i))
            if shared[best] >= IMPROBABLE or shared[place] >= CERTAIN:
                return best
    return None


def _is_condition(text: str) -> bool:
    found = _CONDITION.search(text[-6:]) or text.startswith("就") or "但就" in text
    return bool(found)


def _sentences(texts: Sequence[str], sections: Sequence[int]) -> list[int]:
    """Of each clause the first one of its sentence."""
    starts: list[int] = []
    for i in range(len(texts)):
        starts.append(starts[-1] if goes_on(texts, sections, i) else i)
    return starts
