"""Sentence vectors: the mean of a pretrained backbone's hidden states over the tokens of a text.

As SPACES takes them from a frozen RoBERTa, with two differences. Only the text's own tokens are
averaged: neither padding nor the [CLS] and [SEP] around them count, so a vector never depends on
the batch it was computed in. And nothing is cut off: a text longer than one window is encoded
window by window, and the mean runs over all its tokens.

Two other ways to make one vector of many are there for comparing sentences, where they are usual:
the average of the first and the last layer (Su et al. 2021, "Whitening Sentence Representations"),
and the hidden state of [CLS] (Devlin et al. 2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from spaces.errors import ConfigError, ModelError

__all__ = ["BATCH_TOKENS", "POOLINGS", "SentenceEncoder"]

POOLINGS = ("last", "first-last", "cls")
BATCH_TOKENS = 512
"""Enough to keep a CPU's matrix products busy; with more of them clauses of other lengths come
together, and the padding costs more than it saves."""
_ROUND = 4


class _Window(NamedTuple):
    """A stretch of one text as the backbone reads it."""

    text: int  # place of the text among those to encode
    ids: list[int]  # with [CLS] and [SEP] where the tokenizer has them


class SentenceEncoder:
    """Texts to vectors, with a backbone that is passed in and stays as it is.

    `backbone(input_ids=(B, L) long, attention_mask=(B, L) bool) -> (B, L, H)` is any module;
    `tokenizer` any callable with the signature of Hugging Face tokenizers, whose `cls_token_id` and
    `sep_token_id` (None: left out) frame each window. `max_tokens` is the longest window in tokens,
    frame included. `pooling` says what a vector is:

    - "last": the mean of the last layer over the text's tokens;
    - "first-last": the same mean of (first layer + last layer) / 2, where the first layer is the
      output of the first of `backbone.blocks`;
    - "cls": the last layer at [CLS], and the mean of that over the windows of a long text.

    Raises ConfigError for another pooling, and for one that backbone or tokenizer cannot give.

    >>> vectors = SentenceEncoder(backbone, tokenizer).encode(["本院认为，", "驳回原告的诉讼请求。",
    ""])
    >>> vectors.shape, vectors[2].any()
    ((3, 320), False)
    """

    def __init__(
        self, backbone: nn.Module, tokenizer, *, max_tokens: int = 256, pooling: str = "last"
    ) -> None:
        if pooling not in POOLINGS:
            raise ConfigError(f"pooling: expected one of {', '.join(POOLINGS)}, got {pooling!r}")
        self.pooling = pooling
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.before = [i for i in [getattr(tokenizer, "cls_token_id", None)] if i is not None]
        self.after = [i for i in [getattr(tokenizer, "sep_token_id", None)] if i is not None]
        frame = len(self.before) + len(self.after)
        self.max_tokens, self.room = max_tokens, max_tokens - frame
        if self.room < 1:
            raise ConfigError(
                f"max_tokens: expected more than the {frame} tokens that frame a window, "
                f"got {max_tokens}"
            )
        if pooling == "cls" and not self.before:
            raise ConfigError(
                "pooling: cls needs a tokenizer with a [CLS] token, this one has none: use last"
            )
        if pooling == "first-last" and not len(getattr(backbone, "blocks", ())):
            raise ConfigError(
                "pooling: first-last needs a backbone that names its layers (blocks), "
                "this one does not: use last"
            )

    def encode(self, texts: Sequence[str], *, batch_tokens: int = BATCH_TOKENS) -> np.ndarray:
        """Vectors of `texts`, float32, shape (n, hidden), in the order of `texts`.

        A batch holds as many windows of similar length as fit into `batch_tokens` tokens, padding
        included. A text that occurs more than once is encoded once. A text without tokens (empty,
        blank) has the zero vector.
        """
        if isinstance(texts, str):
            raise TypeError("texts: expected a list of texts, got one text: wrap it in a list")
        place_of = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        windows = self._windows(list(place_of))
        hidden: int | None = None
        sums = np.zeros((0, 0), dtype=np.float32)
        counts = np.zeros(len(place_of), dtype=np.int64)
        for batch in _batches(windows, batch_tokens):
            batch_sums, batch_counts = self._sum_states(batch)
            if hidden is None:
                hidden = batch_sums.shape[1]
                sums = np.zeros((len(place_of), hidden), dtype=np.float32)
            for window, window_sum, count in zip(batch, batch_sums, batch_counts, strict=True):
                sums[window.text] += window_sum
                counts[window.text] += count
        if hidden is None:
            return np.zeros((len(texts), self._hidden_size()), dtype=np.float32)
        means = sums / np.maximum(counts, 1)[:, None].astype(np.float32)
        return means[[place_of[text] for text in texts]]

    def _windows(self, texts: list[str]) -> list[_Window]:
        """Windows of all texts, longest first: if memory is too small, the first batch shows it."""
        if not texts:
            return []
        encoded = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        windows = [
            _Window(place, [*self.before, *ids[start : start + self.room], *self.after])
            for place, ids in enumerate(encoded)
            for start in range(0, len(ids), self.room)
        ]
        return sorted(windows, key=lambda window: -len(window.ids))

    @torch.inference_mode()
    def _sum_states(self, batch: list[_Window]) -> tuple[np.ndarray, np.ndarray]:
        """Sum of hidden states over the tokens of each window that count, float32 (B, hidden), and
        how many they are (B,)."""
        rows, width = len(batch), max(len(window.ids) for window in batch)
        shape = _rounded(rows) if rows > _ROUND else rows, min(_rounded(width), self.max_tokens)
        input_ids = torch.zeros(shape, dtype=torch.long)
        lengths = torch.zeros(shape[0], dtype=torch.long)
        lengths[:rows] = torch.tensor([len(window.ids) for window in batch])
        for row, window in enumerate(batch):
            input_ids[row, : len(window.ids)] = torch.tensor(window.ids)
        positions = torch.arange(input_ids.shape[1])[None, :]
        attention_mask = positions < lengths[:, None]
        own = (positions >= len(self.before)) & (positions < lengths[:, None] - len(self.after))
        if self.pooling == "cls":
            own = (positions == 0).expand(len(lengths), -1)
        device = next(
            (parameter.device for parameter in self.backbone.parameters()), torch.device("cpu")
        )
        training = self.backbone.training
        self.backbone.eval()
        try:
            states = self._states(input_ids.to(device), attention_mask.to(device))
        finally:
            self.backbone.train(training)
        # Not a product with the mask: what a backbone leaves at padding may be anything, infinity
        # and NaN included.
        states = states.float().masked_fill(~own.to(device)[:, :, None], 0.0)
        return states.sum(dim=1)[:rows].cpu().numpy(), own.sum(dim=1)[:rows].numpy()

    def _states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """What is averaged, (B, L, H): the last layer, or the mean of it and the first."""
        if self.pooling != "first-last":
            return self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        first: list[torch.Tensor] = []

        def keep(block, inputs, output) -> None:
            # a block may give its keys and values beside its hidden states
            first.append(output[0] if isinstance(output, tuple) else output)

        hook = self.backbone.blocks[0].register_forward_hook(keep)
        try:
            last = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        finally:
            hook.remove()
        return (first[0].float() + last.float()) / 2

    def _hidden_size(self) -> int:
        """The width of a vector when there was no token to compute one from."""
        size = getattr(getattr(self.backbone, "config", None), "hidden_size", None)
        if size is None:
            raise ModelError(
                "the backbone names no config.hidden_size, and without any token the width of a "
                "vector is unknown: encode at least one text that is not blank"
            )
        return int(size)


def _rounded(count: int) -> int:
    """Up to a multiple of `_ROUND`: oneDNN keeps a compiled kernel for each of the last thousand
    shapes that it met, and a corpus of clauses has them all."""
    return -(-count // _ROUND) * _ROUND


def _batches(windows: list[_Window], batch_tokens: int) -> Iterator[list[_Window]]:
    """Runs of `windows` (longest first) that fit into `batch_tokens` padded; at least one each."""
    start = 0
    while start < len(windows):
        rows = max(1, batch_tokens // _rounded(len(windows[start].ids)))
        if rows > _ROUND:
            rows -= rows % _ROUND
        yield windows[start : start + rows]
        start += rows
