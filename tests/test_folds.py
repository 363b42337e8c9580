from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.errors import ConfigError
from spaces.folds import assign_folds


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.integers() | st.text(), min_size=2, max_size=60, unique=True), st.data())
def test_folds_are_even_and_independent_of_order(ids: list[int | str], data: st.DataObject) -> None:
    k = data.draw(st.integers(2, len(ids)))
    folds = assign_folds(ids, k)
    sizes = Counter(folds)
    assert set(sizes) == set(range(k))
    assert max(sizes.values()) - min(sizes.values()) <= 1
    shuffled = data.draw(st.permutations(ids))
    assert dict(zip(shuffled, assign_folds(shuffled, k), strict=True)) == dict(
        zip(ids, folds, strict=True)
    )


def test_seed_changes_folds() -> None:
    ids = list(range(100))
    assert assign_folds(ids, 5, seed=1) != assign_folds(ids, 5, seed=2)
    assert assign_folds(ids, 5, seed=1) == assign_folds(ids, 5, seed=1)


def test_folds_do_not_depend_on_hash_seed() -> None:
    code = "from spaces.folds import assign_folds; print(assign_folds([*'abcdefgh', 1, '1'], 3))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert outputs == {str(assign_folds([*"abcdefgh", 1, "1"], 3)) + "\n"}


@pytest.mark.parametrize("k", [-1, 0, 1, 4])
def test_impossible_numbers_of_folds(k: int) -> None:
    with pytest.raises(ConfigError, match=f"from 2 to 3.*got {k}"):
        assign_folds(["a", "b", "c"], k)


def test_an_id_twice() -> None:
    with pytest.raises(ConfigError, match="'a' twice"):
        assign_folds(["a", "b", "a"], 2)
