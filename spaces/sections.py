"""The sections of a first-instance judgment, found by the formulas that open them.

Courts write to a fixed plan (《民事诉讼文书样式》): who the parties are and how the case came; the
claim (`向本院提出诉讼请求：`); the defence (`辩称`); what the court found (`经审理查明`); its
reasons (`本院认为`); the ruling (`判决如下：`); costs, appeal and signatures. A section begins in
the clause that has its formula and never comes back, so a quotation of an earlier judgment in the
reasons stays in the reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["SECTIONS", "find_sections"]

SECTIONS = ("head", "claim", "defence", "facts", "reasons", "ruling", "tail")
_HEAD, _CLAIM, _DEFENCE, _FACTS, _REASONS, _RULING, _TAIL = range(len(SECTIONS))

_FORMULAS = [
    (
        _CLAIM,
        "诉讼请求|诉称|诉请|诉求|请求(?:本院|法院|贵院)?(?:依法)?判[令决]|起诉要求|要求判令|"
        "诉至(?:本院|法院)|公诉机关指控|检察院指控",
    ),
    (_DEFENCE, "辩称|答辩|未(?:作|提交|提供)?(?:书面)?辩|述称|辩解|辩护人"),
    (
        _FACTS,
        "审理查明|本院查明|经(?:法院|本院)?审查|经查|认定(?:如下)?(?:法律|案件|本案)?事实|事实如下|"
        "举证|质证|提[交供]了?.{0,12}证据|确认如下事实|双方无异议|争议焦点",
    ),
    (_REASONS, "本院(?:经审[理查])?认为|本院综合认为"),
    (_RULING, "判决如下|判决[：:]|裁判如下|裁定如下|^判决$"),
    (
        _TAIL,
        r"案件受理费|诉讼费用?[\d，,.]*元|如不服本|审判长|审判员|人民陪审员|书记员|本判决为终审",
    ),
]
_PATTERNS = [(section, re.compile(pattern)) for section, pattern in _FORMULAS]


def find_sections(clauses: Iterable[str]) -> list[int]:
    """For each clause the index of its section in SECTIONS.

    The clause that ends in 判决如下： still belongs to what stands before it (statutes); so the
    ruling begins with the clause behind.

    >>> [SECTIONS[i] for i in find_sections(["原告诉称，", "借款未还。", "判决如下：", "驳回。"])]
    ['claim', 'claim', 'reasons', 'ruling']
    """
    found: list[int] = []
    current = _HEAD
    for clause in clauses:
        before = current
        for section, pattern in _PATTERNS:
            # costs are claimed, and judges named, before the ruling too
            reachable = section > current and (section != _TAIL or current == _RULING)
            if reachable and pattern.search(clause):
                current = section
        opens_ruling = current == _RULING and before < _RULING
        found.append(max(before, _REASONS) if opens_ruling else current)
    return found
