"""The oracle against the recursion written out, and the decisions at its edges."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.extract import oracle
from spaces.extract.oracle import oracle_labels, supported_labels
from spaces.metrics import similarity


def plain_similarity(a: str, b: str) -> float:
    """0.2 R1 + 0.4 R2 + 0.4 RL over characters, with the textbook table for the subsequence."""
    a, b = "".join(a.split()), "".join(b.split())
    if not a or not b:
        return 0.0
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            longer = max(table[i][j + 1], table[i + 1][j])
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else longer
    r1 = sum((Counter(a) & Counter(b)).values())
    r2 = sum((Counter(zip(a, a[1:])) & Counter(zip(b, b[1:]))).values())  # noqa: B905
    size = len(a) + len(b)
    return (
        0.2 * (2 * r1 / size) + 0.4 * (2 * r2 / max(size - 2, 1)) + 0.4 * (2 * table[-1][-1] / size)
    )


def plain_labels(clauses: list[str], summary: list[str]) -> list[int]:
    """DESIGN's recursion as it is said, nothing saved."""
    labels = [0] * len(clauses)

    def match(summary: list[str], start: int, end: int) -> None:
        if not summary or start >= end:
            return
        i = max(range(len(summary)), key=lambda i: len("".join(summary[i].split())))
        scores = [plain_similarity(clause, summary[i]) for clause in clauses[start:end]]
        if max(scores) == 0:
            match(summary[:i] + summary[i + 1 :], start, end)
            return
        j = start + scores.index(max(scores))
        labels[j] = 1
        match(summary[:i], start, j + 1)
        match(summary[i + 1 :], j, end)

    match(summary, 0, len(clauses))
    return labels


# Few letters, so that ties, repeats and clauses with nothing in common all occur.
short_texts = st.lists(st.text("甲乙丙丁 ，", max_size=7), max_size=9)


@settings(max_examples=300, deadline=None)
@given(short_texts, short_texts)
def test_same_as_the_recursion_written_out(clauses, summary):
    assert oracle_labels(clauses, summary) == plain_labels(clauses, summary)


def test_same_as_the_recursion_on_longer_texts():
    rng = random.Random(0)
    characters = "原告被告借款本金利息判决驳回诉讼请求合同偿还逾期担保"
    for _ in range(10):
        clauses = ["".join(rng.choices(characters, k=rng.randint(3, 30))) for _ in range(40)]
        summary = []
        for clause in rng.sample(clauses, 8):
            kept = [c for c in clause if rng.random() < 0.8]
            summary.append("".join(kept))
        assert oracle_labels(clauses, summary) == plain_labels(clauses, summary)


def test_finds_the_clauses_a_summary_was_written_from():
    clauses = [
        "原告起诉称，",
        "被告向其借款五万元，",
        "至今未还。",
        "今天开庭。",
        "被告应当偿还借款。",
    ]
    assert oracle_labels(clauses, "被告借款五万元，未还。法院认为应当偿还借款。") == [0, 1, 1, 0, 1]


def test_order_is_kept():
    # The last summary clause may only match from where the longest one matched, not before.
    assert oracle_labels(["甲乙", "子丑寅卯辰", "甲丙"], ["子丑寅卯辰", "甲乙"]) == [0, 1, 1]


def test_ties_go_to_the_first():
    assert oracle_labels(["甲乙丙", "甲乙丙"], ["甲乙丙"]) == [1, 0]


def test_nothing_in_common_labels_nothing():
    assert oracle_labels(["甲乙", "丙丁"], ["天地玄黄"]) == [0, 0]
    # The unmatched clause is the longest: it must not keep the others from being matched.
    assert oracle_labels(["甲乙", "丙丁"], ["天地玄黄", "丙丁"]) == [0, 1]


@pytest.mark.parametrize("clauses", [[], ["甲"], ["", " "]])
@pytest.mark.parametrize("summary", ["", [], [" "]])
def test_empty_sides(clauses, summary):
    assert oracle_labels(clauses, summary) == [0] * len(clauses)


def test_what_hardly_stands_in_the_summary_is_not_learned():
    clauses = ["原告起诉称，", "被告向其借款五万元，", "今天开庭。"]
    summary = "借款五万元。天气好。"
    assert oracle_labels(clauses, summary) == [0, 1, 1]
    assert supported_labels(clauses, summary, 0.3) == [0, 1, 0]
    assert supported_labels(clauses, summary, 0.0) == [0, 1, 1]
    assert supported_labels(clauses, summary, 1.0) == [0, 0, 0]


def test_a_long_summary_needs_no_deep_recursion():
    clauses = [chr(0x4E00 + i) for i in range(1500)]
    assert oracle_labels(clauses, clauses) == [1] * 1500


def test_similarity_is_the_one_of_metrics():
    rng = random.Random(1)
    for _ in range(200):
        a, b = ("".join(rng.choices("甲乙丙丁 ", k=rng.randint(0, 9))) for _ in range(2))
        assert plain_similarity(a, b) == pytest.approx(similarity(a, b), abs=1e-9)


def test_few_pairs_pay_for_a_subsequence(monkeypatch):
    """The bounds must prune: this is what makes a corpus of long judgments affordable."""
    calls = []

    class Counting:
        @staticmethod
        def similarity(a, b):
            calls.append((a, b))
            return real.similarity(a, b)

    real = oracle.LCSseq
    monkeypatch.setattr(oracle, "LCSseq", Counting)
    rng = random.Random(2)
    clauses = ["".join(chr(rng.randint(0x4E00, 0x4F00)) for _ in range(20)) for _ in range(500)]
    summary = [clause[:15] for clause in clauses[::25]]
    start = time.perf_counter()
    labels = oracle_labels(clauses, summary)
    assert time.perf_counter() - start < 2
    assert [i for i, label in enumerate(labels) if label] == list(range(0, 500, 25))
    assert len(calls) == len(set(calls)) < 2 * len(summary)
