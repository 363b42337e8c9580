"""Sentence vectors in context: the judgment is read window by window, not clause by clause.

`SentenceEncoder` reads each clause by itself, as SPACES does. Whether 借款50000元 is worth keeping
can be told better from what stands around it, so here a window holds as many clauses as fit, every
token sees every other one of its window and has the section of its clause as its segment, and the
vector of a clause is the mean of the hidden states of its own tokens, as before (Liu and Lapata
2019, "Text Summarization with Pretrained Encoders", read the document whole for the same reason).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spaces.errors import ConfigError, ModelError
from spaces.extract.encoder import BATCH_TOKENS, SentenceEncoder
from spaces.sections import SECTIONS

__all__ = [
    "ClauseEncoder",
    "TokenizedClauses",
    "Windows",
    "cut_windows",
    "make_windows",
    "token_states",
]

_FRAME = 2  # [CLS] and [SEP]


@dataclass(frozen=True)
class TokenizedClauses:
    """The clauses of one judgment: `ids` (tokens,) of all of them, `counts` (n,) how many each
    has, `segments` (n,) what the backbone is told of each."""

    ids: np.ndarray
    counts: np.ndarray
    segments: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], segments: Sequence[int], tokenizer) -> TokenizedClauses:
        encoded = tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        return cls(
            np.array([i for ids in encoded for i in ids], dtype=np.int32),
            np.array([len(ids) for ids in encoded], dtype=np.int32),
            np.array(segments, dtype=np.int32),
        )

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def owners(self) -> np.ndarray:
        """(tokens,): the clause of each token."""
        return np.repeat(np.arange(len(self)), self.counts)


class Windows(NamedTuple):
    """`input_ids`, `attention_mask`, `segments`, each (W, L); `owners` (W, L): the clause, among
    those of all judgments in the batch, that a token belongs to; their number for any other."""

    input_ids: Tensor
    attention_mask: Tensor
    segments: Tensor
    owners: Tensor


def cut_windows(counts: np.ndarray, window: int, first: int | None = None) -> list[tuple[int, int]]:
    """Where windows of at most `window` tokens, [CLS] and [SEP] included, begin and end among the
    tokens of clauses of `counts`. They end with a clause, unless one clause is longer than a
    window. `first` is the most tokens of the first window, where it is to be shorter.

    >>> cut_windows(np.array([3, 3, 3, 9]), 8)
    [(0, 6), (6, 9), (9, 15), (15, 18)]
    """
    ends = np.cumsum(counts)
    start, cuts, room = 0, [], window - _FRAME if first is None else first
    while len(ends) and start < ends[-1]:
        whole = np.searchsorted(ends, start + room, side="right")
        end = int(ends[whole - 1]) if whole else 0
        if end <= start:
            end = min(start + room, int(ends[-1]))
        cuts.append((start, end))
        start, room = end, window - _FRAME
    return cuts


def make_windows(
    cuts: Sequence[tuple[TokenizedClauses, int, int, int]], clauses: int, frame: tuple[int, int]
) -> Windows:
    """A padded batch of windows, each of `(judgment, its first clause among all, start, end)`, of
    judgments that have `clauses` together; `frame` is [CLS] and [SEP]."""
    width = max(end - start for _, _, start, end in cuts) + _FRAME
    ids = np.zeros((len(cuts), width), dtype=np.int64)
    segments, mask = np.zeros_like(ids), np.zeros_like(ids, dtype=bool)
    owners = np.full_like(ids, clauses)
    for row, (judgment, first, start, end) in enumerate(cuts):
        inside = slice(1, 1 + end - start)
        own = judgment.owners[start:end]
        ids[row, 0], ids[row, inside.stop] = frame
        ids[row, inside] = judgment.ids[start:end]
        segments[row, inside] = judgment.segments[own]
        owners[row, inside] = first + own
        mask[row, : inside.stop + 1] = True
    return Windows(*map(torch.from_numpy, (ids, mask, segments, owners)))


def token_states(backbone: nn.Module, windows: Windows) -> Tensor:
    """Hidden states of all tokens in `windows`, (W * L, H) float32."""
    input_ids, attention_mask, segments, _ = windows
    states = backbone(input_ids=input_ids, attention_mask=attention_mask, segments=segments)
    return states.float().flatten(0, 1)


class ClauseEncoder:
    """Judgments to vectors of their clauses, with a backbone that stays as it is.

    `window` is how many tokens are read at once, [CLS] and [SEP] included; 0: each clause is read
    by itself, as `SentenceEncoder` does. `first_segment` is the segment of the first section.
    Raises ConfigError for a window without room, ModelError for a backbone that does not tell the
    sections apart.
    """

    def __init__(self, backbone: nn.Module, tokenizer, *, window: int, first_segment: int):
        if window and window <= _FRAME:
            raise ConfigError(f"window: expected 0 or more than {_FRAME} tokens, got {window}")
        told_apart, parts = backbone.config.segments, first_segment + len(SECTIONS)
        if window and told_apart < parts:
            raise ModelError(
                f"the encoder tells {told_apart} segments apart, a judgment has {parts}: it was "
                "not trained to read clauses in context (window 0 reads each by itself)"
            )
        self.backbone, self.tokenizer, self.window = backbone, tokenizer, window
        self.first_segment = first_segment
        self.alone = SentenceEncoder(backbone, tokenizer)

    @torch.inference_mode()
    def encode(
        self,
        judgments: Sequence[tuple[Sequence[str], Sequence[int]]],
        *,
        batch_tokens: int = BATCH_TOKENS,
    ) -> list[np.ndarray]:
        """Float32 vectors (n, hidden) for each judgment, given as the texts and the sections of its
        n clauses; what else is in the batch changes nothing. A clause without tokens has the zero
        vector.

        A batch holds as many windows of similar length as fit into `batch_tokens`, padding
        included.
        """
        ends = np.cumsum([0] + [len(texts) for texts, _ in judgments])
        if self.window:
            means = self._in_context(judgments, ends, batch_tokens)
        else:
            clauses = [text for texts, _ in judgments for text in texts]
            means = self.alone.encode(clauses, batch_tokens=batch_tokens)
        return [means[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]

    def _in_context(self, judgments, ends: np.ndarray, batch_tokens: int) -> np.ndarray:
        documents = [
            TokenizedClauses.of(texts, [self.first_segment + s for s in sections], self.tokenizer)
            for texts, sections in judgments
        ]
        cuts = [
            (document, int(first), start, end)
            for document, first in zip(documents, ends, strict=False)
            for start, end in cut_windows(document.counts, self.window)
        ]
        cuts.sort(key=lambda cut: cut[2] - cut[3])  # the longest first
        total = int(ends[-1])
        sums = torch.zeros(total + 1, self.backbone.config.hidden_size)
        frame = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        start = 0
        while start < len(cuts):
            rows = max(1, batch_tokens // (cuts[start][3] - cuts[start][2] + _FRAME))
            windows = make_windows(cuts[start : start + rows], total, frame)
            there = Windows(*(tensor.to(self.backbone.device) for tensor in windows))
            states = token_states(self.backbone, there).cpu()
            sums.index_add_(0, windows.owners.flatten(), states)
            start += rows
        counts = [count for document in documents for count in document.counts]
        return sums[:-1].numpy() / np.maximum(np.array(counts, dtype=np.float32), 1)[:, None]
