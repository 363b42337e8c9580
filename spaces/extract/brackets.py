"""Clauses that share a bracket are kept or left out together.

Clauses end at commas, within brackets too: （利息按年利率6%， and 自2017年起计算）。 are two. An
extract that has one of them leaves the bracket open, and so does the summary made from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["share_brackets"]

_PAIRS = ("（）", "()", "《》", "“”")
_REACH = 8  # clauses; a bracket that is not closed by then was never meant to be


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
