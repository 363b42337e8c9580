"""The labeller learns, reproducibly and quietly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spaces.errors import ConfigError, ModelError
from spaces.extract.crossfit import cross_fit
from spaces.extract.labeller import Labeller, LabellerConfig
from spaces.extract.store import write_vectors
from spaces.extract.training import LabelledVectors, label_scores, train_labeller


def toy(n: int, seed: int = 0) -> list[LabelledVectors]:
    """Documents in which a clause counts when the first number of its left neighbour is positive,
    so that the label cannot be read from the clause alone."""
    rng = np.random.default_rng(seed)
    documents = []
    for _ in range(n):
        vectors = rng.normal(size=(rng.integers(6, 14), 5)).astype(np.float32)
        labels = np.concatenate([[0], vectors[:-1, 0] > 0]).astype(np.uint8)
        documents.append(LabelledVectors(vectors, labels))
    return documents


def tiny(**settings) -> LabellerConfig:
    defaults = {"input_size": 5, "hidden_size": 16, "dilations": (1, 2), "dropout": 0.0}
    return LabellerConfig(**{**defaults, "threshold": 0.5, **settings})


def scores(labeller: Labeller, documents: list[LabelledVectors]) -> dict[str, float]:
    probabilities = labeller.probabilities([document.vectors for document in documents])
    kept = np.concatenate(probabilities) > labeller.config.threshold
    return label_scores(kept, np.concatenate([document.labels for document in documents]))


def fit(documents, **settings) -> Labeller:
    defaults = {"config": tiny(), "epochs": 1, "batch_size": 4}
    return train_labeller(documents, **{**defaults, **settings})


def test_overfits_a_toy_problem_and_says_nothing(capfd, tmp_path):
    documents = toy(16)
    labeller = fit(documents, epochs=25, learning_rate=3e-2, output_dir=tmp_path)
    assert scores(labeller, documents)["f1"] > 0.99
    assert not labeller.training
    out, err = capfd.readouterr()
    assert out == "" and err == ""
    # What is saved is the labeller and nothing else.
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    loaded = Labeller.from_pretrained(tmp_path)
    vectors = [documents[0].vectors]
    np.testing.assert_array_equal(
        loaded.probabilities(vectors)[0], labeller.probabilities(vectors)[0]
    )


def test_labels_may_be_probabilities():
    documents = [LabelledVectors(d.vectors, 0.1 + 0.6 * d.labels) for d in toy(16)]
    labeller = fit(documents, epochs=25, learning_rate=3e-2)
    found = np.concatenate(labeller.probabilities([d.vectors for d in documents]))
    np.testing.assert_allclose(found, np.concatenate([d.labels for d in documents]), atol=0.1)


def test_the_same_seed_gives_the_same_labeller():
    first, second, other = (fit(toy(8), seed=seed) for seed in (3, 3, 4))
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])
    assert any(not torch.equal(w, other.state_dict()[n]) for n, w in first.state_dict().items())


def test_the_epoch_with_the_best_f1_is_returned(caplog, tmp_path):
    # A learning rate that soon ruins the labeller: the last epoch is not the best one.
    caplog.set_level("INFO", logger="spaces.extract.training")
    held_out = toy(12, seed=1)
    labeller = fit(toy(16), evaluation=held_out, epochs=6, learning_rate=0.5, output_dir=tmp_path)
    logged = [record.args for record in caplog.records if len(record.args) == 2]
    by_epoch = [log["eval_f1"] for _, log in logged if "eval_f1" in log]
    assert len(by_epoch) == 6
    assert scores(labeller, held_out)["f1"] == pytest.approx(max(by_epoch))
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}


def test_trains_from_disk_and_passes_over_empty_documents(tmp_path):
    documents = [*toy(6), LabelledVectors(np.zeros((0, 5), dtype=np.float32), np.zeros(0))]
    store = write_vectors(tmp_path, list(enumerate(documents)), width=5)
    from_disk = fit(store)
    halves = [LabelledVectors(d.vectors.astype(np.float16), d.labels) for d in documents]
    in_memory = fit(halves)
    for name, weight in from_disk.state_dict().items():
        assert torch.equal(weight, in_memory.state_dict()[name])


def test_cross_fitted_labellers_have_not_seen_the_labels_they_predict():
    # Labels by coin: a labeller that overfits knows those it saw and can only guess the others.
    rng = np.random.default_rng(0)
    documents = [LabelledVectors(d.vectors, rng.integers(0, 2, len(d))) for d in toy(8)]
    truth = np.concatenate([document.labels for document in documents])

    def f1(k: int | None) -> float:
        result = cross_fit(
            documents,
            list(range(8)),
            k,
            lambda part, fold: fit(
                part, config=tiny(hidden_size=48), epochs=40, learning_rate=2e-2, batch_size=8
            ),
            lambda labeller, part: labeller.probabilities([d.vectors for d in part]),
        )
        return label_scores(np.concatenate(result.probabilities) > 0.5, truth)["f1"]

    assert f1(None) > 0.95
    assert f1(2) < 0.7


def test_wrong_use():
    with pytest.raises(ConfigError, match="expected at least one with clauses"):
        fit([])
    with pytest.raises(ModelError, match="expects vectors of 6, the encoder gives 5"):
        fit(toy(2), config=tiny(input_size=6))


def test_label_scores():
    assert label_scores(np.array([1, 1, 0]), np.array([1, 0, 0])) == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
    }
    assert label_scores(np.zeros(3), np.zeros(3)) == {"precision": 0, "recall": 0, "f1": 0}
