"""Whitening: sentence vectors with mean zero and unit covariance, cut to their first dimensions.

From Su et al. 2021, "Whitening Sentence Representations for Better Semantics and Faster Retrieval":
with mean mu and covariance C = U S U' of the vectors, x -> (x - mu) W with W = U S^(-1/2) has the
identity as its covariance, and the first k columns of W keep the k directions of largest variance.
Averages of a language model's hidden states crowd in a narrow cone; whitened, their dot products
say more. The moments are summed batch by batch, so vectors may come from a memory map of any size.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spaces.errors import ConfigError, ModelError

__all__ = ["Whitening"]

# Directions whose variance is less than this share of the largest are noise of rounding: dividing
# by it would blow them up.
_LEAST = 1e-8


class Whitening:
    """Fitted by `fit`, then applied by `transform`.

    After `fit`: `mean_` (d,), `kernel_` (d, k) float32, `variances_` (d,), the largest first.

    >>> white = Whitening(dims=2).fit([vectors])  # batches (n, d)
    >>> white.transform(vectors).shape
    (1000, 2)
    """

    def __init__(self, dims: int | None = None) -> None:
        """`dims`: how many dimensions to keep; None: all. Raises ConfigError below 1."""
        if dims is not None and dims < 1:
            raise ConfigError(f"dims: expected at least 1, got {dims}")
        self.dims = dims

    def fit(self, batches: Iterable[np.ndarray]) -> Whitening:
        """Learn mean and kernel from batches (n, d), in one pass; returns self.

        Raises ModelError without any vector, ConfigError when fewer than `dims` dimensions vary.
        """
        count, total, products = 0, 0.0, 0.0
        for batch in batches:
            rows = np.asarray(batch, dtype=np.float64)
            if not len(rows):
                continue
            if not count:
                # a shift by any fixed vector leaves the covariance as it is, and the sums small
                shift = rows[0].copy()
            rows = rows - shift
            count += len(rows)
            total = total + rows.sum(0)
            products = products + rows.T @ rows
        if not count:
            raise ModelError("whitening: expected vectors to learn from, got none")
        mean = total / count
        covariance = products / count - np.outer(mean, mean)
        directions, variances, _ = np.linalg.svd(covariance)
        useful = int((variances > _LEAST * variances[0]).sum())
        kept = useful if self.dims is None else self.dims
        if kept > useful:
            raise ConfigError(
                f"dims: expected at most the {useful} dimensions in which these vectors vary, "
                f"got {kept}"
            )
        self.mean_ = (mean + shift).astype(np.float32)
        self.kernel_ = (directions[:, :kept] / np.sqrt(variances[:kept])).astype(np.float32)
        self.variances_ = variances.astype(np.float32)
        return self

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (n, d) -> (n, k) float32. Raises ModelError for another width than `fit` saw."""
        vectors = np.asarray(vectors, dtype=np.float32)
        if vectors.shape[-1] != len(self.mean_):
            raise ModelError(
                f"whitening: expected vectors of {len(self.mean_)}, as it was fitted on, "
                f"got {vectors.shape[-1]}"
            )
        return (vectors - self.mean_) @ self.kernel_
