"""What the cache is worth in decoding: seconds per token with it and without, for the same tokens.

    python benchmarks/decode.py                # 12 layers of 768, source 600, 128 new tokens
    python benchmarks/decode.py --json         # the same as one JSON object

A generator of random weights summarises a random source. Both ways run the same beam search; they
differ in the model's `prefill` and `step` alone. The recomputing one reads the source and the whole
text again at each step, with the heads at the last place only. The script fails where their tokens
differ.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass

import torch
from timing import random_generator, random_sources
from torch import Tensor

from spaces.generate.beam import Hypothesis, beam_search
from spaces.generate.model import Generator
from spaces.generate.tokenizer import SEP


class Cached:
    """The generator as it is, but without an end: every text gets as long as the limit."""

    def __init__(self, generator: Generator) -> None:
        self.generator, self.device = generator, generator.device

    def prefill(self, **sources):
        return self.generator.prefill(**sources)

    def step(self, *, tokens: Tensor, cache) -> tuple[Tensor, Tensor]:
        logits, tag_logits = self.logits(tokens, cache)
        logits[..., SEP] = -torch.inf
        return logits, tag_logits

    def logits(self, tokens: Tensor, cache) -> tuple[Tensor, Tensor]:
        return self.generator.step(tokens=tokens, cache=cache)


@dataclass
class Prefixes:
    """What a decoder without a cache remembers: source (1, S) and texts (1, W, t) in tokens."""

    source: Tensor
    texts: Tensor

    def reorder(self, parents: Tensor) -> None:
        self.texts = self.texts[:, parents[0]]


class Recomputed(Cached):
    """The generator without a cache, for one document."""

    def prefill(self, *, source_ids: Tensor, beams: int, **_) -> Prefixes:
        return Prefixes(source_ids, source_ids.new_zeros((1, beams, 0)))

    def logits(self, tokens: Tensor, cache: Prefixes) -> tuple[Tensor, Tensor]:
        cache.texts = torch.cat((cache.texts, tokens[..., None]), dim=-1)
        beams, width = tokens.shape[1], cache.source.shape[1]
        ids = torch.cat((cache.source.expand(beams, -1), cache.texts[0]), dim=1)
        size = ids.shape[1]
        lengths = ids.new_full((beams,), size)
        whole = self.generator.hidden_states(
            input_ids=ids, source_lengths=torch.full_like(lengths, width), lengths=lengths
        )
        hidden = whole[None, :, -1]
        return self.generator.token_logits(hidden).float(), self.generator.copy(hidden).float()


def measure(model: Cached, source: list[int], beams: int, new: int) -> tuple[Hypothesis, float]:
    """The hypothesis, and the seconds per new token, the reading of the source included."""
    beam_search(model, [source], beams=beams, max_new_tokens=2)  # warm
    start = time.perf_counter()
    (found,) = beam_search(model, [source], beams=beams, max_new_tokens=new)
    return found, (time.perf_counter() - start) / new


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(description="Cached against recomputed decoding.")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--vocabulary", type=int, default=20000)
    parser.add_argument("--source", type=int, default=600, help="tokens of the source")
    parser.add_argument("--new", type=int, default=128, help="tokens to decode")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)

    generator = random_generator(asked).to(asked.device)
    (source,) = random_sources(asked)

    rows = []
    for beams in asked.beams:
        cached, fast = measure(Cached(generator), source, beams, asked.new)
        recomputed, slow = measure(Recomputed(generator), source, beams, asked.new)
        if cached.tokens != recomputed.tokens or len(cached.tokens) != asked.new:
            raise SystemExit(f"{beams} beams: cached and recomputed decoding give other tokens")
        rows.append({"beams": beams, "cached": fast, "recomputed": slow, "ratio": slow / fast})
        if not asked.json:
            print(
                f"beams {beams}: cached {fast:.4f} s/token, recomputed {slow:.4f} s/token,"
                f" {slow / fast:.1f} times; same {asked.new} tokens",
                flush=True,
            )
    if asked.json:
        settings = {k: v for k, v in vars(asked).items() if k not in ("json", "beams")}
        print(json.dumps({"settings": settings, "results": rows}))
    return rows


if __name__ == "__main__":
    main()
