"""Selective read: the generator is shown what would come next if it went on copying.

A transformer learns to continue a quotation only after hundreds of millions of tokens (its
"induction heads": Olsson et al. 2022). A model that is trained on a CPU never sees so many. CopyNet
(Gu et al. 2016, section 3.2, "selective read") gives the decoder the source at the places where its
last token stands; here it gets the embedding of the token *after* those places, and only after the
places whose context agrees longest with what was written so far. What it does with that is learned:
the copy tag and the token are still chosen by the model.

The same thing is computed for a whole target at once (training) and token by token (decoding,
O(source) per step).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def match_lengths(ids: Tensor, source_lengths: Tensor, longest: int) -> Tensor:
    """How many tokens up to place i equal those before place j, (B, L, L) int8, at most `longest`.

    ids (B, L) holds source and target; i is a place of the target, j one between the source's
    [CLS] and [SEP], everything else is 0.

    With source 2 7 8 9 3 and target 2 7 8, the last row (…7 8) agrees with what stands before the
    9 in two tokens:

    >>> match_lengths(torch.tensor([[2, 7, 8, 9, 3, 2, 7, 8]]), torch.tensor([5]), 4)[0, 7].tolist()
    [0, 0, 0, 2, 0, 0, 0, 0]
    """
    index = torch.arange(ids.shape[1], device=ids.device)
    written = index >= source_lengths[:, None]
    before = F.pad(ids, (1, 0), value=-1)[:, :-1]
    equal = (ids[:, :, None] == before[:, None, :]) & written[:, :, None]
    equal &= readable(index, source_lengths)[:, None, :]
    lengths, reach = equal.to(torch.int8), equal
    for _ in range(longest - 1):
        reach = equal & F.pad(reach, (1, 0, 1, 0))[:, :-1, :-1]
        lengths = lengths + reach
    return lengths


def readable(index: Tensor, source_lengths: Tensor) -> Tensor:
    """Places between [CLS] and [SEP] of the source, (B, L) bool."""
    return (index >= 1) & (index < source_lengths[:, None] - 1)


def weights_of(lengths: Tensor) -> Tensor:
    """Equal weights on the places of the longest match, (…, S) -> (…, S) float; all 0 without any.

    >>> weights_of(torch.tensor([0, 2, 1, 2]))
    tensor([0.0000, 0.5000, 0.0000, 0.5000])
    """
    best = lengths.amax(-1, keepdim=True)
    chosen = ((lengths == best) & (best > 0)).float()
    return chosen / chosen.sum(-1, keepdim=True).clamp(min=1)


class ReadState:
    """Match lengths of the beams while decoding, (B, W, S), and what there is to read (B, S, E)."""

    def __init__(self, source_ids: Tensor, source_mask: Tensor, words: Tensor, beams: int):
        index = torch.arange(source_ids.shape[1], device=source_ids.device)
        self.readable = readable(index, source_mask.sum(1))
        self.before = F.pad(source_ids, (1, 0), value=-1)[:, :-1]
        self.words = words
        shape = (source_ids.shape[0], beams, source_ids.shape[1])
        self.lengths = source_ids.new_zeros(shape, dtype=torch.int8)

    def advance(self, tokens: Tensor, longest: int) -> None:
        """The beams have written `tokens`, (B, W)."""
        equal = (tokens[:, :, None] == self.before[:, None, :]) & self.readable[:, None, :]
        longer = (F.pad(self.lengths, (1, 0))[..., :-1] + 1).clamp(max=longest)
        self.lengths = torch.where(equal, longer, 0)

    def reorder(self, parents: Tensor) -> None:
        rows = torch.arange(parents.shape[0], device=parents.device)[:, None]
        self.lengths = self.lengths[rows, parents]

    def keep(self, rows: Tensor) -> None:
        self.readable, self.before = self.readable[rows], self.before[rows]
        self.words, self.lengths = self.words[rows], self.lengths[rows]


class SelectiveRead(nn.Module):
    """The embeddings that follow the longest matches, averaged and turned by a learned matrix."""

    def __init__(self, hidden_size: int, longest: int):
        super().__init__()
        self.longest = longest
        # begins as small as every other matrix: at first what is read back says next to nothing
        self.turn = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, ids: Tensor, source_lengths: Tensor, words: Tensor) -> Tensor:
        """ids (B, L), source_lengths (B,), words (B, L, E) -> (B, L, E), zeros in the source."""
        weights = weights_of(match_lengths(ids, source_lengths, self.longest))
        return self.turn(weights.to(words.dtype) @ words)

    def step(self, tokens: Tensor, state: ReadState) -> Tensor:
        """tokens (B, W), written just now -> (B, W, E)."""
        state.advance(tokens, self.longest)
        return self.turn(weights_of(state.lengths) @ state.words)
