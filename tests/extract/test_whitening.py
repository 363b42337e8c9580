"""Whitened vectors."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.errors import ConfigError, ModelError
from spaces.extract.whitening import Whitening


def cone(count: int = 2000, size: int = 6) -> np.ndarray:
    """Correlated vectors far from the origin, as mean-pooled hidden states are."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(size, size)) * np.arange(1, size + 1)
    return (100 + random.normal(size=(count, size)) @ mixing).astype(np.float32)


def test_covariance_becomes_the_identity() -> None:
    vectors = cone()
    white = Whitening().fit([vectors]).transform(vectors)
    np.testing.assert_allclose(white.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(6), atol=1e-2)


def test_one_pass_over_batches_is_one_fit_over_all() -> None:
    vectors = cone()
    whole = Whitening().fit([vectors])
    parts = Whitening().fit([vectors[:7], vectors[7:7], vectors[7:900], vectors[900:]])
    np.testing.assert_allclose(parts.mean_, whole.mean_, rtol=1e-5)
    np.testing.assert_allclose(abs(parts.kernel_), abs(whole.kernel_), rtol=1e-3, atol=1e-6)


def test_the_first_dimensions_have_the_largest_variance() -> None:
    vectors = cone()
    few = Whitening(dims=2).fit([vectors])
    assert few.transform(vectors).shape == (2000, 2)
    assert (np.diff(few.variances_) <= 0).all()
    np.testing.assert_allclose(
        few.transform(vectors), Whitening().fit([vectors]).transform(vectors)[:, :2], atol=1e-5
    )


def test_directions_without_variance_are_left_out() -> None:
    flat = np.concatenate([cone(), np.ones((2000, 2))], axis=1)
    assert Whitening().fit([flat]).transform(flat).shape == (2000, 6)
    with pytest.raises(ConfigError, match="at most the 6 dimensions"):
        Whitening(dims=7).fit([flat])


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ModelError, match="got none"):
        Whitening().fit([np.zeros((0, 3))])
    with pytest.raises(ModelError, match="expected vectors of 6, .* got 5"):
        Whitening().fit([cone()]).transform(np.zeros((1, 5)))
    with pytest.raises(ConfigError, match="dims: expected at least 1, got 0"):
        Whitening(dims=0)
