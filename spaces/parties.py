"""Who the parties of a judgment are, and where it names them.

Summaries speak of 原告 and 被告, judgments mostly of names. A judgment declares its parties in
fixed forms (`spaces.declarations`) and gives short names in brackets behind a name (`大成有限公司
（以下简称大成公司）`). What is declared there is known, so nobody has to guess it from context; and
a name is only taken for a mention of its party where it can be nothing else. A mention that is
missed costs little; a wrong one swaps the parties.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spaces.declarations import MASKS, ROLES, Declaration, find_declarations, is_name

__all__ = ["Mention", "Party", "find_mentions", "find_parties"]

_HAN = "\u4e00-\u9fa5"
_SHORT = re.compile(
    r"[（(](?:以?下简?称|简称|又名|曾用名|下同)[：:为]?"
    r"[“\"‘']?(?P<short>[^“”\"‘’'（）()，,、；;]{2,20})"
)
# The role word before a name. 反诉原告 and 原审被告 say something else than 原告 and 被告.
_ROLE_BEFORE = re.compile(
    rf"(?P<other>反诉|本诉|原审|一审|二审|另案|案外|附带民事诉讼)?(?P<role>{ROLES})人?"
    rf"(?:[（(](?:反诉|原审|本诉|一审)?(?:{ROLES})[）)])?[：:]?[ \u3000]{{0,4}}$"
)
_BEFORE = frozenset("告人）)：: \u3000")  # its last character
# People of the case who are no parties: when they have the same name, nobody knows who is meant.
_OFFICE_BEFORE = re.compile(r"(?:证人|案外人|审判长|审判员|书记员|陪审员)[：:]?$")
# Others whom the judgment names: 李清 is not meant where 李清华 stands.
_OTHERS = re.compile(
    r"(?:代表人|代理人|负责人|经营者|审判长|审判员|书记员|陪审员|证人|案外人|法官助理)[：:]?"
    rf"([{_HAN}]{{2,4}})(?=[，,。；、（(\s]|$)"
)
# What follows a name in a sentence without being part of it, and what comes before it.
_FOLLOWS = frozenset(
    "的与和及向于诉在负辩未经提到承对为因是以将被给等称说系之家处所不已也均从让同父母妻子夫"
)
_LEADS = frozenset(
    "与对向由为给于故还在称人因求到是后而且知和及意系以但付据偿将的除名如至从告辩致令归喊起经有依使持属诉即"
    "让额认按了日回解予证现非挥指骂打踹堵受结失控虑驳责任括次女儿子妻弟兄妹姐用同另"
)
_OPPOSITE = ({"原告", "被告"}, {"上诉人", "被上诉人"})
# A sum that runs on from a name: 王某11500元 is 王某1 and 1500元. No sum begins with 01.
_SUM = re.compile(r"(?!0(?!\.))(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?[百千万亿]?元")
# The end of 王某 or 王某11 that stands by itself, not where such a sum begins.
_NUMBERED = re.compile(r"[某×xXＸ*＊]\d{0,2}(?![某×xXＸ*＊\d百千万亿元]|[.,]\d)")
_PLACE_WORD = re.compile("[省市县区]")
_BRANCH = re.compile(
    r"[^，,。；;：:、\n与和向由对在被给为诉应于将及]{0,16}?"
    r"(?:分公司|支公司|支行|分行|分店|营业部|分理处|分社|分厂|储蓄所|办事处|事务所)"
)


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


class _Found(NamedTuple):
    """`judgment[start:end]` is `name`, and `before` the role word in front of it."""

    start: int
    end: int
    name: str
    before: re.Match[str] | None


def find_parties(judgment: str) -> list[Party]:
    """The parties that header and introduction declare, in the order of their declaration.

    >>> text = "原告：张某甲，男。被告：大成有限公司（以下简称大成公司）。二人买卖合同纠纷一案"
    >>> [(p.role, p.names) for p in find_parties(text)]
    [('原告', ('张某甲',)), ('被告', ('大成有限公司', '大成公司'))]
    """
    declared = {d.name: d for d in find_declarations(judgment) if d.sure}
    short = _short_names(judgment, set(declared))
    bearers = Counter(name for names in short.values() for name in names)
    # one that is somebody's short name and declared to be something else belongs to neither
    own = {
        name: [s for s in names if bearers[s] == 1 and _agrees(declared, name, s)]
        for name, names in short.items()
    }
    taken = {name for names in own.values() for name in names}
    parties = [
        Party(d.role, (name, *own.get(name, ())), d.place)
        for name, d in declared.items()
        if name not in taken
    ]
    return sorted(parties, key=lambda party: party.declared)


def _agrees(declared: dict[str, Declaration], name: str, short: str) -> bool:
    return short not in declared or declared[short].role == declared[name].role


def _short_names(text: str, names: set[str]) -> dict[str, list[str]]:
    """Short names in the brackets behind a mention of one of `names`, those of each in order."""
    lengths = sorted({len(name) for name in names}, reverse=True)
    found: dict[str, list[str]] = {}
    for match in _SHORT.finditer(text):
        for length in lengths:
            name = text[max(0, match.start() - length) : match.start()]
            if name in names:
                short = match["short"]
                known = found.setdefault(name, [])
                if is_name(short) and short != name and short not in known:
                    known.append(short)
                break
    return found


def find_mentions(judgment: str, parties: Sequence[Party]) -> list[Mention]:
    """Where `judgment` names one of `parties`, in order. Give all parties, so that none is taken
    for another.

    `原告张某` and `张某` are mentions of 张某; `被告张某` is none when 张某 is declared 原告, nor
    is 张某 inside 张某某, 大成公司 inside 大成公司上海分公司, or a name inside the longer name of
    somebody else who is known. A name that a witness has too, or that the judgment calls now 原告,
    now 被告, is never a mention. Behind other letters of the full name a short name is one only
    with the role word before it all (`被告江北大成公司`), and 张某1 before a sum that runs on from
    it (`张某1500元`) only where there is no 张某 or 张某15 who can be meant.

    >>> text = "原告：张某，男。被告：李某，男。李某向原告张某借款。"
    >>> [text[m.start : m.end] for m in find_mentions(text, find_parties(text))]
    ['原告：张某', '被告：李某', '李某', '原告张某']
    """
    by_name = {name: party for party in parties for name in party.names}
    others = {match[1] for match in _OTHERS.finditer(judgment)} - by_name.keys()
    occurrences = list(_occurrences(judgment, by_name.keys() | others))
    longer = _longer_names(judgment, occurrences)
    numbered = _numbered_names(judgment)
    agree: Counter[str] = Counter()
    differ: Counter[str] = Counter()
    mentions = []
    last = 0
    for found in occurrences:
        party = by_name.get(found.name)
        free, last = last, found.end
        if party is None or not _ends_here(judgment, found, longer, numbered):
            continue
        if _OFFICE_BEFORE.search(judgment, max(0, found.start - 5), found.start):
            differ[found.name] += len(judgment)
        start = _start_with_place(judgment, found, party, free)
        before = found.before or _role_before(judgment, start)
        if before is None:
            if start == found.start and _begins_here(judgment, found):
                mentions.append((found.name, Mention(start, found.end, party)))
        elif before["other"] is None:
            if before["role"] == party.role:
                agree[found.name] += 1
                start = before.start("role")
                mentions.append((found.name, Mention(start, found.end, party)))
            elif {before["role"], party.role} in _OPPOSITE:
                differ[found.name] += 1
    return [m for name, m in mentions if not differ[name] or 2 * differ[name] < agree[name]]


def _occurrences(text: str, names: set[str]) -> Iterator[_Found]:
    """Where one of `names` stands, the longest where several begin, none inside another."""
    lengths: dict[str, list[int]] = {}
    for name in sorted(names, key=len, reverse=True):
        by_first = lengths.setdefault(name[0], [])
        if not by_first or by_first[-1] != len(name):
            by_first.append(len(name))
    at = 0
    for first in re.finditer("|".join(map(re.escape, lengths)), text) if lengths else ():
        start = first.start()
        for length in lengths[first.group()] if start >= at else ():
            if text[start : start + length] in names:
                at = start + length
                yield _Found(start, at, text[start:at], _role_before(text, start))
                break


def _role_before(text: str, start: int) -> re.Match[str] | None:
    near = start and text[start - 1] in _BEFORE
    return _ROLE_BEFORE.search(text, max(0, start - 24), start) if near else None


def _start_with_place(text: str, found: _Found, party: Party, free: int) -> int:
    """Where a short name begins with what stands of the full name before it, mostly the place, with
    or without its 市 or 县: 大成公司 for 江北县大成有限公司, in 江北大成公司. From `free` on.
    """
    full = party.names[0]
    if found.name == full or found.before:
        return found.start
    written = (full, _PLACE_WORD.sub("", full))
    starts = range(max(free, found.start - 6), found.start - 1)
    of_name = (start for start in starts if any(text[start : found.start] in w for w in written))
    return next(of_name, found.start)


def _longer_names(text: str, occurrences: Sequence[_Found]) -> set[str]:
    """Names like 王军伟, which stand by themselves somewhere and begin with the known name 王军."""
    found = set()
    for start, end, name, before in occurrences:
        alone = before or not start or not text[start - 1].isalnum()
        one_more = re.match(rf"[{_HAN}](?!\w)", text[end : end + 2])
        if alone and len(name) < 4 and one_more and text[end] not in _FOLLOWS:
            found.add(text[start : end + 1])
    return found


def _numbered_names(text: str) -> set[str]:
    """王某 and 王某11 that stand by themselves somewhere, with more and less of what is before 某:
    where the name begins is not known.
    """
    ends = (match.end() for match in _NUMBERED.finditer(text))
    return {text[max(0, end - length) : end] for end in ends for length in range(2, 10)}


def _ends_here(text: str, found: _Found, longer: set[str], numbered: set[str]) -> bool:
    """Whether the name is not the beginning of another: 李某某, 李某1, 王军伟, a branch."""
    behind = text[found.end : found.end + 1]
    if behind and behind in "某甲乙丙丁戊己庚辛壬癸" or text[found.start : found.end + 1] in longer:
        return False
    open_end = found.name[-1] in MASKS or found.name[-1].isdecimal()
    if open_end and re.match(r"[某×xXＸ*＊0-9０-９A-Za-zＡ-Ｚ]", behind):
        return _ends_before_sum(text, found, numbered)
    return not _BRANCH.match(text, found.end)


def _ends_before_sum(text: str, found: _Found, numbered: set[str]) -> bool:
    """Whether it is 王某1 in 王某11500元, where neither 王某 nor 王某11 can be meant."""
    if not re.search(r"[某×xXＸ*＊][0-9]{1,2}$", found.name) or not _SUM.match(text, found.end):
        return False
    ends = (found.end - 2, found.end - 1, found.end + 1, found.end + 2)
    return not any(text[found.start : end] in numbered for end in ends)


def _begins_here(text: str, found: _Found) -> bool:
    """Whether the name is not the end of another word: 阳某 in 欧阳某, 方正 in 对方正在."""
    before = text[found.start - 1 : found.start]
    if found.name[0] == "方" and before in tuple("对双各一二三两甲乙丙多我"):
        return False
    if len(found.name) == 2:
        return not re.match(f"[{_HAN}]", before) or before in _LEADS
    return before not in tuple("省市县区州镇乡")
