"""The score against a plain version of it, written out here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import jieba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.errors import ConfigError, InputError
from spaces.metrics import evaluate, rouge_scores, similarity

PAIRS = [
    (
        "原告与被告借款合同纠纷一案。判决被告偿还借款。",
        "原被告系借款合同纠纷。被告还款5万元。",
    ),
    ("被告于2017年3月1日偿还16,506.5元", "被告偿还16506.5元 ABC abc"),
    ("驳回原告的诉讼请求。" * 3, "驳回原告的诉讼请求。"),
    ("\n 甲 \t", "甲"),
    ("一二三", "四五六"),
]


def plain(prediction: Sequence[str], reference: Sequence[str]) -> tuple[float, float, float, float]:
    """0.2 R1 + 0.4 R2 + 0.4 RL, with the textbook's table for the common subsequence."""

    def f1(hits: int, n: int, m: int) -> float:
        return 2 * hits / (n + m) if hits else 0.0

    def overlap(n: int) -> float:
        p, r = (
            Counter(tuple(units[i : i + n]) for i in range(len(units) - n + 1))
            for units in (prediction, reference)
        )
        return f1(sum(min(p[gram], r[gram]) for gram in p), sum(p.values()), sum(r.values()))

    table = [[0] * (len(reference) + 1) for _ in range(len(prediction) + 1)]
    for i, x in enumerate(prediction):
        for j, y in enumerate(reference):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
            )
    r1, r2 = overlap(1), overlap(2)
    rl = f1(table[-1][-1], len(prediction), len(reference))
    return r1, r2, rl, 0.2 * r1 + 0.4 * r2 + 0.4 * rl


OWN = jieba.Tokenizer()


def words(text: str) -> list[str]:
    return [word for word in OWN.lcut(text, HMM=False) if not word.isspace()]


def characters(text: str) -> list[str]:
    return [c for c in text if not c.isspace()]


@pytest.mark.parametrize(("prediction", "reference"), PAIRS)
def test_words_and_characters_against_the_plain_version(prediction: str, reference: str) -> None:
    for unit, cut in (("word", words), ("char", characters)):
        scores = rouge_scores(prediction, reference, unit=unit)
        assert (scores.r1, scores.r2, scores.rl, scores.weighted) == pytest.approx(
            plain(cut(prediction), cut(reference))
        )


chinese = st.text(alphabet="甲乙丙丁，。 \n12", max_size=40)


@settings(deadline=None)
@given(chinese | st.text(max_size=30), chinese | st.text(max_size=30))
def test_similarity_is_the_score_over_characters(a: str, b: str) -> None:
    assert similarity(a, b) == pytest.approx(rouge_scores(a, b, unit="char").weighted, abs=1e-9)
    assert similarity(a, b) == pytest.approx(plain(characters(a), characters(b))[3], abs=1e-9)
    assert similarity(a, b) == similarity(b, a)


def test_case_of_letters_counts_and_digits_do_too() -> None:
    assert rouge_scores("A1", "a1", unit="char").r1 == 0.5


@pytest.mark.parametrize("unit", ["word", "char"])
def test_empty_texts_score_0(unit: str) -> None:
    for prediction, reference in (("", "甲方"), ("甲方", ""), ("", ""), (" \n", "甲方")):
        assert rouge_scores(prediction, reference, unit=unit).weighted == 0
        assert similarity(prediction, reference) == 0


def test_words_are_the_dictionarys_own() -> None:
    # jieba.dt may have been taught a word by anyone in the process; the score is not touched by it.
    jieba.add_word("租金水电甲")
    try:
        assert rouge_scores("租金水电甲", "租金", unit="word").r1 > 0
    finally:
        jieba.del_word("租金水电甲")


def test_evaluate_counts_every_reference() -> None:
    references = {1: "驳回起诉", "1": "准予离婚", 2: "被告还款"}
    result = evaluate({1: "驳回起诉", 2: "", 9: "多余"}, references, unit="char")
    assert (result.n, result.missing, result.unknown, result.unit) == (3, 1, 1, "char")
    assert result.weighted.mean == pytest.approx(1 / 3)
    assert result.documents[1].weighted == pytest.approx(1)
    assert result.documents["1"].weighted == result.documents[2].weighted == 0
    record = result.to_dict()
    assert record["r1"] == {"mean": result.r1.mean, "low": result.r1.low, "high": result.r1.high}
    assert "documents" not in record


def test_intervals() -> None:
    references = {i: "原告甲" for i in range(40)}
    predictions = {i: "原告甲" if i % 2 else "乙" for i in references}
    first = evaluate(predictions, references, unit="char")
    assert first == evaluate(predictions, references, unit="char")
    for scores in (first.r1, first.r2, first.rl, first.weighted):
        assert 0.3 < scores.low < scores.mean < scores.high < 0.7
        assert scores.mean == pytest.approx(0.5)
    other = evaluate(predictions, references, unit="char", seed=1, resamples=50)
    assert other.r1.mean == first.r1.mean
    assert (other.r1.low, other.r1.high) != (first.r1.low, first.r1.high)
    certain = evaluate(references, references, unit="char").weighted
    assert (certain.low, certain.mean, certain.high) == pytest.approx((1, 1, 1))


def test_wrong_use() -> None:
    with pytest.raises(InputError, match="at least one reference"):
        evaluate({}, {})
    with pytest.raises(ConfigError, match="'word' or 'char', got 'words'"):
        rouge_scores("甲", "甲", unit="words")  # type: ignore[arg-type]
