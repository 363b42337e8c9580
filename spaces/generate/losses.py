"""Sparse softmax's loss.

Softmax gives every word of the vocabulary a little mass, however little it deserves; over a target
of 200 tokens the model learns to push thousands of hopeless words ever further down, which is
over-fitting. Sparse softmax (Su, SPACES 2021) lets only the k largest logits count.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def sparse_cross_entropy(logits: Tensor, labels: Tensor, k: int) -> Tensor:
    """mean of logsumexp(the k largest logits) - the true logit, the true one always among those
    that count.

    logits (N, V), labels (N,) -> a number. The article's loss is negative when the true logit is
    not among the k largest, which is unbounded below; here the true logit takes part in the sum, so
    the loss is never negative and is the same wherever the article's is well behaved. `k` = 0 is
    ordinary cross-entropy: prefer that where a model starts from nothing, since the sparse loss
    moves only k words at each step.

    log(e^2 + e^1) - 2, the third logit being left out:

    >>> sparse_cross_entropy(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([0]), 2)
    tensor(0.3133)
    """
    if k < 0:
        raise ValueError(f"sparse softmax keeps k >= 1 logits, or all of them with k = 0, not {k}")
    if k == 0 or k >= logits.shape[-1]:
        return F.cross_entropy(logits, labels)
    true = logits.gather(-1, labels[:, None])
    top = logits.topk(k, dim=-1)
    # the true word stands first; where it is among the k largest its other copy is taken out
    others = top.values.masked_fill(top.indices == labels[:, None], float("-inf"))
    return (torch.cat([true, others], dim=-1).logsumexp(-1) - true[:, 0]).mean()
