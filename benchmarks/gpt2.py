"""Our decoding against transformers' own cached `generate()` of a GPT-2 of the same size.

    python benchmarks/gpt2.py                  # 12 layers of 768, source 600, 128 new tokens
    python benchmarks/gpt2.py --json

Both models have random weights, read the same random source and write as many tokens. Of our time
per step, all rules on: `copying` is the share of the copy head and the constraint (which tags are
possible, which tokens each permits), `share` that of everything outside the model (the constraint,
repetition, salience, cues, beams).
"""

from __future__ import annotations

import time

import torch
from clock import Clock
from timing import Endless, best_of, random_generator, random_sources, report, sizes

from spaces.generate.beam import beam_search
from spaces.generate.copying import CopyState


def main(arguments: list[str] | None = None) -> list[dict]:
    asked = sizes(__doc__.splitlines()[0]).parse_args(arguments)
    from transformers import GPT2Config, GPT2LMHeadModel

    model, (source,) = random_generator(asked), random_sources(asked)
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=asked.vocabulary,
            n_embd=asked.hidden,
            n_layer=asked.layers,
            n_head=asked.heads,
            n_positions=asked.source + asked.new,
            bos_token_id=None,
            eos_token_id=None,
        )
    ).eval()
    ids = torch.tensor([source])
    rows = []
    for beams in asked.beams:
        endless = Endless(model)

        def ours(beams=beams, endless=endless):
            rules = {"look_back": 0, "skip_cost": 2.0, "copy_bias": 0.7}
            return beam_search(endless, [source], beams=beams, max_new_tokens=asked.new, **rules)

        def generate(beams=beams):
            return theirs.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                num_beams=beams,
                do_sample=False,
                max_new_tokens=asked.new,
                min_new_tokens=asked.new,
                pad_token_id=0,
            )

        assert len(ours()[0].tokens) == generate().shape[1] - len(source) == asked.new  # warm
        seconds, others = best_of(asked.repeat, ours, generate)
        clock = Clock()
        with clock.watching(
            ("copying", model.copy, "forward"),
            ("copying", CopyState, "choose"),
            ("copying", CopyState, "advance"),
        ):
            start = time.perf_counter()
            ours()
            outside = time.perf_counter() - start - endless.seconds - endless.reading
        rows.append(
            {
                "beams": beams,
                "spaces": seconds,
                "transformers": others,
                "ratio": others / seconds,
                "copying": clock.seconds["copying"] / (outside + endless.seconds),
                "share": outside / (outside + endless.seconds),
            }
        )
    return report(
        asked,
        rows,
        "beams {beams}: spaces {spaces:.2f} s, transformers {transformers:.2f} s, {ratio:.2f}"
        " times; copy head and constraint {copying:.1%} of a step,"
        " all outside the model {share:.1%}",
    )


if __name__ == "__main__":
    main()
