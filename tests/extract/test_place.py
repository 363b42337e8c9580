"""The clause's place behind its vector."""

from __future__ import annotations

import numpy as np

from spaces.extract.place import PLACE_SIZE, add_place
from spaces.sections import SECTIONS


def test_place_by_hand() -> None:
    vectors = np.array([[5.0, 6.0]] * 4)
    found = add_place(vectors, [1, 1, 1, 5], ["甲", "乙乙", "丙3", "丁"])
    assert found.shape == (4, 2 + PLACE_SIZE)
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


def test_no_clauses() -> None:
    assert add_place(np.zeros((0, 3)), [], []).shape == (0, 3 + PLACE_SIZE)


def test_the_same_words_elsewhere_are_another_vector() -> None:
    found = add_place(np.ones((6, 2)), [0, 1, 1, 3, 5, 5], ["还款。"] * 6)
    assert len(np.unique(found, axis=0)) == 6
