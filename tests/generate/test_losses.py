"""The loss of sparse softmax against a plain version."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from spaces.generate.losses import sparse_cross_entropy


def plain(logits: list[list[float]], labels: list[int], k: int) -> float:
    """log of the sum over the k largest logits and the true one, less the true one; the mean."""
    losses = []
    for row, label in zip(logits, labels, strict=True):
        order = sorted(range(len(row)), key=lambda i: -row[i])
        counted = {*order[:k], label}
        losses.append(math.log(sum(math.exp(row[i]) for i in counted)) - row[label])
    return sum(losses) / len(losses)


def draw(rows: int = 6, size: int = 9, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, size, generator=random, dtype=torch.float64)
    return logits, torch.randint(0, size, (rows,), generator=random)


@pytest.mark.parametrize("k", [1, 2, 5, 8])
@pytest.mark.parametrize("seed", range(5))
def test_equals_the_plain_version(k: int, seed: int) -> None:
    logits, labels = draw(seed=seed)
    expected = plain(logits.tolist(), labels.tolist(), k)
    assert sparse_cross_entropy(logits, labels, k).item() == pytest.approx(expected, abs=1e-9)


def test_by_hand() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0]])
    inside = sparse_cross_entropy(logits, torch.tensor([0]), 2).item()
    assert inside == pytest.approx(math.log(math.e**2 + math.e) - 2, abs=1e-6)
    outside = sparse_cross_entropy(logits, torch.tensor([2]), 1).item()
    assert outside == pytest.approx(math.log(math.e**2 + 1), abs=1e-6)


@pytest.mark.parametrize("k", [0, 9, 20])
def test_all_logits_give_cross_entropy(k: int) -> None:
    logits, labels = draw()
    expected = F.cross_entropy(logits, labels).item()
    assert sparse_cross_entropy(logits, labels, k).item() == pytest.approx(expected, abs=1e-12)


def test_a_hopeless_true_label_costs_a_finite_positive_loss() -> None:
    logits = torch.zeros(1, 50)
    logits[0, 7] = -1e4
    loss = sparse_cross_entropy(logits, torch.tensor([7]), 10)
    assert loss.item() == pytest.approx(1e4 + math.log(10), rel=1e-6)
    best = torch.zeros(1, 50)
    best[0, 7] = 1e4
    assert sparse_cross_entropy(best, torch.tensor([7]), 10).item() == pytest.approx(0, abs=1e-6)


def test_the_gradient_touches_the_k_largest_and_the_true_one_only() -> None:
    logits = torch.tensor([[5.0, 4.0, 3.0, 2.0, 1.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
    logits.requires_grad_()
    sparse_cross_entropy(logits, torch.tensor([1, 4]), 2).backward()
    assert (logits.grad != 0).tolist() == [
        [True, True, False, False, False],
        [True, True, False, False, True],
    ]
    assert logits.grad[0, 1] < 0 < logits.grad[0, 0]  # the true word is pulled up
    assert logits.grad[1, 4] < 0 < logits.grad[1, 0]
    assert torch.allclose(logits.grad.sum(-1), torch.zeros(2), atol=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_one_survivor_that_is_right_teaches_nothing() -> None:
    logits = torch.tensor([[3.0, 1.0, 0.0]], requires_grad=True)
    loss = sparse_cross_entropy(logits, torch.tensor([0]), 1)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.tolist() == [[0, 0, 0]]


def test_a_negative_k_is_an_error() -> None:
    logits, labels = draw()
    with pytest.raises(ValueError, match="not -1"):
        sparse_cross_entropy(logits, labels, -1)
