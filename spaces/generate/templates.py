"""Weak targets: judgments that nobody summarized, summarized by rule.

A generator learns from these before it meets the few hundred summaries that people wrote. What it
can learn here is the order of the parts (cause, claim, defence, findings, statutes, ruling), what
is left out, and above all to find its words in the judgment: apart from the cue phrases nearly
every word is copied. Which phrases open the parts differs from judgment to judgment as it does
among people, in about their proportions, chosen by a digest of the text, so that no single phrase
is learned by heart. Long judgments are summarized in another manner than short ones: findings and
reasons apart, fewer statutes, no terms of payment.

The weights of the cues and the lengths of the parts were fitted on summaries written by people.
Only training needs this module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from spaces.parties import find_parties
from spaces.sentences import split_clauses
from spaces.wording import Wording

__all__ = ["template_summary"]


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


_OPENINGS = (
    "原被告系{}纠纷。",
    "原告与被告{}纠纷一案。",
    "本案系{}纠纷。",
    "本案为{}纠纷。",
    "原被告系{}关系。",
)
_SHORT = _Manner(
    claim=60,
    defence=45,
    facts=0,
    reasons=115,
    laws=110,
    ruling=75,
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
)
_LONG = _Manner(
    claim=60,
    defence=50,
    facts=80,
    reasons=110,
    laws=60,
    ruling=70,
    openings=tuple(zip(_OPENINGS, (40, 60, 0, 0, 0), strict=True)),
    findings=(("经审理查明，", 85), ("经查明，", 15)),
    opinions=(("本院认为，", 75), ("", 25)),
    terms_kept=0,
    interest_kept=0,
    numbers_kept=35,
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

_FEE = re.compile("诉讼费|受理费|保全费|公告费")
_FEE_TAIL = re.compile(
    "[，、；;]?(?:并|且|及|和|以及|同时)?(?:本案|由被告|被告|承担|负担|判令|要求|的|一切|全部)*"
    "(?:诉讼|受理|保全|公告)费.*"
)
_NUMBER = re.compile(
    r"^[（(]?(?:第?[一二三四五六七八九十]{1,2}|\d{1,2}(?!\d|[.．]\d))[、.．，：:)）]{1,2}"
)
_WHY = re.compile("事实[与和及、]*理由|理由如下|诉称|辩称|答辩")
_CLAIM = [
    re.compile(r"(?<!变更)诉讼请求(?:如下|为|是|事项|[：:])+"),
    re.compile(r"(?:请求|要求|诉请|诉求|诉至)[^，。：:；]{0,14}?(?:判[令决]|确认)|诉请|诉求"),
    re.compile(r"(?:请求|要求)(?:人民法院|法院|本院|贵院)?(?:依法)?|判令"),
]
_NO_CLAIM = re.compile("放弃|代为|围绕|不同意|变更诉讼请求|增加|驳回|的诉讼请求|支持|仲裁|催|曾")
_RULED = re.compile("(?:判决|裁判)(?:如下)?[：:]$|判决如下")
_OPINION = re.compile("本院(?:经审[理查])?(?:综合)?认为[，：:]?")
_FOUND = re.compile(
    "审理查明|本院(?:经.{0,4})?查明|(?:认定|确认)(?:如下)?(?:法律|案件|本案|以下)?事实|事实如下|经审查|经查"
)
_LAW = re.compile("(?:依照|依据|根据|按照|适用)(?=[^，。]{0,12}《)")
_LAW_END = re.compile("[，,]?(?:经.{0,12}讨论决定[，,]?)?(?:缺席)?(?:特|作出)?(?:判决|裁判).*$")
_TERM = re.compile(
    "(?:限|应当?)?(?:[于在自]|从)?(?:本|该)?判决(?:书)?(?:发生)?(?:法律效力|生效)(?:之日|之时|之|当日|后|日)*"
    "(?:起|后)*(?:立即|[一二三四五六七八九十\\d]{1,3}个?(?:工作)?[日天月]之?内)?(?:一次性)?[，,]?"
)
_ENDING = re.compile(
    "如不服|[如若]?果?(?:.{0,20})未按|逾期|受理费|诉讼费|保全费|公告费|审判[长员]|"
    "人民陪审员|书记员|加倍支付|双倍支付|本判决为终审|上诉"
)
_INTEREST = re.compile("(?:应当?)?加倍支付[^。；]{0,8}迟延履行[^。；]*")
# How interest is reckoned, and other particulars that summaries leave out.
_DETAIL = re.compile(
    r"^(?:以.{2,40}(?:基数|本金)|按照?.{2,40}(?:计算|计付|标准|支付)|[自从].{4,40}[止日]|暂?计算?至|截[至止]"
    "|其中|利息[按自以从]|利率)"
)
# Cues of the clauses that people keep or pass over, with their weights (log odds, roughly).
_CUES = {
    _pattern: weight
    for weight, cues in (
        (1.0, "违约|合法有效|构成|属于|应当?承担|按约|借款合同|损害|未按"),
        (0.6, "关系|责任|不予支持|应予支持|予以支持|应当?支付|应当?偿还|双方|已|成立"),
        (0.4, "被告|未|遗产|继承|行为|但|予以|原告"),
        (-0.8, "综上|举证|传唤|到庭|庭审|质证|真实性|证据|合法的.{0,8}保护|放弃|抗辩"),
        (-0.6, "规定|《|法律|诉称|或者|公民|当事人|的，|根据|焦点|请求权"),
        (-0.5, r"元|月|日|\d.*\d.*\d"),
    )
    for _pattern in [re.compile(cues)]
}
# What opens facts and reasons; the phrase of the summary stands in its place.
_OPENERS = re.compile(
    "^(?:.{0,12}(?:经审理查明|本院查明|审理查明|经查明)(?:的)?(?:如下)?(?:事实)?(?:如下)?[，：:]?"
    "|本院(?:经审[理查])?(?:综合)?认为[，：:]?|综上所述，|综上，|因此，|据此，|另查明?，|同时，)"
    "|本院(?=[依应不予])"
)
_BOILER = re.compile("当事人对自己|没有证据或|审理终结|记录在案|在卷佐证|证据证实|如下事实|焦点为")


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
    """A summary of the judgment `text` made by rule, or None if it has no claim or no ruling."""
    pieces = Wording(text).pieces(0, len(text))
    read = re.sub(r"[ \t\u3000\r]", "", "".join(text[start:end] for start, end in pieces))
    clauses = [re.sub(r"\s", "", clause.text) for clause in split_clauses(read)]
    manner = _LONG if len(text) >= _LONG_FROM else _SHORT
    chooser = _Chooser(text)

    ruled = max((i for i, clause in enumerate(clauses) if _RULED.search(clause)), default=None)
    if ruled is None:
        return None
    law, grounds = _grounds(clauses[: ruled + 1])
    ruling = _ruling(clauses[ruled:], manner, chooser)
    opinion = _first(_OPINION, clauses, 0, grounds)
    claim_at, claim = _claim(clauses[: grounds if opinion is None else opinion], manner.claim)
    if not ruling or not claim:
        return None
    defence_at, defence = _defence(
        clauses[claim_at : grounds if opinion is None else opinion], manner
    )
    after = claim_at + defence_at
    found = _first(_FOUND, clauses, after, grounds if opinion is None else opinion)
    if opinion is None:
        opinion = found if found is not None else after
    summary = [
        chooser.choose(manner.openings).format(_cause(read, find_parties(text))),
        chooser.choose(_CLAIMS) + claim,
    ]
    if defence:
        summary.append(chooser.choose(_DEFENCES) + defence)
    elif re.search("未.{0,12}(?:答辩|到庭)|拒不到庭", read):
        summary.append(chooser.choose(_SILENCES))
    facts = _best(clauses[found:opinion], manner.facts) if found is not None else ""
    reasons = _best(
        clauses[opinion:grounds], manner.reasons if facts else manner.reasons + manner.facts
    )
    if facts and reasons:
        reasons = chooser.choose(manner.opinions) + reasons
    if facts or reasons:
        summary.append(chooser.choose(manner.findings) + facts + reasons)
    summary.append(_laws(law, manner.laws, chooser) + chooser.choose(_RULINGS) + ruling)
    return "".join(summary)


def _first(pattern: re.Pattern[str], clauses: Sequence[str], start: int, end: int) -> int | None:
    return next(
        (i for i in range(start, min(end, len(clauses))) if pattern.search(clauses[i])), None
    )


def _grounds(clauses: Sequence[str]) -> tuple[str, int]:
    """The statutes that the ruling rests on, and the clause where they begin."""
    start = None
    for i in range(len(clauses) - 1, max(len(clauses) - 40, -1), -1):
        if _LAW.search(clauses[i]) and not _INTEREST.search("".join(clauses[i : i + 2])):
            start = i
            break
    if start is None:
        return "", len(clauses) - 1
    text = "".join(clauses[start:])
    match = _LAW.search(text)
    return _LAW_END.sub("", text[match.start() if match else 0 :]), start


def _laws(law: str, room: int, chooser: _Chooser) -> str:
    if chooser.chance(30):
        law = law.replace("中华人民共和国", "")
    if len(law) <= room:
        return law + "，" if law else ""
    kept = _cap(re.findall("[^，、；]+[，、；]?", law), room - 3)
    return f"{kept}等规定，"


def _cap(clauses: Sequence[str], room: int) -> str:
    """Whole clauses up to `room` characters, at least one, without the last delimiter."""
    kept: list[str] = []
    length = 0
    for clause in clauses:
        length += len(clause)
        if kept and length > room:
            break
        kept.append(clause)
    return "".join(kept).rstrip("，,；;：:。、")


def _cause(read: str, parties: Sequence) -> str:
    intro = re.search("(?:原告|被告)[^。\n]{2,300}?(?:纠纷|争议)", read)
    if intro is None:
        return "合同"
    cause = re.sub("(?:纠纷|争议)$", "", intro.group())
    names = [name for party in parties for name in party.names]
    for name in sorted([*names, "被告", "原告", "第三人"], key=len, reverse=True):
        cause = cause.rsplit(name, 1)[-1]
    cause = re.sub(
        "^(?:[（(][^）)]*[）)]|等|之间|因|的|为|关于|[一二两三四五六七八九十\\d]+人)+", "", cause
    )
    return re.sub("^.*(?:公司|分行|支行|[）)，、])", "", cause)


def _claim(clauses: Sequence[str], room: int) -> tuple[int, str]:
    """The clause behind the claim, and the claim."""
    for pattern in _CLAIM:
        for i, clause in enumerate(clauses):
            match = pattern.search(clause)
            if not match or _NO_CLAIM.search(clause):
                continue
            rest = clause[match.end() :].lstrip("：:，")
            start = clause[match.start() :] if "判令" in match.group() else ""
            if not rest and i + 1 == len(clauses):
                continue
            first = ("判令" if start else "") + rest
            kept = [first] if rest else []
            done = rest.endswith("。")
            end = i + 1
            for later in clauses[i + 1 :]:
                if _WHY.search(later) or (done and not _NUMBER.match(later)):
                    break
                kept.append(later)
                done = later.endswith("。")
                end += 1
            kept = _lean(kept)
            if kept:
                claim = _cap(kept, room)
                if not any(_NUMBER.search(c) for c in kept[1:] if c in claim):
                    claim = _NUMBER.sub("", claim)
                return end, claim + "。"
    return 0, ""


def _lean(clauses: Sequence[str]) -> list[str]:
    """Without costs and reckonings of interest."""
    kept = []
    for clause in clauses:
        if _FEE.search(clause):
            clause = _FEE_TAIL.sub("", clause)
            if len(clause) < 6:
                continue
            clause += "；"
        if not _DETAIL.search(clause):
            kept.append(clause)
    return kept


def _defence(clauses: Sequence[str], manner: _Manner) -> tuple[int, str]:
    for i, clause in enumerate(clauses):
        match = re.search("辩称[：:，,]?|答辩(?:意见)?(?:称|认为|如下)?[：:]", clause)
        if match and not re.search("[未没]", clause[: match.start()]):
            rest = clause[match.end() :]
            end = next(
                (
                    j
                    for j in range(i + 1, len(clauses))
                    if _FOUND.search(clauses[j]) or re.search("证据|质证|举证|述称", clauses[j])
                ),
                len(clauses),
            )
            kept = [c for c in [rest, *clauses[i + 1 : end]] if c]
            return i + 1, _cap(kept, manner.defence) + "。" if kept else ""
    return 0, ""


def _best(clauses: Sequence[str], room: int) -> str:
    """The clauses that people would keep, as their cues say, in order, up to `room` characters."""
    cleaned = [_OPENERS.sub("", clause) for clause in clauses]
    scores = [_score(clause, i, len(cleaned)) for i, clause in enumerate(cleaned)]
    order = sorted(range(len(cleaned)), key=lambda i: -scores[i])
    kept: set[int] = set()
    length = 0
    for i in order:
        if not 4 <= len(cleaned[i]) <= room or _BOILER.search(cleaned[i]):
            continue
        if length + len(cleaned[i]) <= room:
            kept.add(i)
            length += len(cleaned[i])
    chosen = [cleaned[i] for i in sorted(kept)]
    return "".join(chosen).rstrip("，,；;：:。、") + "。" if chosen else ""


def _score(clause: str, place: int, count: int) -> float:
    score = sum(weight for cue, weight in _CUES.items() if cue.search(clause))
    return score + (0.5 if place >= count - 3 else 0)


def _ruling(clauses: Sequence[str], manner: _Manner, chooser: _Chooser) -> str:
    terms, numbers = chooser.chance(manner.terms_kept), chooser.chance(manner.numbers_kept)
    interest = chooser.chance(manner.interest_kept)
    first = _RULED.split(clauses[0])[-1].lstrip("：:、")
    kept = []
    for clause in [first, *clauses[1:]]:
        if _ENDING.search(clause):
            break
        clause = clause if terms else _TERM.sub("", clause)
        if clause.strip("，。；、：:") and not _DETAIL.search(clause):
            kept.append(clause.lstrip("、，"))
    numbers = numbers and sum(bool(_NUMBER.search(c)) for c in kept) > 1
    if not numbers:
        kept = [_NUMBER.sub("", c) for c in kept]
    ruling = _cap(kept, manner.ruling)
    if not ruling:
        return ""
    after = _INTEREST.search("".join(clauses))
    if interest and after:
        ruling += "；如果未按本判决指定的期间履行给付金钱义务，" + after.group()
    return ruling.replace("。", "；").rstrip("；") + "。"
