"""Who the parties of a judgment are, and where it names them.

Summaries speak of 原告 and 被告, judgments mostly of names. A judgment declares its parties in
fixed forms: a header (`被告：张某，男，…`), an introduction (`原告张某与被告李某（以下简称…）
借款合同纠纷一案`) and short names in brackets. What is declared there is known, so nobody has to
guess it from context. A role that cannot be read with certainty is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spaces.causes import CAUSES

__all__ = ["Mention", "Party", "find_mentions", "find_parties"]

_ROLES = "被告人|原告|被告|第三人|被上诉人|上诉人"
_BRACKET = r"[（(][^（）()\n]{1,30}[）)]"
# 被告：张某，男 · 被告（反诉原告）张某。 At the beginning of a line or sentence.
_HEADER = re.compile(
    rf"(?:^|[。；;\n])\s*(?P<role>{_ROLES})(?:(?<=原告)人)?(?:{_BRACKET})?(?P<colon>\s*[：:]\s*)?"
    rf"(?P<name>[^，,。：:；;、（）()\n]{{2,40}}"
    r"(?:[（(][\u4e00-\u9fa5]{2,6}[）)][^，,。：:；;、（）()\n]{2,30})?)(?=[，,。；;（(\n]|$)"
)
# The end of an introduction, from the cause on; anchored, since 保险 and 合同 occur in names too.
_CAUSE = re.compile(
    r"(?:发生|之间|因|的|为|关于|等|[一二三四五六七八九十两]?人)?"
    rf"(?:{'|'.join(sorted(CAUSES, key=len, reverse=True))})(?:权益)?(?:纠纷|争议|一案)$"
)
_INTRODUCTION = re.compile(rf"(?:{_ROLES})[^。；;\n]{{2,600}}?(?:一案|纠纷|争议)")
_PART = re.compile(rf"(?P<role>{_ROLES})[：:]?(?P<names>.+)", re.DOTALL)
_INTRODUCED = 6000  # characters within which a case is introduced
_SHORT = re.compile(
    r"^[（(](?:以?下简?称|简称|又名|曾用名|下同|系)[：:为]?[“\"‘']?(?P<short>[^“”\"‘’'（）()，,、；;]{2,20})"
)
_GENERIC = re.compile(rf"某+|[一二两三四五各]?(?:{_ROLES})[一二三四五]?|申请人")
# What is taken for a name when a judgment leaves the usual form.
_NO_NAME = re.compile(
    "[：:“”《》]|出生|日生|[男女]$|汉族|[现户]|^住|本院|[诉辩述]称|答辩|立案|受理|委托|到庭"
    "|^[对未向因及]|犯.*罪|到案|人$|被告|原告"
)
# Names without a colon behind the role word: of people, or with what organizations end in.
_PLAIN_NAME = re.compile(
    r"[\u4e00-\u9fa5·×xXＸ*＊甲乙丙丁戊0-9]{2,4}"
    r"|.*(?:公司|行|厂|店|社|局|府|会|所|院|校|心|馆|部|站|场|园|处|队|集团|村|组|学|吧|庄|城|户)"
)
# Whom the judgment names beside the parties: 李清 is not meant where 李清华 stands.
_OTHERS = re.compile(
    r"(?:代表人|代理人|负责人|经营者|审判长|审判员|书记员|证人|案外人)[：:]?"
    r"([\u4e00-\u9fa5]{2,4})(?=[，,。；、（(\s]|$)"
)
# Behind a name: a branch is another party, and 李某 is not 李某某 nor 李某1.
_LONGER = r"(?![\u4e00-\u9fa5]{0,8}(?:分公司|支公司|支行|分行|分店|营业部|事务所))"


@dataclass(frozen=True)
class Party:
    """A party: its role, its names (the full one first), and where the judgment declares the role:
    `judgment[declared:declared + len(role)] == role`.
    """

    role: str
    names: tuple[str, ...]
    declared: int


class Mention(NamedTuple):
    """`judgment[start:end]` names `party`, with the role word before the name, if there is one."""

    start: int
    end: int
    party: Party


def find_parties(judgment: str) -> list[Party]:
    """The parties that header and introduction declare, in the order of their declaration.

    >>> text = "原告：张某甲，男。被告：大成有限公司（以下简称大成公司）。二人买卖合同纠纷一案"
    >>> [(p.role, p.names) for p in find_parties(text)]
    [('原告', ('张某甲',)), ('被告', ('大成有限公司', '大成公司'))]
    """
    parties: list[Party] = []
    known: set[str] = set()
    for name, role, place in [*_header(judgment), *_introduction(judgment)]:
        if name not in known:
            names = (name, *_short_names(judgment, name))
            known.update(names)
            parties.append(Party(role, names, place))
    return sorted(parties, key=lambda party: party.declared)


def _header(text: str) -> Iterator[tuple[str, str, int]]:
    """(name, role, place of the role word) of `被告：张某，男，…` before the first 一案."""
    end = text.find("一案")
    for match in _HEADER.finditer(text[: end if end >= 0 else 3000]):
        name = match["name"].strip()
        if match["colon"] is None and not _PLAIN_NAME.fullmatch(name):
            continue
        if _is_name(name):
            yield name, match["role"], match.start("role")


def _introduction(text: str) -> Iterator[tuple[str, str, int]]:
    """(name, role, place of the role word) of `原告张某与被告李某、王某借款合同纠纷一案`."""
    match = _INTRODUCTION.search(_blank_brackets(text[:_INTRODUCED]))
    if not match:
        return
    starts = [m.start() for m in re.finditer(_ROLES, match.group())]
    for start, end in zip(starts, [*starts[1:], len(match.group())], strict=True):
        part = _PART.match(match.group()[start:end])
        if part:
            names = re.split("[诉与]", _CAUSE.split(part["names"])[0])[0]
            for name in _split_names(names):
                if _is_name(name):
                    yield name, part["role"], match.start() + start


def _split_names(names: str) -> Iterator[str]:
    """`张某、李某和王某等` -> 张某 李某 王某; the 和 of an organization's name divides nothing."""
    for name in re.split("[、，,]|以及|及其?", names):
        name = re.sub(r"\s", "", name)
        name = re.sub(r"(?:等|之间|因|为|其他|共同|等?[一二三四五六七八九十\d]+人)$", "", name)
        name = re.sub(r"[（(][^（）()]*[）)]$", "", name)
        parts = name.split("和")
        yield from parts if all(map(_PLAIN_NAME.fullmatch, parts)) and len(name) < 10 else [name]


def _blank_brackets(text: str) -> str:
    """（以下简称…） as spaces, as long as before; brackets in a name, （北京）, stay."""
    pattern = r"[（(](?:以?下|简称|反诉|本诉|原审|又名|曾用名|系|身份|统一)[^（）()]*[）)]"
    return re.sub(pattern, lambda match: " " * len(match.group()), text)


def _is_name(name: str) -> bool:
    return 2 <= len(name) <= 40 and not _GENERIC.fullmatch(name) and not _NO_NAME.search(name)


def _short_names(text: str, name: str) -> Iterator[str]:
    """Short names in the bracket behind a mention of `name`."""
    seen = {name}
    start = text.find(name)
    while start >= 0:
        short = _SHORT.match(text[start + len(name) : start + len(name) + 40])
        if short and short["short"] not in seen and _is_name(short["short"]):
            seen.add(short["short"])
            yield short["short"]
        start = text.find(name, start + 1)


def find_mentions(judgment: str, parties: Sequence[Party]) -> list[Mention]:
    """Where `judgment` names one of `parties`, in order.

    `原告张某` and `张某` are mentions of 张某; `被告张某` is none when 张某 is declared 原告, nor
    is 张某 inside 张某某, 大成公司 inside 大成公司上海分公司, or a name inside the longer name of
    somebody else who is known.

    >>> text = "原告：张某，男。被告：李某，男。李某向原告张某借款。"
    >>> [text[m.start : m.end] for m in find_mentions(text, find_parties(text))]
    ['原告：张某', '被告：李某', '李某', '原告张某']
    """
    by_name = {name: party for party in parties for name in party.names}
    if not by_name:
        return []
    others = {match[1] for match in _OTHERS.finditer(judgment)} - by_name.keys()
    names = sorted([*by_name, *others], key=len, reverse=True)
    pattern = re.compile(
        rf"(?P<role>{_ROLES})?(?:[（(](?:反诉|原审|本诉)?(?:{_ROLES})[）)])?[：:]?"
        rf"(?P<name>{'|'.join(map(re.escape, names))})(?![某甲乙丙丁0-9０-９]){_LONGER}"
    )
    return [
        Mention(match.start() if match["role"] else match.start("name"), match.end(), party)
        for match in pattern.finditer(judgment)
        if (party := by_name.get(match["name"])) and match["role"] in (None, party.role)
    ]
