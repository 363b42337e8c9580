"""Against repetition in decoding: what a beam may not say next, whatever the model prefers.

[SEP] is never among it, so a summary can always end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from spaces.errors import ConfigError
from spaces.generate.copying import NOT_COPIED, take_beams

NOTHING = -1  # a place without a token that could repeat


def repeat_limits(size: int) -> dict[int, int]:
    """The limits for `NoRepeat`: n-grams of `size` once, of half of it twice, of a quarter thrice.

    n-grams below 4 are left alone: 3 tokens are a date or an amount. 0: no limits. Of 743
    reference summaries written by people, cut into jieba's words, 36 break the limits of 16;
    156 have an 8-gram twice. Raises ConfigError for a size of 1 or below 0.

    >>> repeat_limits(16)
    {16: 1, 8: 2, 4: 3}
    """
    if size < 0 or size == 1:
        raise ConfigError(f"no_repeat must be 0 (off) or at least 2, not {size}")
    parts = {size // 2: 2, size // 4: 3}
    return {size: 1, **{n: times for n, times in parts.items() if n >= 4}} if size else {}


class NoRepeat:
    """An n-gram occurs in a summary only so many times, or as often as in the source.

    Rulings repeat whole phrases (被告于本判决生效之日起十日内给付原告…, once per item), and a
    summary may do so too; a model that turns in circles says a phrase more often than the
    judgment does. The usual rule (Paulus et al. 2017, "A Deep Reinforced Model for Abstractive
    Summarization", section 2.5) allows each n-gram once, whatever the source has. And against one
    length of n-grams a model says the same n - 1 tokens over and over, each time with another
    end; hence several lengths with their own limits: `limits` {8: 1, 4: 3} allows 8-grams once
    and 4-grams three times.

    `protected` tokens (the digits) are not banned where the source has the n-gram: a repeated
    amount is better than an amount cut short.

    With {2: 1}, source x y x y and summary y x y: y was followed by x once, and the source has y x
    once, so x is banned; after x, y would be allowed, since the source has x y twice.

    Kept as match lengths: for each place of source and summary, how many tokens before and at it
    are the summary's last ones. A step shifts the lengths by one place; no table of n-grams is
    built.
    """

    def __init__(
        self,
        *,
        source_ids: Tensor,
        beams: int,
        max_new_tokens: int,
        limits: Mapping[int, int],
        protected: Collection[int] = (),
    ) -> None:
        """`source_ids` (B, S) long, special tokens included; `limits`: n, at least 2, -> times."""
        special = torch.isin(source_ids, torch.tensor(NOT_COPIED, device=source_ids.device))
        source = source_ids.masked_fill(special, NOTHING)
        # one special place parts source and summary, so that no n-gram reaches across
        summary = source.new_full((source.shape[0], 1 + max_new_tokens), NOTHING)
        self.limits = dict(limits)
        self.protected = torch.tensor(sorted(protected), dtype=torch.long, device=source.device)
        self.begin = self.now = source.shape[1] + 1
        self.text = torch.cat((source, summary), dim=1)[:, None].repeat(1, beams, 1)
        self.lengths = torch.zeros_like(self.text)  # (B, W, S + 1 + T), like `text`

    def banned(self, vocab_size: int) -> Tensor:
        """The tokens that would repeat an n-gram too often, (B, W, V) bool."""
        banned = self.text.new_zeros((*self.text.shape[:2], vocab_size), dtype=torch.bool)
        for size, times in self.limits.items():
            again = self.lengths[..., :-1] >= size - 1
            if not again[..., self.begin :].any():
                continue
            said = self._count(again, slice(self.begin, None), vocab_size)
            in_source = self._count(again, slice(0, self.begin - 1), vocab_size)
            spared = torch.zeros(vocab_size, dtype=torch.bool, device=said.device)
            spared[self.protected] = True
            banned |= (said >= in_source.clamp(min=times)) & ~(spared & (in_source > 0))
        return banned

    def _count(self, places: Tensor, part: slice, vocab_size: int) -> Tensor:
        """(B, W, V) int: how often each token follows one of the `places` in this part."""
        following = self.text[..., 1:][..., part]
        counted = places[..., part] & (following != NOTHING)
        counts = counted.new_zeros((*counted.shape[:2], vocab_size), dtype=torch.int)
        return counts.scatter_add_(2, following.clamp(min=0), counted.int())

    def advance(self, *, tokens: Tensor) -> None:
        """Take in one chosen token per beam, (B, W) long."""
        longer = torch.ones_like(self.lengths)
        longer[..., 1:] += self.lengths[..., :-1]
        self.lengths = longer * (self.text == tokens[..., None])
        self.text[..., self.now] = tokens
        self.now += 1

    def reorder(self, parents: Tensor) -> None:
        """Beam w of document b continues from beam `parents[b, w]`; `parents` is (B, W) long."""
        self.text = take_beams(self.text, parents)
        self.lengths = take_beams(self.lengths, parents)

    def keep(self, rows: Tensor) -> None:
        """Only the documents `rows` (B',) long stay."""
        self.text, self.lengths = self.text[rows], self.lengths[rows]
