"""Why the court rules as it does: its reasons, and the statutes that the ruling rests on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

import numpy as np

from spaces.extract.neighbours import attributed
from spaces.sections import SECTIONS

__all__ = [
    "find_reasons",
    "find_ruling",
    "find_statutes",
    "find_told",
    "highest_of_ruling",
    "likeliest_of_ruling",
]

_REASONS, _RULING = SECTIONS.index("reasons"), SECTIONS.index("ruling")
_CITES = re.compile("(?:依照|依据|根据|按照|适用)[^，。]{0,12}《")
_STATUTE = re.compile(r"\s*(?:和|及|以及|、)?(?:《|第[一二三四五六七八九十百零\d]+条)")
_ANNOUNCES = re.compile(".{0,24}(?:[辩辨]称|答辩|查明|认定|如下|事实)[，,：:]$")
_FORMAL = re.compile("^(?:综上(?:所述)?|据此|为此|本院(?:经审[查理])?(?:后)?认为)[，,：:]?$")


def find_ruling(sections: Sequence[int]) -> int | None:
    """The first clause of the ruling; None without one."""
    return next((i for i, section in enumerate(sections) if section == _RULING), None)


def likeliest_of_ruling(shared: np.ndarray, sections: Sequence[int]) -> int | None:
    """The clause of the ruling that is most probable; None where there is no ruling."""
    ruling = [i for i, section in enumerate(sections) if section == _RULING]
    return max(ruling, key=lambda i: shared[i], default=None)


def highest_of_ruling(shared: np.ndarray, sections: Sequence[int]) -> np.generic | None:
    """The highest of the ruling's probabilities; None where there is no ruling."""
    likeliest = likeliest_of_ruling(shared, sections)
    return None if likeliest is None else shared[likeliest]


def find_statutes(texts: Sequence[str], sections: Sequence[int]) -> list[int]:
    """The clauses of the list of statutes before the ruling, the last such list; none without.

    >>> find_statutes(["借款应还。", "依照《甲法》，", "《乙法》，", "还款。"], [4, 4, 4, 5])
    [1, 2]
    """
    ruling = find_ruling(sections)
    end = len(texts) if ruling is None else ruling
    first = next((i for i in reversed(range(end)) if _CITES.search(texts[i])), None)
    if first is None:
        return []
    return [first, *takewhile(lambda i: _STATUTE.match(texts[i]), range(first + 1, end))]


def find_told(texts: Sequence[str], sections: Sequence[int], section: str) -> list[int]:
    """The clauses of a section ("defence", "facts") but those that only announce it, and those in
    which the court tells what a party says.

    >>> find_told(["经审理查明，", "乙未还款。"], [3, 3], "facts")
    [1]
    """
    wanted, whose = SECTIONS.index(section), attributed(texts, sections)
    return [
        i
        for i, text in enumerate(texts)
        if sections[i] == wanted and not (whose[i] or _ANNOUNCES.match(text.strip()))
    ]


def find_reasons(texts: Sequence[str], sections: Sequence[int]) -> list[int]:
    """The clauses that reason, before the list of statutes: neither mere form (本院认为，) nor a
    statute.

    >>> find_reasons(["本院认为，", "借款应还。", "依照《甲法》，", "还款。"], [4, 4, 4, 5])
    [1]
    """
    ends = [*find_statutes(texts, sections)[:1], find_ruling(sections), len(texts)]
    end = next(end for end in ends if end is not None)
    return [
        i
        for i in range(end)
        if sections[i] == _REASONS
        and not (_FORMAL.match(texts[i].strip()) or _CITES.search(texts[i]))
    ]
