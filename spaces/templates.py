"""Weak targets: judgments that nobody summarized, summarized by rule.

A generator learns from these before it meets the few hundred summaries that people wrote. What it
can learn here is the order of the parts (cause, claim, defence, findings, statutes, ruling), what
is left out, and above all to find its words in the judgment: apart from the cue phrases nearly
every word is copied. Which phrases open the parts differs from judgment to judgment as it does
among people, in about their proportions, chosen by a digest of the text, so that no single phrase
is learned by heart. Long judgments are summarized in another manner than short ones: findings and
reasons apart, fewer statutes, no terms of payment.

The weights of the cues and the lengths of the parts were fitted on summaries written by people.

The labeller is told what the template would take (`extract.features`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from spaces.parties import find_parties
from spaces.passages import (
    FOUND,
    OPINION,
    RULED,
    bare,
    cap,
    cause_of,
    claim_of,
    defence_of,
    first,
    grounds_of,
    ruling_of,
)
from spaces.sentences import split_clauses
from spaces.wording import Wording

__all__ = ["cue_weights", "template_summary"]


@dataclass(frozen=True)
class _Manner:
    """How judgments of one length are summarized: characters per part, and phrases to choose from,
    each with its weight.
    """

    claim: int
    defence: int
    facts: int
    reasons: int
    laws: int
    ruling: int
    openings: Sequence[tuple[str, int]]
    findings: Sequence[tuple[str, int]]
    opinions: Sequence[tuple[str, int]]
    terms_kept: int  # percent, as are the two below
    interest_kept: int
    numbers_kept: int
    cues: Mapping[re.Pattern[str], int]  # beside _CUES


def _compiled(cues: Mapping[str, int]) -> dict[re.Pattern[str], int]:
    return {re.compile(cue): weight for cue, weight in cues.items()}


# Cues of the clauses that people keep or pass over, with their weights: how much more (percent) of
# such a clause is in the summary.
_CUES = _compiled(
    {
        "被告": 10,
        "原告": 7,
        "应": 6,
        "违约|构成|属于|超过": 12,
        "责任|劳动关系|解除|继承": 7,
        "焦点": 10,
        "保险|食品|商标": 6,
        "[“”]|或者": -5,
        "当事人|公民|本院|本案|举证|法律规定": -9,
        "[:：]$": -8,
        "的，$": -6,
    }
)
_OPENINGS = (
    "原被告系{}纠纷。",
    "原告与被告{}纠纷一案。",
    "本案系{}纠纷。",
    "本案为{}纠纷。",
    "原被告系{}关系。",
)
_SHORT = _Manner(
    claim=60,
    defence=42,
    facts=0,
    reasons=105,
    laws=110,
    ruling=80,
    openings=tuple(zip(_OPENINGS, (55, 14, 7, 4, 20), strict=True)),
    findings=(
        ("经查明，", 35),
        ("经审理查明，", 20),
        ("经审查，", 10),
        ("法院查明，", 15),
        ("", 20),
    ),
    opinions=(("", 1),),
    terms_kept=25,
    interest_kept=35,
    numbers_kept=40,
    cues=_compiled({"有效|租赁合同": 12, "[月日]": -8, r"\d.*\d.*\d": -6}),
)
_LONG = _Manner(
    claim=65,
    defence=40,
    facts=62,
    reasons=105,
    laws=60,
    ruling=80,
    openings=tuple(zip(_OPENINGS, (40, 60, 0, 0, 0), strict=True)),
    findings=(("经审理查明，", 85), ("经查明，", 15)),
    opinions=(("本院认为，", 75), ("", 25)),
    terms_kept=0,
    interest_kept=0,
    numbers_kept=35,
    cues=_compiled({"《|不符合": 10, "月": 8, r"\d.*\d.*\d": 7}),
)
_LONG_FROM = 1500  # characters of a judgment

_CLAIMS = (
    ("原告提出诉求：", 45),
    ("原告提出诉讼请求：", 25),
    ("原告诉求：", 15),
    ("原告诉请：", 15),
)
_DEFENCES = (("被告辩称：", 45), ("被告辩称，", 40), ("被告辩称", 15))
_SILENCES = (("被告未答辩。", 70), ("被告未作答辩。", 20), ("被告未到庭答辩。", 10))
_RULINGS = (("判决：", 55), ("判决如下：", 15), ("判决", 30))
_DANGLING = re.compile(
    "^(?:如|若|因|由于|关于|对于?|根据|按照|依照|虽|尽管|在|当|经|鉴于|从|自|[a-z\\d年月日时分许]+，$|"
    "为|同日|庭审)|时，$|后，$|规定，$|请求，$|主张，$|情况下，$|等，$"
)
# What opens facts and reasons; the phrase of the summary stands in its place.
_OPENERS = re.compile(
    "^(?:.{0,12}(?:经审理查明|本院查明|审理查明|经查明)(?:的)?(?:如下)?(?:事实)?(?:如下)?[，：:]?"
    "|本院(?:经审[理查])?(?:综合)?认为[，：:]?|综上所述，|综上，|因此，|据此，|另查明?，|同时，)"
    "|本院(?=[依应不予])"
)
_BOILER = re.compile(
    "当事人对自己|没有证据或|审理终结|记录在案|在卷佐证|证据证实|如下事实|焦点为|^上述"
)
# What joins a sentence to one that may have been left out.
_JOINTS = re.compile(
    "^[，。；：、）)]*(?:(?:但是?|且|并且|而|同时|另外|后)(?![续未无非]|查明)，?)?"
)
_APPEAL = re.compile("上诉人|再审申请人|申诉人")
_LOWEST = -15  # clauses with less are not taken, even where there is room


class _Chooser:
    """Chooses among phrases by a digest of the text: the same text, the same choices."""

    def __init__(self, text: str) -> None:
        self.number = int.from_bytes(
            blake2b(text.encode("utf-8", "surrogatepass")).digest(), "little"
        )

    def choose(self, phrases: Sequence[tuple[str, int]]) -> str:
        """One of the phrases, each as often as its weight says."""
        self.number, place = divmod(self.number, sum(weight for _, weight in phrases))
        for phrase, weight in phrases:
            place -= weight
            if place < 0:
                return phrase
        raise AssertionError("weights are positive")

    def chance(self, percent: int) -> bool:
        self.number, place = divmod(self.number, 100)
        return place < percent


def template_summary(text: str) -> str | None:
    """A summary of the judgment `text` made by rule, or None if it has no claim or no ruling, or
    is a judgment on appeal: people summarized none.
    """
    if _APPEAL.search(text[:1000]):
        return None
    pieces = Wording(text).pieces(0, len(text))
    read = re.sub(r"[ \t\u3000\r]", "", "".join(text[start:end] for start, end in pieces))
    clauses = [re.sub(r"\s", "", clause.text) for clause in split_clauses(read)]
    manner = _manner(len(text))
    chooser = _Chooser(text)

    ruled = max((i for i, clause in enumerate(clauses) if RULED.search(clause)), default=None)
    if ruled is None:
        return None
    law, grounds = grounds_of(clauses[: ruled + 1])
    opinion = first(OPINION, clauses, 0, grounds)
    stated = grounds if opinion is None else opinion  # up to here the parties speak, and the facts
    ruling = ruling_of(
        clauses[ruled:],
        manner.ruling,
        terms=chooser.chance(manner.terms_kept),
        numbers=chooser.chance(manner.numbers_kept),
        interest=chooser.chance(manner.interest_kept),
    )
    claim_end, claim = claim_of(clauses[:stated], manner.claim)
    if not ruling or not claim:
        return None
    answered, defence = defence_of(clauses[claim_end:stated], manner.defence)
    found = first(FOUND, clauses, claim_end + answered, stated)
    if opinion is None:
        opinion = claim_end + answered if found is None else found
    summary = [
        chooser.choose(manner.openings)
        .format(cause_of(read, find_parties(text)))
        .replace("关系关系", "关系"),
        chooser.choose(_CLAIMS) + claim,
    ]
    if defence:
        summary.append(chooser.choose(_DEFENCES) + defence)
    elif re.search("未.{0,12}(?:答辩|到庭)|拒不到庭", read):
        summary.append(chooser.choose(_SILENCES))
    facts = _best(clauses[found:opinion], manner.facts, manner) if found is not None else ""
    reasons = _best(
        clauses[opinion:grounds], manner.reasons if facts else manner.reasons + manner.facts, manner
    )
    if facts and reasons:
        reasons = chooser.choose(manner.opinions) + reasons
    if facts or reasons:
        summary.append(chooser.choose(manner.findings) + facts + reasons)
    summary.append(_laws(law, manner.laws, chooser) + chooser.choose(_RULINGS) + ruling)
    return "".join(summary)


def cue_weights(clauses: Sequence[str], length: int) -> list[float]:
    """For each clause of a judgment of `length` characters how much more of such a clause people
    keep, in percent, as its words say.

    >>> cue_weights(["被告应承担违约责任。", "当事人应当举证。"], 1200)
    [35, -3]
    """
    manner = _manner(length)
    return [_score(_OPENERS.sub("", clause), False, manner) for clause in clauses]


def _manner(length: int) -> _Manner:
    return _LONG if length >= _LONG_FROM else _SHORT


def _laws(law: str, room: int, chooser: _Chooser) -> str:
    if chooser.chance(30):
        law = law.replace("中华人民共和国", "")
    if len(law) <= room:
        return law + "，" if law else ""
    kept = cap(re.findall("[^，、；]+[，、；]?", law), room - 3)
    return f"{kept}等规定，"


def _best(clauses: Sequence[str], room: int, manner: _Manner) -> str:
    """The clauses that people would keep, as their cues say, in order, up to `room` characters."""
    cleaned = [_OPENERS.sub("", clause) for clause in clauses]
    scores = [_score(clause, i >= len(cleaned) - 3, manner) for i, clause in enumerate(cleaned)]
    left = [i for i, c in enumerate(cleaned) if 4 <= len(c) <= room and not _BOILER.search(c)]
    kept: set[int] = set()

    def with_company(i: int) -> float:
        """Clauses of one sentence belong together; some say nothing without the next one."""
        before = i - 1 in kept and cleaned[i - 1][-1:] in "，,"
        after = i + 1 in kept and cleaned[i][-1] in "，,"
        alone = not after and cleaned[i][-1] in "，," and _DANGLING.search(cleaned[i])
        scrap = not before and not after and len(cleaned[i]) < 10
        return scores[i] + 10 * (before + after) - 30 * bool(alone) - 12 * scrap

    while left:
        best = max(left, key=with_company)
        if with_company(best) < _LOWEST:
            break
        kept.add(best)
        room -= len(cleaned[best])
        left = [i for i in left if i != best and len(cleaned[i]) <= room]
    ends = [i for i, clause in enumerate(cleaned) if clause and clause[-1] in "。；;"]
    chosen = ""
    last = 0
    for i in sorted(kept):
        if chosen and any(last <= end < i for end in ends):
            chosen = bare(chosen) + "。" if bare(chosen) else ""
        start = not chosen or i - 1 not in kept
        chosen = (chosen + (_JOINTS.sub("", cleaned[i]) if start else cleaned[i])).lstrip(
            "，。；："
        )
        last = i
    return bare(chosen) + "。" if chosen else ""


def _score(clause: str, late: bool, manner: _Manner) -> float:
    """How much of the clause is in a summary, in percent, but for a constant."""
    cues = sum(weight for cue, weight in {**_CUES, **manner.cues}.items() if cue.search(clause))
    return cues + 9 * late - 5 * (len(clause) > 25) - 4 * (len(clause) < 8)
