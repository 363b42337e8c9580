"""Sequences of different lengths as one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from spaces.generate.tokenizer import PAD

__all__ = ["pad"]


def pad(
    sequences: Sequence[Sequence[float]], device: torch.device, dtype: torch.dtype = torch.long
) -> tuple[Tensor, Tensor]:
    """B sequences padded on the right with PAD (0), (B, S), and the mask (B, S) bool of what is
    real.

    Raises ValueError for a sequence of no tokens.
    """
    if not all(len(sequence) for sequence in sequences):
        raise ValueError("a source needs at least one token, [CLS] and [SEP] included")
    rows = [torch.tensor(sequence, dtype=dtype) for sequence in sequences]
    lengths = torch.tensor([len(row) for row in rows], device=device)
    padded = pad_sequence(rows, batch_first=True, padding_value=PAD).to(device)
    return padded, torch.arange(padded.shape[1], device=device) < lengths[:, None]
