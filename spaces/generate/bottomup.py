"""Bottom-up attention: the whole source is read, and only the part worth telling is seen again.

A labeller that was trained to choose chooses better than a small generator does. Where the
generator reads an extract, the choice has been made; where it is given a text whole, the decoder
looks back only at the tokens that the labeller's probability lets pass, with what they learned of
all the others while the source was read, at their places in it (Gehrmann et al. 2018, "Bottom-Up
Abstractive Summarization": a content selector masks the copy attention of a pointer-generator).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spaces.generate.cache import Cache
from spaces.generate.model import Generator
from spaces.generate.padding import pad

__all__ = ["BottomUp", "Whole"]


@dataclass(frozen=True)
class Whole:
    """What is read for a source: [CLS] … [SEP] in token ids, their segments, and the indices,
    rising, of those tokens that are the source."""

    tokens: Sequence[int]
    segments: Sequence[int]
    places: Sequence[int]


class BottomUp:
    """A decoder for `beam_search` that reads `wholes` where it is given their sources."""

    def __init__(self, generator: Generator, wholes: Sequence[Whole]) -> None:
        self.generator, self.device = generator, generator.device
        self.wholes = wholes

    def prefill(
        self,
        *,
        source_ids: Tensor,
        source_mask: Tensor,
        beams: int,
        max_new_tokens: int,
        source_segments: Tensor | None = None,
    ) -> Cache:
        """Read the wholes and remember the sources. Raises ValueError where those are not what
        stands at their places."""
        whole_ids, whole_mask = pad([whole.tokens for whole in self.wholes], self.device)
        places, mask = pad([whole.places for whole in self.wholes], self.device)
        same = mask.shape == source_mask.shape and torch.equal(mask, source_mask)
        if not same or not torch.equal(whole_ids.gather(1, places)[mask], source_ids[mask]):
            raise ValueError("the sources are not what stands at the places of the wholes")
        return self.generator.prefill(
            source_ids=whole_ids,
            source_mask=whole_mask,
            source_segments=pad([whole.segments for whole in self.wholes], self.device)[0],
            beams=beams,
            max_new_tokens=max_new_tokens,
            remembered=(places, mask),
        )

    def step(self, *, tokens: Tensor, cache: Cache) -> tuple[Tensor, Tensor]:
        return self.generator.step(tokens=tokens, cache=cache)
