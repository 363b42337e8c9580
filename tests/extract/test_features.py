"""What stands behind a clause's vector: its place, what stands around, what rules take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spaces.extract.features import FEATURES, add_features
from spaces.outline import columns, outline
from spaces.sections import SECTIONS

RULES = slice(-6 - len(SECTIONS), -3 - len(SECTIONS))
ECHO = slice(-3 - len(SECTIONS), None)
LOAN = Path(__file__).parents[2] / "data" / "samples" / "loan.txt"


def test_place_by_hand() -> None:
    vectors = np.array([[5.0, 6.0]] * 4)
    found = add_features(vectors, [1, 1, 1, 5], ["甲", "乙乙", "丙3", "丁"])
    assert found.shape == (4, 2 + FEATURES)
    assert found.dtype == np.float32
    assert (found[:, :2] == [5, 6]).all()
    sections, rest = found[:, 2 : 2 + len(SECTIONS)], found[:, 2 + len(SECTIONS) :]
    assert sections.argmax(1).tolist() == [1, 1, 1, 5]
    assert (sections.sum(1) == 1).all()
    np.testing.assert_allclose(rest[:, 0], [0, 1 / 3, 2 / 3, 1], rtol=1e-6)
    np.testing.assert_allclose(rest[:, 1], [0, 0.5, 1, 0])
    np.testing.assert_allclose(rest[:, 2], [1, 1 / 2, 1 / 3, 1], rtol=1e-6)
    np.testing.assert_allclose(rest[:, 3], [1 / 3, 1 / 2, 1, 1], rtol=1e-6)
    assert rest[1, 4] > rest[0, 4]
    assert rest[:, 5].tolist() == [0, 0, 1, 0]


def test_what_stands_around_by_hand() -> None:
    found = add_features(
        np.zeros((4, 2)), [1, 1, 1, 5], ["甲，", "乙" * 150 + "，", "丙。", "丁。"]
    )
    room = found[:, 2 + len(SECTIONS) + 6 :][:, :5]
    np.testing.assert_allclose(room[:, 0], np.log(158) / 3 - 2, rtol=1e-5)
    np.testing.assert_allclose(np.expm1(5 * room[:, 1]), [155, 155, 155, 2], rtol=1e-4)
    np.testing.assert_allclose(np.expm1(5 * room[:, 2]), [0, 2, 153, 0], rtol=1e-4)
    np.testing.assert_allclose(np.expm1(5 * room[:, 3]), [153, 2, 0, 0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(room[:, 4], [0, 0.02, 1.53, 0], rtol=1e-5)


def test_what_the_template_takes_is_told() -> None:
    texts, sections = columns(outline(LOAN.read_text("utf-8")))
    share, taken, cue = add_features(np.zeros((len(texts), 1)), sections, texts)[:, RULES].T
    repay = next(i for i, text in enumerate(texts) if text.startswith("一、被告贺立川"))
    proof = next(i for i, text in enumerate(texts) if text.startswith("当事人对自己"))
    assert taken[repay] == 1 and share[repay] > 0.5
    assert taken[proof] == 0 and share[proof] < 0.5
    assert cue[proof] < cue[repay]


def test_where_the_template_has_no_summary_it_takes_nothing() -> None:
    assert not add_features(np.zeros((1, 1)), [0], ["没有诉请。"])[0, RULES][:2].any()


def test_what_is_said_again_by_hand() -> None:
    texts = ["借款五万，", "未还。", "借款，属实。", "驳回。"]
    sections = [1, 1, 4, 5]
    before, behind, *shares, often = add_features(np.zeros((4, 1)), sections, texts)[:, ECHO].T
    assert before.tolist() == pytest.approx([0, 0, 1 / 3, 0])  # of 借款 款属 属实 only 借款
    assert behind.tolist() == pytest.approx([1 / 3, 0, 0, 0])  # of 借款 款五 五万
    assert shares[4].tolist() == pytest.approx([1 / 3, 0, 0, 0])
    assert shares[1].tolist() == pytest.approx([0, 0, 1 / 3, 0])
    assert often.tolist() == pytest.approx([np.log1p(1 / 3) / 2, 0, np.log1p(1 / 3) / 2, 0])


def test_no_clauses() -> None:
    assert add_features(np.zeros((0, 3)), [], []).shape == (0, 3 + FEATURES)


def test_the_same_words_elsewhere_are_another_vector() -> None:
    found = add_features(np.ones((6, 2)), [0, 1, 1, 3, 5, 5], ["还款。"] * 6)
    assert len(np.unique(found, axis=0)) == 6
