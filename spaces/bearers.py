"""Which parties are the only one of their role, so that the role word alone says who is meant.

With two defendants 被告 is either of them. Not all of them need be found by name: a judgment that
says 二被告 or 被告张某等, lists a name nobody declared (`被告张某、李某`), adds or drops a party
has more of them than it may seem. Any such sign is enough: in doubt nobody is the only one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from spaces.declarations import ROLES, SURNAMES, find_declarations, kind_of
from spaces.parties import Party

__all__ = ["find_sole_parties"]

_SEVERAL = re.compile(
    r"(?:(?<!证据)(?<!第)[二两三四五六七八九十各](?:名|个|位)?|[数几众多](?:名|个|位)|全体|所有|其他)"
    rf"(?P<role>{ROLES})"
)
_NUMBERED = re.compile(
    rf"(?P<role>{ROLES})(?:[一二三四五六七八九](?=[：:，,、（(与和及])|[1-9](?=[：:（(]))"
)
_LISTED = re.compile(
    rf"(?P<role>{ROLES})(?P<name>[^，,。；;：:、\n]{{2,40}})、"
    rf"(?P<next>(?!{ROLES}){SURNAMES}[\u4e00-\u9fa5×xXＸ*][\u4e00-\u9fa5×0-9]{{0,20}})"
)
# 被告李某辩称, where no party's name begins with 李某
_SPOKEN = re.compile(
    rf"(?P<role>{ROLES})[：:]?(?P<next>(?![方于时向连])"
    rf"{SURNAMES}[\u4e00-\u9fa5×xXＸ*]{{1,2}}[0-9甲乙丙丁]?)"
    r"(?=(?:答?辩称|诉称|述称|未到庭|经本院)|[，,][男女][，,。])"
)
_ADDED = re.compile(
    r"追加(?P<next>[^，,。；;：:\n]{2,60}?)(?:为|作为)(?:本案)?(?:的)?(?:共同)?"
    rf"(?P<role>{ROLES})"
)
_DROPPED = re.compile(
    r"撤[回销][^，,。；;\n]{0,8}对(?P<next>[^，,。；;\n]{2,60}?)的?(?:起诉|诉讼|诉请)"
)


def find_sole_parties(judgment: str, parties: Sequence[Party]) -> list[Party]:
    """Those of `parties` (all that `find_parties` gives) who are the only one of their role.

    >>> from spaces.parties import find_parties
    >>> text = "原告：张三，男。被告：李四，男。张三与李四、王五合同纠纷一案，二被告均未到庭。"
    >>> [party.names for party in find_sole_parties(text, find_parties(text))]
    [('张三',)]
    """
    short = {name for party in parties for name in party.names[1:]}
    declared = [d for d in find_declarations(judgment) if d.name not in short]
    bearers = Counter(kind_of(d.role) for d in declared)
    several = _roles_of_several(judgment, parties)
    return [
        party
        for party in parties
        if bearers[kind_of(party.role)] == 1 and kind_of(party.role) not in several
    ]


def _roles_of_several(text: str, parties: Sequence[Party]) -> set[str]:
    """The roles of which there are signs of more parties than one."""
    known = tuple(name for party in parties for name in party.names)
    several = {kind_of(m["role"]) for p in (_SEVERAL, _NUMBERED) for m in p.finditer(text)}
    for match in [*_LISTED.finditer(text), *_SPOKEN.finditer(text)]:
        listed = match.groupdict().get("name") in (None, *known)
        if listed and not match["next"].startswith(known):
            several.add(kind_of(match["role"]))
    for match in _ADDED.finditer(text):
        if not any(name in match["next"] for name in known):
            several.add(kind_of(match["role"]))
    for match in _DROPPED.finditer(text):
        for party in parties:
            if party.role in match["next"] or any(name in match["next"] for name in party.names):
                several.add(kind_of(party.role))
    return several
