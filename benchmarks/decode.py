"""What the cache is worth in decoding: seconds per token with it and without, for the same tokens.

    python benchmarks/decode.py                # 12 layers of 768, source 600, 128 new tokens
    python benchmarks/decode.py --json         # the same as one JSON object

A generator of random weights summarises a random source. Both ways run the same beam search; they
differ in the model's `prefill` and `step` alone. The recomputing one reads the source and the whole
text again at each step, with the heads at the last place only. The script fails where their tokens
differ.

- `cached`, `recomputed`: seconds per token, the reading of the source included; `ratio` of the two.
- `first`, `last`: seconds per cached step in the first and the last quarter of the text.
- `plain`: recomputed as the public implementations do, with PyTorch's own matrix product and the
  logits of all places, of which the last are used; over the first `--plain` tokens only, which cost
  least, so `plain_ratio` is at least that.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import torch
from timing import Endless, Plainly, best_of, random_generator, random_sources, report, sizes
from torch import Tensor

from spaces.generate.beam import beam_search
from spaces.generate.model import Generator


@dataclass
class Prefixes:
    """What a decoder without a cache remembers: source (1, S) and texts (1, W, t) in tokens."""

    source: Tensor
    texts: Tensor

    def reorder(self, parents: Tensor) -> None:
        self.texts = self.texts[:, parents[0]]


class Recomputing:
    """The generator without a cache, for one document; `everywhere`: both heads at all places."""

    def __init__(self, generator: Generator, everywhere: bool = False) -> None:
        self.generator, self.device = generator, generator.device
        self.everywhere = everywhere

    def prefill(self, *, source_ids: Tensor, beams: int, **_) -> Prefixes:
        return Prefixes(source_ids, source_ids.new_zeros((1, beams, 0)))

    def step(self, *, tokens: Tensor, cache: Prefixes) -> tuple[Tensor, Tensor]:
        cache.texts = torch.cat((cache.texts, tokens[..., None]), dim=-1)
        beams, width = tokens.shape[1], cache.source.shape[1]
        ids = torch.cat((cache.source.expand(beams, -1), cache.texts[0]), dim=1)
        lengths = ids.new_full((beams,), ids.shape[1])
        whole = self.generator.hidden_states(
            input_ids=ids, source_lengths=torch.full_like(lengths, width), lengths=lengths
        )
        hidden = whole if self.everywhere else whole[:, -1:]
        heads = (self.generator.token_logits, self.generator.copy)
        return tuple(head(hidden)[None, :, -1].float() for head in heads)


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = sizes(__doc__.splitlines()[0])
    parser.set_defaults(repeat=1)  # the recomputing one takes minutes
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--plain", type=int, default=8, help="tokens to decode the plain way")
    asked = parser.parse_args(arguments)

    generator = random_generator(asked).to(asked.device)
    cached, recomputing = Endless(generator), Endless(Recomputing(generator))
    everywhere = Endless(Recomputing(generator, everywhere=True))
    (source,) = random_sources(asked)
    rows = []
    for beams in asked.beams:
        found = {}

        def run(way, new=asked.new, beams=beams, found=found):
            (found[way],) = beam_search(way, [source], beams=beams, max_new_tokens=new)

        for way in (cached, recomputing):
            run(way, new=2)  # warm
        fast, slow = best_of(
            asked.repeat, lambda run=run: run(cached), lambda run=run: run(recomputing)
        )
        written = found[cached].tokens
        if written != found[recomputing].tokens or len(written) != asked.new:
            raise SystemExit(f"{beams} beams: cached and recomputed decoding give other tokens")
        with Plainly():
            (plain,) = best_of(asked.repeat, lambda run=run: run(everywhere, new=asked.plain))
        fast, slow, plain = fast / asked.new, slow / asked.new, plain / asked.plain
        quarter = max(1, asked.new // 4)
        rows.append(
            {
                "beams": beams,
                "cached": fast,
                "recomputed": slow,
                "ratio": slow / fast,
                "first": statistics.median(cached.steps[:quarter]),
                "last": statistics.median(cached.steps[-quarter:]),
                "plain": plain,
                "plain_ratio": plain / fast,
            }
        )
    line = (
        "beams {beams}: cached {cached:.4f} s/token, recomputed {recomputed:.4f} s/token,"
        " {ratio:.1f} times; steps {first:.4f} s at first, {last:.4f} s at last;"
        " recomputed plainly {plain:.4f} s/token, {plain_ratio:.1f} times"
    )
    return report(asked, rows, line)


if __name__ == "__main__":
    main()
