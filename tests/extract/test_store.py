"""Vectors on disk: what goes in comes out, and what is broken is said so."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.errors import InputError, ModelError
from spaces.extract.store import LabelledVectors, VectorStore, write_vectors


def document(n: int, seed: int = 0, width: int = 4) -> LabelledVectors:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, width)).astype(np.float32)
    return LabelledVectors(vectors, rng.integers(0, 2, size=n))


def test_what_goes_in_comes_out(tmp_path):
    documents = [("案一", document(3)), (7, document(0)), ("c", document(5, seed=1))]
    store = write_vectors(tmp_path / "new" / "store", iter(documents), width=4)
    assert len(store) == 3 and store.ids == ["案一", 7, "c"] and store.width == 4
    for stored, (_, original) in zip(store, documents, strict=True):
        assert stored.vectors.dtype == np.float16
        np.testing.assert_array_equal(stored.vectors, original.vectors.astype(np.float16))
        np.testing.assert_array_equal(stored.labels, original.labels)
    assert [len(d) for d in store[1:]] == [0, 5] and len(store[-1]) == 5
    with pytest.raises(IndexError):
        store[3]


def test_vectors_stay_on_disk(tmp_path):
    store = write_vectors(tmp_path, [("a", document(3)), ("b", document(2))], width=4)
    assert isinstance(store[1].vectors, np.memmap)
    assert (tmp_path / "vectors.f16").stat().st_size == 5 * 4 * 2
    assert not list(tmp_path.glob("*.partial"))


def test_an_empty_store(tmp_path):
    assert len(write_vectors(tmp_path, [], width=4)) == 0


def test_an_interrupted_write_is_no_store(tmp_path):
    write_vectors(tmp_path, [("old", document(2))], width=4)

    def interrupted():
        yield "new", document(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_vectors(tmp_path, interrupted(), width=4)
    with pytest.raises(InputError, match="expected stored sentence vectors"):
        VectorStore(tmp_path)


def test_a_broken_store_is_named(tmp_path):
    write_vectors(tmp_path, [("a", document(3))], width=4)
    (tmp_path / "vectors.f16").write_bytes(b"\0" * 10)
    with pytest.raises(InputError, match="expected 24 bytes for 3 vectors of 4, got 10"):
        VectorStore(tmp_path)
    (tmp_path / "index.jsonl").write_text('{"format": 9, "width": 4}\n')
    with pytest.raises(InputError, match="expected format 1, got 9"):
        VectorStore(tmp_path)
    (tmp_path / "index.jsonl").write_text("")
    with pytest.raises(InputError, match="expected stored sentence vectors"):
        VectorStore(tmp_path)


def test_what_half_precision_cannot_hold_is_refused(tmp_path):
    for value in (1e6, np.nan):
        broken = LabelledVectors(np.full((1, 4), value, dtype=np.float32), np.zeros(1))
        with pytest.raises(ModelError, match="document 'a': expected finite vectors"):
            write_vectors(tmp_path, [("a", broken)], width=4)
    with pytest.raises(ModelError, match="document 'a': expected vectors of 4, got 5"):
        write_vectors(tmp_path, [("a", document(2, width=5))], width=4)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="expected vectors"):
        LabelledVectors(np.zeros((3, 4)), np.zeros(2))
