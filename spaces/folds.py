"""Folds for cross-fitting: which part of the training documents a document belongs to.

Cross-fitting predicts each document with a model trained on the other folds (K-fold
cross-validation; Stone 1974), so that the generator meets extracts as imperfect as those of unseen
judgments.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from spaces.errors import ConfigError

__all__ = ["assign_folds"]


def assign_folds(ids: Sequence[str | int], k: int, seed: int = 0) -> list[int]:
    """The fold, from 0 to k - 1, of each id; folds differ in size by 1 at most.

    Ids are dealt out in the order of their digests: the same id among the same others always falls
    into the same fold, whatever the order of `ids`, the machine or PYTHONHASHSEED.

    >>> assign_folds(["a", "b", "c", "d", "e"], k=2)
    [0, 0, 0, 1, 1]

    Raises ConfigError when k is below 2 or above the number of ids, or when an id comes twice (one
    copy would be trained on while the other is predicted).
    """
    if not 2 <= k <= len(ids):
        raise ConfigError(f"folds: expected a number from 2 to {len(ids)} (the documents), got {k}")
    if len(set(ids)) < len(ids):
        twice = next(i for n, i in enumerate(ids) if i in ids[:n])
        raise ConfigError(f"folds: expected ids that differ, got {twice!r} twice")

    def digest(i: int) -> bytes:
        key = f"{seed}/{type(ids[i]).__name__}/{ids[i]}"  # 1 and "1" are different ids
        return blake2b(key.encode("utf-8", "surrogatepass")).digest()

    folds = [0] * len(ids)
    for place, i in enumerate(sorted(range(len(ids)), key=digest)):
        folds[i] = place % k
    return folds
