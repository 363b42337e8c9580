"""The labeller: a dilated gated convolution (DGCNN) that gives each clause a probability.

The network of SPACES: a projection, then residual gated convolutions with dilations 1 2 4 8 1 1 and
kernel 3, each `x + alpha * LayerNorm(conv * sigmoid(gate))` (gates as in Dauphin et al. 2017,
"Language Modeling with Gated Convolutional Networks"; alpha from 0 as in Bachlechner et al. 2020,
"ReZero is All You Need"), then one logit for each clause. It reads the whole judgment at once, 17
clauses to either side of each clause, at any length.

`select` turns probabilities into the clauses to keep. It decides what the second stage, and so a
reader, gets to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import init
from transformers import PreTrainedConfig
from transformers.utils import ModelOutput

from spaces.errors import ConfigError, ModelError
from spaces.pretrained import Pretrained

__all__ = ["Labeller", "LabellerConfig", "LabellerOutput", "pad_vectors", "select"]


class LabellerConfig(PreTrainedConfig):
    """Sizes of the labeller, and the `threshold` for `select`.

    `input_size` is the width of a sentence vector.     Raises ConfigError, naming the field, for a
    value outside its range.
    """

    model_type = "spaces-labeller"

    def __init__(
        self,
        input_size: int = 768,
        hidden_size: int = 384,
        dilations: Sequence[int] = (1, 2, 4, 8, 1, 1),
        kernel_size: int = 3,
        dropout: float = 0.1,
        threshold: float = 0.2,
        **kwargs,
    ) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.dilations = list(dilations)
        self.kernel_size = kernel_size
        self.dropout = dropout
        self.threshold = threshold
        _require("input_size", input_size, input_size >= 1, "at least 1")
        _require("hidden_size", hidden_size, hidden_size >= 1, "at least 1")
        _require(
            "dilations",
            self.dilations,
            all(d >= 1 for d in self.dilations),
            "whole numbers of at least 1",
        )
        _require(
            "kernel_size",
            kernel_size,
            kernel_size >= 1 and kernel_size % 2 == 1,
            "an odd number (it has a middle)",
        )
        _require("dropout", dropout, 0 <= dropout < 1, "at least 0 and below 1")
        _require("threshold", threshold, 0 <= threshold <= 1, "a probability from 0 to 1")
        super().__init__(**kwargs)


def _require(name: str, value: object, good: bool, expected: str) -> None:
    if not good:
        raise ConfigError(f"labeller {name}: expected {expected}, got {value!r}")


@dataclass
class LabellerOutput(ModelOutput):
    """`loss`: a scalar, present with labels; `logits`: (B, N), 0 where the mask is False."""

    loss: Tensor | None = None
    logits: Tensor | None = None


class GatedBlock(nn.Module):
    """`x + alpha * LayerNorm(conv(x) * sigmoid(gate(x)))`, alpha one number learned from 0.

    Both convolutions are one with twice the channels. `x` is (B, N, H), `mask` (B, N) bool; places
    outside the mask are zeros for the convolution, exactly like what lies beyond the ends.
    """

    def __init__(self, size: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        reach = dilation * (kernel_size - 1) // 2
        self.conv = nn.Conv1d(size, 2 * size, kernel_size, padding=reach, dilation=dilation)
        self.norm = nn.LayerNorm(size)
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, *, x: Tensor, mask: Tensor) -> Tensor:
        visible = x.masked_fill(~mask[:, :, None], 0.0)
        value, gate = self.conv(visible.transpose(1, 2)).transpose(1, 2).chunk(2, dim=-1)
        return x + self.alpha * self.norm(value * torch.sigmoid(gate))


class Labeller(Pretrained):
    """Sentence vectors of whole judgments to logits; a masked place never influences another."""

    config_class = LabellerConfig

    def __init__(self, config: LabellerConfig) -> None:
        super().__init__(config)
        self.project = nn.Linear(config.input_size, config.hidden_size)
        self.blocks = nn.ModuleList(
            GatedBlock(config.hidden_size, config.kernel_size, dilation)
            for dilation in config.dilations
        )
        self.dropout = nn.Dropout(config.dropout)
        self.classify = nn.Linear(config.hidden_size, 1)
        self.initialize()

    def init_weights(self, module: nn.Module) -> None:
        """Glorot as in the original."""
        if isinstance(module, (nn.Linear, nn.Conv1d)):
            init.xavier_uniform_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, GatedBlock):
            init.zeros_(module.alpha)

    def forward(
        self, *, vectors: Tensor, mask: Tensor, labels: Tensor | None = None
    ) -> LabellerOutput:
        """Logits of all clauses, and with labels the loss.

        `vectors` (B, N, input_size) in any float type; `mask` (B, N), True at real clauses;
        `labels` (B, N) from 0 to 1. The loss is binary cross-entropy, averaged over the real
        clauses of the batch. Raises ModelError when the vectors have another width than the
        labeller was made for.
        """
        if vectors.shape[-1] != self.config.input_size:
            raise ModelError(
                f"the labeller expects vectors of {self.config.input_size}, "
                f"the encoder gives {vectors.shape[-1]}: was it trained with another encoder?"
            )
        mask = mask.bool()
        vectors = vectors.to(self.project.weight.dtype).masked_fill(~mask[:, :, None], 0.0)
        x = self.dropout(self.project(self.dropout(vectors)))
        for block in self.blocks:
            x = self.dropout(block(x=x, mask=mask))
        logits = self.classify(x).squeeze(-1).masked_fill(~mask, 0.0)
        loss = None
        if labels is not None:
            losses = nn.functional.binary_cross_entropy_with_logits(
                logits, labels.to(logits.dtype), reduction="none"
            )
            loss = losses.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)
        return LabellerOutput(loss=loss, logits=logits)

    @torch.inference_mode()
    def probabilities(
        self, documents: Sequence[np.ndarray], *, batch_size: int = 16
    ) -> list[np.ndarray]:
        """Float32 probabilities (clauses,) for each document of vectors (clauses, input_size).

        Documents of similar length share a batch. A document without clauses gets an empty array.
        Dropout is off; the labeller is left in the mode it was in.
        """
        results = [np.zeros(0, dtype=np.float32) for _ in documents]
        order = sorted(
            (i for i, d in enumerate(documents) if len(d)), key=lambda i: -len(documents[i])
        )
        training = self.training
        self.eval()
        try:
            for start in range(0, len(order), batch_size):
                places = order[start : start + batch_size]
                vectors, mask = pad_vectors([documents[i] for i in places])
                logits = self(vectors=vectors.to(self.device), mask=mask.to(self.device)).logits
                batch = torch.sigmoid(logits.float()).cpu().numpy()
                for row, i in enumerate(places):
                    results[i] = batch[row, : len(documents[i])].copy()
        finally:
            self.train(training)
        return results


def pad_vectors(documents: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Vectors (B, N, D) float32 and mask (B, N) bool for at least one document of (clauses, D)."""
    longest = max(len(document) for document in documents)
    vectors = torch.zeros((len(documents), longest, documents[0].shape[1]), dtype=torch.float32)
    mask = torch.zeros((len(documents), longest), dtype=torch.bool)
    for row, document in enumerate(documents):
        vectors[row, : len(document)] = torch.from_numpy(np.asarray(document, dtype=np.float32))
        mask[row, : len(document)] = True
    return vectors, mask


def select(
    probabilities: Sequence[float] | np.ndarray,
    *,
    threshold: float = 0.2,
    token_counts: Sequence[int] | np.ndarray | None = None,
    max_tokens: int | None = None,
    min_clauses: int = 1,
) -> np.ndarray:
    """Which clauses to keep: a bool for each of `probabilities`, at least one True if there is any.

    1. Clauses with a probability above `threshold` are kept; when those are fewer than
       `min_clauses`, the most probable `min_clauses` are (all, when there are fewer).
    2. When the kept ones hold more than `max_tokens` tokens (`token_counts`, one for each clause;
       both or neither), the least probable are dropped until they fit. The most probable clause
       always stays, even when it alone is too long (the generator then reads its beginning).

    A clause of 0 tokens says nothing to the generator: it counts as less probable than any clause
    with tokens. Equal probabilities: the earlier clause goes first. The same input gives the same
    answer on every machine. Raises ModelError for NaN, ConfigError for settings that do not fit.

    >>> select([0.9, 0.1, 0.5, 0.3], token_counts=[5, 5, 5, 5], max_tokens=10).tolist()
    [True, False, True, False]
    >>> select([0.1, 0.15, 0.05], threshold=0.2).tolist()
    [False, True, False]
    """
    values = np.asarray(probabilities, dtype=np.float32)  # labels may come as unsigned numbers
    if np.isnan(values).any():
        raise ModelError(
            "select: expected probabilities, got NaN: weights or vectors of the model are broken"
        )
    if min_clauses < 1:
        raise ConfigError(
            f"min_clauses: expected at least 1, got {min_clauses}: an empty extract has no summary"
        )
    if (token_counts is None) != (max_tokens is None):
        raise ConfigError("token_counts, max_tokens: expected both or neither, got one of them")
    counts = np.ones(len(values), dtype=int) if token_counts is None else np.asarray(token_counts)
    if counts.shape != values.shape:
        raise ConfigError(
            f"token_counts: expected one for each of {len(values)} clauses, got {len(counts)}"
        )
    best_first = np.lexsort((-values, counts == 0))  # stable: of equal ones the first comes first
    passed = (values > threshold) & (counts > 0)
    kept = best_first[: max(int(passed.sum()), min_clauses)]
    if max_tokens is not None and len(kept):
        fitting = int((np.cumsum(counts[kept]) <= max_tokens).sum())
        kept = kept[: max(fitting, 1)]
    keep = np.zeros(len(values), dtype=bool)
    keep[kept] = True
    return keep
