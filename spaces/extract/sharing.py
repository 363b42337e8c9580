"""Clauses that are kept or left out together share a probability.

Clauses end at commas, within brackets too: （利息按年利率6%， and 自2017年起计算）。 are two. An
extract that has one of them leaves the bracket open, and so does the summary made from it.

Nor may an item of the ruling or of the claim be told in part (`extract.items`). And what opens the
ruling (判决如下) comes with it: without it the orders would stand among the reasons. The statutes
that it rests on are told from 依照 on, or else they hang in the air.

Who is said to have answered has an answer (`extract.answers`). What else goes with its neighbour in
a sentence is in `extract.neighbours`, and what cannot stand without another clause in
`extract.needs`.

A ruling is told with a reason, the likeliest, and with what was asked, where the judgment has them;
and what was asked with what says that it was changed or given up later.

What is in dispute (争议焦点为：…是否…) is a list of questions; without the words that say so its
halves would be answers. Nor is a list of losses announced of which nothing is told.

What the court found ends, in many judgments, with the claim once more (原告诉至本院，请求判令…).
Told behind 经审理查明 it would be a finding, so there it is left out. So is what a party says there
(原告主张…) and nothing is said of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from spaces.extract.answers import share_answers, share_cues, share_defaults
from spaces.extract.grounds import (
    find_reasons,
    find_ruling,
    find_statutes,
    highest_of_ruling,
    likeliest_of_ruling,
)
from spaces.extract.items import share_orders, share_requests
from spaces.extract.needs import share_needs
from spaces.extract.neighbours import (
    share_changes,
    share_conditions,
    share_leads,
    share_predicates,
    share_subjects,
    share_verdicts,
)
from spaces.sections import SECTIONS, opens_ruling
from spaces.sentences import character_pairs, supported_share

__all__ = [
    "drop_claims",
    "drop_pleas",
    "hold_lists",
    "hold_questions",
    "share_brackets",
    "share_causes",
    "share_grounds",
    "share_opening",
    "share_probabilities",
    "share_withdrawals",
]

_CLAIM, _FACTS, _REASONS = map(SECTIONS.index, ("claim", "facts", "reasons"))
_SUED = re.compile("诉至|诉到|诉来|起诉|提起.{0,4}诉讼")
_ASKED = re.compile("请求|要求|判[令决]|诉请")
_DEMAND = re.compile(
    "(?:请求|要求|诉请|诉求).{0,12}(?:判|支付|赔偿|偿还|返还|归还|给付|确认|撤销|解除|立即|停止|继续|承担)|判[令决](?!书)"
)
_WITHDRAWN = re.compile(
    "(?:放弃|变更|撤回|增加|追加|减少)[^，,。]{0,16}(?:请求|诉请|主张|申请|诉求)"
)
_SAID = re.compile(
    "[一-三二两]?(?:原告|被告|第三人)[^，,。向对]{0,12}(?:主张(?!权利|债权)|认为)(?![^，,]*[后时][，,])"
)
_WEIGHED = re.compile(
    "本院|法庭|不予|予以|应予|支持|采信|采纳|认可|确认|认定|承认|没有异议|无异议|成立|属实|符合|合理|但|故|因此|遂"
    "|经查|证据|证明|证实|未提|不能|不足|均"
)
_QUESTION = re.compile("是否|能否|应否|可否|如何|[何谁]|多少|问题|[？?]")
_LIST = re.compile(r"(?:损失|费用|款项|数额|金额|项目)[^，,。]{0,12}(?:如下|包括)[：:]\s*$")
_SAME = 0.6  # the share of a clause's character pairs that make it a repetition
_PAIRS = ("（）", "()", "《》", "“”")
_REACH = 8  # clauses; a bracket that is not closed by then was never meant to be


def share_probabilities(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities (n,) of the n clauses of a text, shared by those that belong together."""
    shared = share_brackets(probabilities, texts)
    rules = (drop_claims, drop_pleas, hold_questions, share_opening, share_orders)
    rules += (share_grounds, share_causes)
    rules += (share_defaults, share_answers, share_cues, share_withdrawals, share_changes)
    rules += (share_conditions, share_verdicts, share_subjects, share_leads, share_requests)
    rules += (share_predicates, hold_lists, share_needs)
    for rule in rules:
        shared = rule(shared, texts, sections)
    return share_brackets(shared, texts)  # of what has come with its neighbours, too


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


def drop_pleas(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with 0 for each sentence among the facts in which a party says something,
    and the court nothing of it.

    >>> drop_pleas([0.1, 0.8, 0.7], ["查明：", "原告主张已还款，", "乙未还。"], [3, 3, 3]).tolist()
    [0.1, 0.0, 0.0]
    """
    shared = np.array(probabilities)
    first = 0
    for i, text in enumerate(texts):
        ends = text.rstrip()[-1:] == "。" or i + 1 == len(texts) or sections[i + 1] != _FACTS
        if sections[i] != _FACTS or text.rstrip()[-1:] in ":：":
            first = i + 1
        elif ends:
            told = "".join(texts[first : i + 1])
            if _SAID.match(told) and not _WEIGHED.search(told):
                shared[first : i + 1] = 0.0
            first = i + 1
    return shared


def hold_questions(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with each question in dispute having at most that of the clause which says
    that they are in dispute (本案争议焦点为：), up to the end of the sentence.

    >>> hold_questions([0.4, 0.9, 0.8], ["焦点为：", "是否违约。", "已违约。"], [4, 4, 4]).tolist()
    [0.4, 0.4, 0.8]
    """
    shared = np.array(probabilities)
    issue = None
    for i, text in enumerate(texts):
        if sections[i] not in (_FACTS, _REASONS):
            issue = None
        elif "焦点" in text:
            issue = i
        elif issue is not None and _QUESTION.search(text):
            shared[i] = min(shared[i], shared[issue])
        if text.rstrip()[-1:] == "。":
            issue = None
    return shared


def hold_lists(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with what announces a list of losses (原告的损失认定如下：) having at most
    that of the clause behind it, among what the court found or reasons.

    >>> hold_lists([0.9, 0.1, 0.8], ["损失如下：", "医疗费5元，", "共计9元。"], [4, 4, 4]).tolist()
    [0.1, 0.1, 0.8]
    """
    shared = np.array(probabilities)
    for i, (section, following) in enumerate(pairwise(sections)):
        inside = section == following and section in (_FACTS, _REASONS)
        if inside and _LIST.search(texts[i]):
            shared[i] = min(shared[i], shared[i + 1])
    return shared


def share_causes(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with the likeliest reason, and the likeliest of what is asked, having at
    least the highest of the ruling's.

    >>> texts = ["请求判令还款。", "本院认为，", "借款应还。", "乙还款。"]
    >>> share_causes([0.1, 0.9, 0.2, 0.8], texts, [1, 4, 4, 5]).tolist()
    [0.8, 0.9, 0.8, 0.8]
    """
    shared = np.array(probabilities)
    highest = highest_of_ruling(shared, sections)
    if highest is None:
        return shared
    asked = _find_demands(texts, sections)
    reasons = find_reasons(texts, sections)
    for some in (asked, reasons):
        if some:
            best = max(some, key=lambda i: shared[i])
            shared[best] = max(shared[best], highest)
    return shared


def share_withdrawals(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with what says that a claim was given up, changed or raised having at least
    that of the likeliest demand: without it what was asked first would be what is asked.

    >>> texts = ["请求判令还款。", "庭审中放弃利息的请求。"]
    >>> share_withdrawals([0.8, 0.1], texts, [1, 1]).tolist()
    [0.8, 0.8]
    """
    shared = np.array(probabilities)
    if asked := _find_demands(texts, sections):
        likeliest = shared[asked].max()
        for i, text in enumerate(texts):
            if sections[i] == _CLAIM and _WITHDRAWN.search(text):
                shared[i] = max(shared[i], likeliest)
    return shared


def _find_demands(texts: Sequence[str], sections: Sequence[int]) -> list[int]:
    return [i for i, text in enumerate(texts) if sections[i] == _CLAIM and _DEMAND.search(text)]


def share_opening(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with the clause that opens the ruling and the likeliest of the ruling
    having the higher of theirs. Nothing changes where the ruling opens within a clause of its own,
    or not at all.

    >>> share_opening([0.1, 0.1, 0.9], ["本院认为，", "判决如下：", "驳回。"], [4, 4, 5]).tolist()
    [0.1, 0.9, 0.9]
    """
    shared = np.array(probabilities)
    ruling = find_ruling(sections)
    if ruling and opens_ruling(texts[ruling - 1]):
        both = [ruling - 1, likeliest_of_ruling(shared, sections)]
        shared[both] = shared[both].max()
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
    if statutes := find_statutes(texts, sections):
        shared[statutes[0]] = shared[statutes].max()
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
