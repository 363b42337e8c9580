"""What a clause's vector does not say: where in the judgment the clause stands.

A sentence vector knows only its own clause. Whether 借款50000元 is worth keeping depends on where
it stands: claimed, found, or ruled. So the labeller reads, beside each vector, the clause's
section, its place in the judgment and in the section, and its length. (Its neighbours it sees by
itself: the convolutions reach 17 clauses to either side.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spaces.sections import SECTIONS

__all__ = ["PLACE_SIZE", "add_place"]

PLACE_SIZE = len(SECTIONS) + 6


def add_place(vectors: np.ndarray, sections: Sequence[int], texts: Sequence[str]) -> np.ndarray:
    """Vectors (n, d) of one judgment's clauses -> (n, d + PLACE_SIZE) float32.

    Behind each vector: its section as one of len(SECTIONS) ones; its place in the judgment and in
    its section, from 0 to 1; how many clauses it is from either end of its section, as 1 / (1 + k);
    the logarithm of its length in characters; whether it has a digit.
    """
    count = len(vectors)
    place = np.zeros((count, PLACE_SIZE), dtype=np.float32)
    sections = np.asarray(sections, dtype=int)
    place[np.arange(count), sections] = 1
    first, last = _runs(sections)
    index = np.arange(count)
    rest = place[:, len(SECTIONS) :]
    rest[:, 0] = index / max(count - 1, 1)
    rest[:, 1] = (index - first) / np.maximum(last - first, 1)
    rest[:, 2] = 1 / (1 + index - first)
    rest[:, 3] = 1 / (1 + last - index)
    rest[:, 4] = [np.log1p(len(text)) / 5 for text in texts]
    rest[:, 5] = [any(c.isdigit() for c in text) for text in texts]
    return np.concatenate([np.asarray(vectors, dtype=np.float32), place], axis=1)


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last index of the run of equal values each element is in.

    >>> _runs(np.array([0, 0, 2]))
    (array([0, 0, 2]), array([1, 1, 2]))
    """
    if not len(values):
        return values, values
    borders = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate([[0], borders])
    ends = np.concatenate([borders, [len(values)]])
    lengths = ends - starts
    return np.repeat(starts, lengths), np.repeat(ends - 1, lengths)
