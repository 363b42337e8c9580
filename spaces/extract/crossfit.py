"""Cross-fitting: each training document is labelled by a labeller that has not seen it.

The generator learns from extracts. Were they the labeller's answers on its own training documents,
they would be better than any extract it meets later. So the documents are dealt into k folds, one
labeller is fitted without each fold, and that one predicts the fold (out-of-fold prediction, as in
stacking: Wolpert 1992, "Stacked Generalization").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from spaces.errors import ConfigError
from spaces.folds import assign_folds

__all__ = ["CrossFit", "cross_fit"]

Document = TypeVar("Document")
Model = TypeVar("Model")


@dataclass(frozen=True)
class CrossFit(Generic[Model]):
    """What cross-fitting leaves: `probabilities[i]`, one number per clause of document i, came from
    `models[folds[i]]`, which was fitted on all documents of the other folds (on all, when there is
    one model)."""

    probabilities: list[np.ndarray]
    folds: list[int]
    models: list[Model]


def cross_fit(
    documents: Sequence[Document],
    ids: Sequence[Any],
    k: int | None,
    fit: Callable[[list[Document], int], Model],
    predict: Callable[[Model, list[Document]], Sequence[np.ndarray]],
    seed: int = 0,
) -> CrossFit[Model]:
    """Out-of-fold predictions for every document.

    `fit(documents, fold)` is called once per fold with the documents outside it; `fold` lets it
    name, store and find a model again. `predict(model, documents)` gives one array for each
    document. Folds come from `assign_folds(ids, k, seed)`, so a document stays in its fold when the
    order of the documents changes. `k` None or 1: no folds, one model (fold 0) fitted on everything
    predicts everything, in-sample. Raises ConfigError for k below 1 or above the number of
    documents.

    Documents 0 1 2 3 in folds 0 1 0 1: `fit` gets [1, 3] as fold 0 and predicts 0 and 2; then [0,
    2] as fold 1, and predicts 1 and 3.
    """
    if len(ids) != len(documents):
        raise ConfigError(
            f"ids: expected one for each of {len(documents)} documents, got {len(ids)}"
        )
    if k is None or k == 1:
        model = fit(list(documents), 0)
        probabilities = _predict(predict, model, list(documents))
        return CrossFit(probabilities=probabilities, folds=[0] * len(documents), models=[model])
    folds = assign_folds(ids, k, seed)
    models: list[Model] = []
    results: dict[int, np.ndarray] = {}
    for fold in range(k):
        inside = [i for i, f in enumerate(folds) if f == fold]
        model = fit([documents[i] for i, f in enumerate(folds) if f != fold], fold)
        models.append(model)
        predicted = _predict(predict, model, [documents[i] for i in inside])
        results.update(zip(inside, predicted, strict=True))
    return CrossFit(
        probabilities=[results[i] for i in range(len(documents))], folds=folds, models=models
    )


def _predict(predict, model, documents: list) -> list[np.ndarray]:
    predicted = list(predict(model, documents))
    if len(predicted) != len(documents):
        raise ValueError(
            f"predict: expected one result for each of {len(documents)} documents, "
            f"got {len(predicted)}"
        )
    return predicted
