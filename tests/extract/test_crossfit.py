"""Cross-fitting: who has seen what."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.errors import ConfigError
from spaces.extract.crossfit import cross_fit

DOCUMENTS = [f"document {i}" for i in range(11)]
IDS = list(range(100, 111))


class Remembers:
    """A model that answers 1 for what it has seen and 0 for what it has not."""

    def __init__(self, documents: list[str], fold: int) -> None:
        self.seen, self.fold = set(documents), fold


def remember(model: Remembers, documents: list[str]) -> list[np.ndarray]:
    return [np.array([float(document in model.seen)]) for document in documents]


@pytest.mark.parametrize("k", [2, 3, 11])
def test_every_document_is_predicted_by_a_model_that_has_not_seen_it(k):
    result = cross_fit(DOCUMENTS, IDS, k, Remembers, remember)
    assert [p.tolist() for p in result.probabilities] == [[0.0]] * 11
    assert [model.fold for model in result.models] == list(range(k))
    for document, fold in zip(DOCUMENTS, result.folds, strict=True):
        # … and all other models have seen it.
        assert [document in model.seen for model in result.models] == [f != fold for f in range(k)]


@pytest.mark.parametrize("k", [None, 1])
def test_without_folds_one_model_sees_everything(k):
    result = cross_fit(DOCUMENTS, IDS, k, Remembers, remember)
    assert len(result.models) == 1 and result.models[0].seen == set(DOCUMENTS)
    assert [p.tolist() for p in result.probabilities] == [[1.0]] * 11
    assert result.folds == [0] * 11


def test_results_are_in_the_order_of_the_documents():
    def number(model, documents):
        return [np.array([float(document.split()[1])]) for document in documents]

    result = cross_fit(DOCUMENTS, IDS, 4, Remembers, number)
    assert [float(p[0]) for p in result.probabilities] == list(range(11))


def test_folds_follow_the_id_and_the_seed():
    forward = cross_fit(DOCUMENTS, IDS, 3, Remembers, remember, seed=1)
    backward = cross_fit(DOCUMENTS[::-1], IDS[::-1], 3, Remembers, remember, seed=1)
    assert forward.folds == backward.folds[::-1]
    assert forward.folds != cross_fit(DOCUMENTS, IDS, 3, Remembers, remember, seed=2).folds


def test_wrong_use():
    for k in (0, -1, 12):
        with pytest.raises(ConfigError):
            cross_fit(DOCUMENTS, IDS, k, Remembers, remember)
    with pytest.raises(ConfigError, match="ids: expected one for each of 11 documents, got 2"):
        cross_fit(DOCUMENTS, [1, 2], 2, Remembers, remember)
    with pytest.raises(ValueError, match="predict: expected one result for each of 11"):
        cross_fit(DOCUMENTS, IDS, None, Remembers, lambda model, documents: [])
