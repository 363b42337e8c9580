"""Clauses that share a bracket share a probability."""

from __future__ import annotations

import numpy as np

from spaces.extract.brackets import share_brackets


def shared(*clauses: tuple[str, float]) -> list[float]:
    texts, scores = zip(*clauses, strict=True)
    return share_brackets(np.array(scores), texts).tolist()


def test_the_clause_that_opens_a_bracket_decides_for_all_of_it():
    assert shared(
        ("偿还利息（按6%，", 0.9), ("自今日起，", 0.1), ("至清偿止）。", 0.2), ("驳回。", 0.3)
    ) == [
        0.9,
        0.9,
        0.9,
        0.3,
    ]
    assert shared(("依《合同法，", 0.1), ("担保法》，", 0.9)) == [0.1, 0.1]


def test_brackets_within_brackets_and_closed_ones():
    assert shared(("甲（乙“丙，", 0.9), ("丁”，", 0.1), ("戊），", 0.2), ("己。", 0.3)) == [
        *[0.9] * 3,
        0.3,
    ]
    assert shared(("甲（乙），", 0.9), ("丙。", 0.1)) == [0.9, 0.1]


def test_a_bracket_that_is_never_closed_binds_nobody():
    assert shared(("甲（乙，", 0.9), ("丙，", 0.1), ("丁。", 0.2)) == [0.9, 0.1, 0.2]
    far = [("丙，", 0.1)] * 30
    assert shared(("甲（乙，", 0.9), *far, ("丁）", 0.2)) == [0.9, *[0.1] * 30, 0.2]


def test_nothing_is_changed_in_place_and_nothing_is_fine():
    scores = np.array([0.9, 0.1], dtype=np.float32)
    assert share_brackets(scores, ["（", "）"]).dtype == np.float32
    assert scores.tolist() == [np.float32(0.9), np.float32(0.1)]
    assert share_brackets(np.zeros(0), []).tolist() == []
