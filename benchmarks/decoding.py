"""Decoding settings side by side on the held-out share of the training data (never on dev).

    python benchmarks/decoding.py [--config FILE] [--model DIR] [--cases N] \\
        --try beams=3,skip_cost=2.0 --try beams=1 -- data.folder=DIR data.corpus_folder=DIR

Each --try is a set of `SummarizerConfig` fields over the model's own; `no_cues=1`, `no_numbers=1`
switch off the rules of `generate.cues` and `generate.numbers`. For judgments (end to end) and for
extracts (generation alone): weighted ROUGE over words and characters, and the mean length of the
summaries in characters. Which cases are held out follows from the config's seed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from spaces import Summarizer
from spaces.generate.cues import CueTokens
from spaces.generate.numbers import NO_NUMBERS
from spaces.metrics import evaluate
from spaces.pipeline import Plan
from spaces.recipe import load_recipe


def parse(text: str) -> dict[str, float]:
    """`"beams=3,skip_cost=2.0"` -> {"beams": 3, "skip_cost": 2.0}"""
    pairs = (item.split("=") for item in text.split(",") if item)
    return {key: float(value) if "." in value else int(value) for key, value in pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/default.yaml")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--cases", type=int, default=1000, help="of each kind, at most")
    parser.add_argument("--try", dest="tries", action="append", default=[], metavar="KEY=VALUE,…")
    parser.add_argument("settings", nargs="*", help="key=value, as for spaces train")
    options = parser.parse_intermixed_args()
    held_out = Plan(load_recipe(options.config, options.settings)).held_out
    summarizer = Summarizer.from_pretrained(options.model)
    own = summarizer.config, summarizer.cues, summarizer.numbers
    print("| settings | judgments | characters | extracts | characters |\n|---|---|---|---|---|")
    for text in options.tries or [""]:
        changed = parse(text)
        config, cues, numbers = own
        summarizer.cues = CueTokens() if changed.pop("no_cues", 0) else cues
        summarizer.numbers = NO_NUMBERS if changed.pop("no_numbers", 0) else numbers
        summarizer.config = replace(config, **changed)
        cells = []
        for kind, rows in held_out.items():
            texts = [text for text, _ in rows[: options.cases]]
            summaries = summarizer.summarize_batch(
                texts, batch_size=16, extract=kind == "judgments"
            )
            predicted = {i: summary.text for i, summary in enumerate(summaries)}
            wanted = {i: target for i, (_, target) in enumerate(rows[: options.cases])}
            word, char = (
                evaluate(predicted, wanted, unit, resamples=1).weighted.mean
                for unit in ("word", "char")
            )
            length = np.mean([len(summary.text) for summary in summaries])
            cells += [f"{word:.3f} / {char:.3f}", f"{length:.0f}"]
        print(f"| {text or 'as shipped'} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
