"""The sections of a first-instance judgment, found by the formulas that open them.

Courts write to a fixed plan (《民事诉讼文书样式》): who the parties are and how the case came; the
claim (`向本院提出诉讼请求：`); the defence (`辩称`); what the court found (`经审理查明`); its
reasons (`本院认为`); the ruling (`判决如下：`); costs, appeal and signatures. A section begins in
the clause that has its formula and never comes back, so a quotation of an earlier judgment in the
reasons stays in the reasons. Only a list of evidence that some courts put before the defence gives
way to it: what a defendant answers there is no finding of the court. What the head says to have
been examined or not answered (经审查，本案案由应为…, 被告未提交答辩状) gives way to a first claim,
as findings do to a first 被告辩称. And where evidence was weighed (本院认为，收条真实) before the
findings are announced (本院认定事实如下), that belongs to the findings.

Key sentences taken from a judgment often lack 本院认为. Where nothing opens the reasons, they begin
with the first sentence behind what the parties say in which the court decides (本院予以支持) or
turns to the case (本案中，…), or at the latest with the statutes that the ruling rests on. Nor do
they always say that a defendant answers, but who speaks of 我公司 and against 原告 is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["SECTIONS", "find_sections"]

SECTIONS = ("head", "claim", "defence", "facts", "reasons", "ruling", "tail")
_HEAD, _CLAIM, _DEFENCE, _FACTS, _REASONS, _RULING, _TAIL = range(len(SECTIONS))

_LOOKED_INTO = "经查(?!询|[^，。]{0,12}我[行方司们公])"  # by the court, not by a bank
_FORMULAS = [
    (
        _CLAIM,
        "诉讼请求|诉称|诉请|诉求|请求(?:本院|法院|贵院)?(?:依法)?(?:判[令决]|确认|撤销)|起诉要求|要求判令|"
        "诉至(?:本院|法院)|诉来(?:本院|我院|法院)|事实[和与及]理由[：:]|"
        "(?:公诉机关|检察院|起诉书).{0,20}指控",
    ),
    (
        _DEFENCE,
        "[辩辨]称|答辩|未(?:作|提交|提供)?(?:书面)?辩|述称|辩解|辩护意见|辩护人.{0,8}(?:提出|认为)|"
        "对指控的.{0,20}无异议",
    ),
    (
        _FACTS,
        f"审理查明|本院查明|经(?:法院|本院)?审查|{_LOOKED_INTO}|"
        "本院[^，。]{0,6}认定(?:的事实|如下)?[^，。]{0,12}[：:。]?$|"
        "认定(?:如下|以下|上述)?(?:法律|案件|本案)?事实|事实如下|(?:以上|上述)事实(?:[，,]|均?[有由])|足以认定|"
        "举证(?!通知|期限|须知)|质证|(?<!根据原告)(?<!根据被告)提[交供]了?.{0,12}证据|确认如下事实|双方无异议|争议焦点",
    ),
    (_REASONS, "本院(?:经?审[理查]|综合)?后?认为"),
    (_RULING, "判决如下|判决[：:]|裁判如下|裁定如下|^判决$"),
    (
        _TAIL,
        r"受理费|诉讼费用?[^，。]{0,6}[\d，,.]*元|服本判决|审判长|审判员|人民陪审员|书记员|"
        "本判决为终审|终审判决",
    ),
]
# This court's own ruling, even where no reasons were seen.
_OWN_RULING = re.compile(
    r"(?:规定|法)[》，,：:]?[^。]{0,20}(?:判决|裁判|裁定)如下|^判决(?:如下)?[：:]?\s*$"
)
_OPENING = re.compile(r"(?:如下|判决)[：:]?\s*$")  # and nothing of the ruling yet
# What ends the parties' turn: the court tells what it found.
_FINDING = re.compile(
    f"查明|{_LOOKED_INTO}|经(?:法院|本院)?审查|"
    "认定(?:如下|以下|上述)?.{0,4}事实|事实如下|双方无异议|"
    "本院.{0,6}(?:认定|确认)|争议焦点"
)
# A party argues with evidence, or with the lack of it: where findings follow, none are opened
_ARGUED = re.compile(
    "(?:未(?!成年)|没有|不能|无法|(?<![供相响对反适])应当?|要求|进一步).{0,8}(?:举证|提[交供])|"
    "举证(?:责任|不能|义务)|提[交供]的证据(?:不|无法|显示|并不)|"
    "认定事实(?:清楚|不清|错误|有误|和适用)"
)
_DEFAULTED = re.compile("[也亦均]未|未(?:到庭|出庭|应诉)")
_FOLLOWING = re.compile(
    "查明(?!的)|审理认定|事实如下|(?:认定|确认)(?:如下|以下)[^，。]{0,4}事实|质证|围绕.{0,12}提[交供]|为(?:支持|证明|证实).{0,16}提[交供]"
)
# In the reasons, with more of them to come: they weighed evidence, and the findings begin
_ESTABLISHED = re.compile(
    "(?!.*(?:认为|损失|费用|赔偿))"
    "(?:(?:本院)?经(?:本院)?审理查明(?:[，,：:]|(?:如下|以下|案件|法律|本案)*事实)|本院查明[，,：:]|"
    ".{0,16}(?:查明|认定|确认)[^，。]{0,12}事实[^，。]{0,4}[：:]\\s*$)"
)
_ANSWER = re.compile(
    "^(?!原告|[对就]|关于|针对|根据|本院|审理).{0,30}(?:被告人?|第三人|辩护人).{0,30}"
    "(?:[辩辨]称|答辩如下|未(?:作|提交|提供|向本院提[交供])?(?:书面)?答辩)|"
    "^(?:[均亦也都]?未(?:作|提交|提供)?(?:书面)?答辩|答?[辩辨]称)"
)
_WEIGHED = re.compile(
    "^(?:审理|经审理|本院|(?:上述|以上|前述).{0,6}证据|综合|结合|根据.{0,12}(?:陈述|证据|意见))"
)
# The claim, and the defence, begin here, whatever else seemed to have begun
_PLAINT = re.compile(
    r"^(?!.*(?:未|按|反诉|被告|第三人)).*(?:诉称|提出诉讼请求|诉讼请求)[，,：:]\s*$"
)
_PLEA = re.compile(r"^(?:被告|第三人).{0,40}(?:[辩辨]称|答辩如下)[，,：:]\s*$")
# Where nothing opens the reasons: what only the court says, what it says where no defendant could,
# how it cites what the ruling rests on, and how a party speaks
_DECIDES = re.compile(
    "本院(?:不予|予以|难以|无法|应予|酌|据此|采|支持|对|均|亦|也|(?:确认|认定)(?![^，。]{0,8}事实)"
    "|依法(?!作出|传唤|适用|组成|受理|追加|缺席|判[令决]|驳回|审理))|应予(?:以)?(?:支持|准许)|于法有据"
)
_ASKS = re.compile("(?:请求?|望|要求)[^，。]{0,4}本院(?:依法|予以)?(?:判|驳|裁|查|撤|确认)")
_JUDGES = re.compile(
    "合法、?有效|真实意思表示|构成违约|事实清楚|(?:理应|应当?)(?:依法)?(?:承担|偿还|支付|返还|给付|赔偿)"
)
_TURNS = re.compile("(?:综上(?:所述)?[，,])?本案(?:中|原告|被告|系|双方|的|被继承人)")
# A sentence that is the plaintiff's, and one in which a defendant speaks
_CLAIMS = re.compile("诉称|诉讼请求[：:，,]|起诉|诉至|向本院提出|判令")
_WE = "我(?:公司|方|行|单位|厂|们)"
_OPPOSES = re.compile(
    f"(?=.*{_WE}).*原告[^，。]{{0,8}}(?:未|没有|不|无权|无法|阻止|制止|所[诉述])"
    f"|(?=.*原告).*{_WE}[^，。]{{0,8}}(?:不应|不同意|不予|不承担|无需|拒绝)"
    "|.*(?:请求|恳请|应当?|应予)(?:依法)?[^，。]{0,6}驳回原告"
)
_CITES = re.compile(
    "(?:依照|依据|根据|按照|适用)[^，。]{0,12}《[^》]*(?:法|条例|解释|规定|办法|通则)"
)
_CONCLUDES = re.compile("(?:综上(?:所述)?|据此|为此|因此|故|综合上述)[，,]$")
_PLEADS = re.compile("我(?!院)|答辩人|恳请|请求(?:法院|贵院|依法|驳回|判)|判令|[辩述]称[，,：:]")
_PARTY = re.compile("我(?!院)|本人|答辩人|请求|诉请|判令|恳请|[贵法]院")
_SENTENCE = 400  # characters
_PATTERNS = [(section, re.compile(pattern)) for section, pattern in _FORMULAS]
_THOUGHT = dict(_PATTERNS)[_REASONS]


def find_sections(clauses: Iterable[str]) -> list[int]:
    """For each clause the index of its section in SECTIONS.

    The clause that ends in 判决如下： still belongs to what stands before it (statutes); so the
    ruling begins with the clause behind.

    >>> [SECTIONS[i] for i in find_sections(["原告诉称，", "借款未还。", "判决如下：", "驳回。"])]
    ['claim', 'claim', 'reasons', 'ruling']
    """
    clauses = list(clauses)
    last_reasons = _last(clauses, _THOUGHT)
    last_finding = _last(clauses[: last_reasons or None], _FOLLOWING)
    found: list[int] = []
    current = _HEAD
    finding = late = False  # the court told what it found; an answer came behind evidence
    for i, clause in enumerate(clauses):
        before = current
        if current in (_DEFENCE, _FACTS) and _PLAINT.search(clause) and _CLAIM not in found:
            found, current, finding, late = [_HEAD] * len(found), _CLAIM, False, False
        elif current == _FACTS and _PLEA.search(clause) and _DEFENCE not in found:
            current, late = _DEFENCE, True
        elif current == _REASONS and i < last_reasons and _ESTABLISHED.match(clause.lstrip()):
            found, current = [min(section, _FACTS) for section in found], _FACTS
        for section, pattern in _PATTERNS:
            if section > current and _may_follow(section, current, clause, found, last_finding):
                current = section if pattern.search(clause) else current
        if current == _FACTS and not finding:
            finding = _FINDING.search(clause) is not None
            late = not finding and _ANSWER.search(clause) is not None
            current = _DEFENCE if late else _FACTS
        elif late and current == _DEFENCE and _WEIGHED.search(clause):
            current = _FACTS
        opens = current == _RULING and before < _RULING and opens_ruling(clause)
        found.append(_REASONS if opens else current)
    if _DEFENCE not in found:
        first = _find_answer(clauses, found)
        found[first:] = [max(section, _DEFENCE) for section in found[first:]]
    if not any(_THOUGHT.search(clause) for clause in clauses):
        first = _find_reasons(clauses, found)
        found[first:] = [max(section, _REASONS) for section in found[first:]]
    return found


def _find_answer(clauses: Sequence[str], found: Sequence[int]) -> int:
    """Where in the claim a defendant speaks of whom nothing says so: the number of clauses where
    none does."""
    begin = found.index(_CLAIM) if _CLAIM in found else 0
    claim = range(begin, begin + found.count(_CLAIM))  # all in one piece
    for first, last in _sentences(clauses, claim):
        told = "".join(clauses[first:last])
        if not _CLAIMS.search(told) and _OPPOSES.match(told[:_SENTENCE]):
            return first
    return len(clauses)


def _sentences(clauses: Sequence[str], places: range) -> Iterator[tuple[int, int]]:
    """Where each sentence among the clauses at `places` begins, and the clause behind its last; a
    last one without its end is left out."""
    first = places.start
    for i in places:
        if clauses[i].rstrip()[-1:] in "。；":
            yield first, i + 1
            first = i + 1


def _find_reasons(clauses: Sequence[str], found: Sequence[int]) -> int:
    """Where the reasons begin that nothing opens: the number of clauses where they do not."""
    end = next((i for i, section in enumerate(found) if section >= _REASONS), len(found))
    if end == len(found):
        return end  # no ruling follows
    spoken = [found.index(section) for section in (_CLAIM, _DEFENCE) if section in found]
    spoken += [i + 1 for i in range(end) if _FOLLOWING.search(clauses[i])]
    begin = max(spoken, default=0)
    # statutes, in the sentence that the ruling ends
    stop = max((i + 1 for i in range(end) if clauses[i].rstrip()[-1:] == "。"), default=0)
    first = next((i for i in range(max(begin, stop), end) if _CITES.search(clauses[i])), end)
    if begin < first < end and _CONCLUDES.match(clauses[first - 1].strip()):
        first -= 1
    last_plea = max((i for i in range(first) if _PLEADS.search(clauses[i])), default=0)
    alone = _DEFENCE not in found[:first]
    for start, behind in _sentences(clauses, range(begin, first)):
        told = "".join(clauses[start:behind])
        if begin < start and _is_courts(told, alone, last_plea >= behind):
            return start
    return first


def _is_courts(told: str, alone: bool, pleads: bool) -> bool:
    """Whether the court speaks in a sentence behind what the parties say; `alone`: no defendant
    answers; `pleads`: a party speaks later."""
    if _ASKS.search(told):
        return False
    if _DECIDES.search(told):
        return True
    if pleads or _PARTY.search(told) or _ANSWER.search(told):
        return False
    return _TURNS.match(told) is not None or (alone and _JUDGES.search(told) is not None)


def _last(clauses: Sequence[str], pattern: re.Pattern[str]) -> int:
    """The last clause in which the pattern is found; 0 without any."""
    return max((i for i, clause in enumerate(clauses) if pattern.search(clause)), default=0)


def _argues(clause: str, current: int) -> bool:
    """Whether it is a party that speaks of evidence here, and not the court. A default is no part
    of the claim."""
    if current not in (_CLAIM, _DEFENCE) or (current == _CLAIM and _DEFAULTED.search(clause)):
        return False
    return _ARGUED.search(clause) is not None and _FOLLOWING.search(clause) is None


def opens_ruling(clause: str) -> bool:
    """Whether the clause ends in what announces a ruling, and has nothing of it yet.

    >>> opens_ruling("依照《民法典》第六百七十五条之规定，判决如下：")
    True
    """
    return _OPENING.search(clause) is not None


def _may_follow(
    section: int, current: int, clause: str, found: list[int], last_finding: int
) -> bool:
    """Earlier judgments are told of, costs claimed and judges named before the ruling too, and
    evidence argued with before the findings."""
    if section == _FACTS:
        return len(found) >= last_finding or not _argues(clause, current)
    if section == _RULING:
        return current == _REASONS or _OWN_RULING.search(clause) is not None
    return section != _TAIL or found[-1:] == [_RULING]
