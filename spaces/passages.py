"""The parts of a judgment that summaries are made of: cause, claim, defence, statutes and ruling,
each by the formulas that courts use, and without what summaries leave out.

For `templates` only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from spaces.parties import Party

__all__ = [
    "FOUND",
    "OPINION",
    "RULED",
    "bare",
    "cap",
    "cause_of",
    "claim_of",
    "defence_of",
    "first",
    "grounds_of",
    "ruling_of",
]

# Causes, for judgments that name none, and what such judgments speak of.
_CAUSES = {
    "侵权责任": "侵权|赔偿|受伤",
    "借款合同": "借款|贷款|借条",
    "租赁合同": "租赁|租金|承租",
    "劳动合同": "劳动|工资",
    "继承": "继承|遗产|遗嘱",
    "买卖合同": "货款|购买|买卖",
}
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
    re.compile(r"诉讼请求(?:如下|为|是|事项|[：:])+|起诉要求[：:，]"),
    re.compile(r"(?:请求|要求|诉请|诉求|诉至)[^，。：:；]{0,14}?(?:判[令决]|确认)|诉请|诉求"),
    re.compile(r"(?:请求|要求)(?:人民法院|法院|本院|贵院)?(?:依法)?|判令"),
]
_NO_CLAIM = re.compile(
    "放弃|代为|围绕|不同意|变更诉讼请求|增加|驳回|的诉讼请求(?![：:])|支持|仲裁|催|曾"
)
RULED = re.compile("(?:判决|裁判)(?:如下)?[：:]$|判决如下")
OPINION = re.compile("本院(?:经审[理查])?(?:综合)?认为[，：:]?")
FOUND = re.compile(
    "审理查明|本院(?:经.{0,4})?查明|(?:认定|确认)(?:如下)?(?:法律|案件|本案|以下)?事实|事实如下|经审查|经查"
)
_LAW = re.compile("(?:依照|依据|根据|按照|适用)(?=[^，。]{0,12}《)")
_LAW_END = re.compile(
    "[，,]?(?:经.{0,12}讨论决定[，,]?)?(?:本院)?[，,]?(?:缺席)?(?:特|作出)?(?:判决|裁判).*$"
)
_TERM = re.compile(
    "(?:限|应当?)?(?:[于在自]|从)?(?:本|该)?判决(?:书)?(?:发生)?(?:法律效力|生效)(?:之日|之时|之|当日|后|日)*"
    "(?:起|后)*(?:立即|[一二三四五六七八九十\\d]{1,3}个?(?:工作)?[日天月]之?内)?(?:一次性)?[，,]?"
)
_ENDING = re.compile(
    "如不服|(?:[如若]|义务人|当事人).{0,12}未(?:按|在|能)|未按(?:照)?本判决|逾期[不未]|受理费|诉讼费|保全费|公告费|"
    "审判[长员]|人民陪审员|书记员|加倍支付|双倍支付|终审|上诉|简易程序"
)
_INTEREST = re.compile("(?:应当?)?加倍支付[^。；]{0,8}迟延履行[^。；]*")
# How interest is reckoned, and other particulars that summaries leave out.
_DETAIL = re.compile(
    r"^(?:以.{2,40}(?:基数|本金)|按照?.{2,40}(?:计算|计付|标准|支付)|[自从].{4,40}[止日]|暂?计算?至|截[至止]"
    "|其中|利息[按自以从]|利率)"
)


def first(pattern: re.Pattern[str], clauses: Sequence[str], start: int, end: int) -> int | None:
    return next(
        (i for i in range(start, min(end, len(clauses))) if pattern.search(clauses[i])), None
    )


def cause_of(read: str, parties: Sequence[Party]) -> str:
    """租赁合同 of 原告张某与被告李某租赁合同纠纷一案, or what the judgment speaks of most."""
    intro = re.search("(?:原告|被告)[^。\n]{2,300}?(?:纠纷|争议)", read)
    cause = intro.group()[:-2] if intro else ""
    names = [name for party in parties for name in party.names]
    for name in sorted([*names, "被告", "原告", "第三人"], key=len, reverse=True):
        cause = cause.rsplit(name, 1)[-1]
    cause = re.sub("^.*(?:公司|分行|支行|[诉与）)，、：])", "", cause)
    cause = re.sub("^(?:等|之间|发生|因|的|为|关于|[一二两三四五六七八九十\\d]+人)+", "", cause)
    if 2 <= len(cause) <= 14:
        return cause
    return max(_CAUSES, key=lambda name: len(re.findall(_CAUSES[name], read)))


def claim_of(clauses: Sequence[str], room: int) -> tuple[int, str]:
    """The clause behind the claim, and the claim; (0, "") if there is none."""
    for pattern in _CLAIM:
        for i, clause in enumerate(clauses):
            match = pattern.search(clause)
            if not match or _NO_CLAIM.search(clause):
                continue
            rest = clause[match.end() :].lstrip("：:，、")
            if rest and "判令" in match.group():
                rest = "判令" + rest
            kept = [rest] if rest else []
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
                claim = cap(kept, room).lstrip("、，；;")
                if not any(_NUMBER.search(c) and bare(c) in claim for c in kept[1:]):
                    claim = _NUMBER.sub("", claim)
                if claim:
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


def defence_of(clauses: Sequence[str], room: int) -> tuple[int, str]:
    """The clause behind the opening of the defence, and the defence; (0, "") if there is none."""
    for i, clause in enumerate(clauses):
        match = re.search("辩称[：:，,]?|答辩(?:意见)?(?:称|认为|如下)?[：:]", clause)
        if match and not re.search("[未没]", clause[: match.start()]):
            rest = clause[match.end() :]
            end = next(
                (
                    j
                    for j in range(i + 1, len(clauses))
                    if FOUND.search(clauses[j]) or re.search("证据|质证|举证|述称", clauses[j])
                ),
                len(clauses),
            )
            kept = [c for c in [rest, *clauses[i + 1 : end]] if c]
            return i + 1, cap(kept, room) + "。" if kept else ""
    return 0, ""


def grounds_of(clauses: Sequence[str]) -> tuple[str, int]:
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


def ruling_of(
    clauses: Sequence[str], room: int, *, terms: bool, numbers: bool, interest: bool
) -> str:
    """What is ruled by the clauses from 判决如下 on, with or without terms of payment, numbers of
    the items, and the interest owed after the term.
    """
    opening = RULED.split(clauses[0])[-1].lstrip("：:、")
    kept = []
    for clause in [opening, *clauses[1:]]:
        if _ENDING.search(clause):
            break
        clause = clause if terms else _TERM.sub("", clause)
        if clause.strip("，。；、：:") and not _DETAIL.search(clause):
            kept.append(clause.lstrip("、，"))
    numbers = numbers and sum(bool(_NUMBER.search(c)) for c in kept) > 1
    if not numbers:
        kept = [_NUMBER.sub("", c) for c in kept]
    ruling = cap(kept, room)
    if not ruling:
        return ""
    after = _INTEREST.search("".join(clauses))
    if interest and after:
        ruling += "；如果未按本判决指定的期间履行给付金钱义务，" + after.group()
    return ruling.replace("。", "；").rstrip("；") + "。"


def cap(clauses: Sequence[str], room: int) -> str:
    """Whole clauses up to `room` characters, at least one, without the last delimiter."""
    kept: list[str] = []
    length = 0
    for clause in clauses:
        length += len(clause)
        if kept and length > room:
            break
        kept.append(clause)
    return bare("".join(kept))


def bare(text: str) -> str:
    """Without the delimiter at the end, nor a bracket that is not closed."""
    for opening, closing in ("（）", "()", "《》", "“”"):
        if text.count(opening) > text.count(closing):
            text = text[: text.rindex(opening)]
    return text.rstrip("，,；;：:。、")
