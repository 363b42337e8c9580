"""The default model from end to end: judgments per second, where the time goes, and how soon it is
ready.

    python benchmarks/chain.py                     # 24 judgments of 2,700 characters
    python benchmarks/chain.py --judgments 8 --batch 1

The judgments are made from data/samples by a seed. The shares are of one run of
`Summarizer.summarize_batch` with the model's own settings, taken around the stages it calls:

- `reading`: clauses, roles, sections (`outline`);
- `tokens`: the tokenizer, which cuts as jieba does (the chain itself runs no jieba);
- `vectors`: sentence vectors, the tokenizer's part taken out;
- `labelling`: the labeller, and the choice of clauses;
- `decoding`: `beam_search`;
- `tracing`: spans, missing facts, swapped parties;
- `rest`: what is between them.

Import, load and `spaces --help` are each in fresh processes, the best of `--starts`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from clock import Clock  # noqa: E402
from judgments import make_judgments  # noqa: E402

STAGES = ("reading", "tokens", "vectors", "labelling", "decoding", "tracing")

LOAD = """
import time
start = time.perf_counter()
from spaces import Summarizer
imported = time.perf_counter() - start
Summarizer.from_pretrained({model!r})
print(imported, time.perf_counter() - start)
"""


def run(summarizer, texts: list[str], batch: int) -> tuple[Clock, float, list]:
    """The summaries of `texts`, and where the seconds went."""
    from spaces import summarizer as chain

    clock = Clock()
    with clock.watching(
        ("reading", chain._Draft, "of"),
        ("tokens", type(summarizer.tokenizer), "__call__"),
        ("vectors", type(summarizer.encoder), "encode"),
        ("labelling", type(summarizer.labeller), "probabilities"),
        ("labelling", chain, "select"),
        ("decoding", chain, "beam_search"),
        ("tracing", chain, "render"),
        ("tracing", chain._Draft, "finish"),
    ):
        start = time.perf_counter()
        summaries = summarizer.summarize_batch(texts, batch_size=batch)
        return clock, time.perf_counter() - start, summaries


def starts(count: int, model: str | None) -> dict[str, float]:
    """Seconds of import, of import and load, and of `spaces --help`, the best of `count`."""
    found: dict[str, list[float]] = {"import": [], "import_and_load": [], "help": []}
    for _ in range(count):
        code = LOAD.format(model=model)
        printed = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for name, value in zip(("import", "import_and_load"), printed.split(), strict=True):
            found[name].append(float(value))
        start = time.perf_counter()
        command = "import sys; from spaces.cli import main; sys.argv = ['spaces', '--help']; main()"
        subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
        found["help"].append(time.perf_counter() - start)
    return {name: min(values) for name, values in found.items()}


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(description="The default model from end to end.")
    parser.add_argument("--judgments", type=int, default=24)
    parser.add_argument("--characters", type=int, default=2700, help="of each judgment")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--model", help="a model directory; left out: the default model")
    parser.add_argument("--new", type=int, help="most new tokens; left out: as the model says")
    parser.add_argument("--starts", type=int, default=5, help="processes for each start-up time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)

    began = starts(asked.starts, asked.model) if asked.starts else {}
    from dataclasses import replace

    import torch

    from spaces import Summarizer

    summarizer = Summarizer.from_pretrained(asked.model)
    if asked.new:
        summarizer.config = replace(summarizer.config, max_new_tokens=asked.new)
    records = make_judgments(asked.judgments, asked.seed, asked.characters)
    texts = [record["text"] for record in records]
    summarizer.summarize_batch(texts[:1])  # warm
    clock, total, summaries = run(summarizer, texts, asked.batch)
    if [s.text for s in summaries] != [
        s.text for s in summarizer.summarize_batch(texts, batch_size=asked.batch)
    ]:
        raise SystemExit("the timed run gives other summaries")
    row = {
        "judgments_per_second": len(texts) / total,
        "seconds_per_judgment": total / len(texts),
        "characters_written": sum(len(s.text) for s in summaries) / len(texts),
        "shares": {stage: clock.seconds[stage] / total for stage in STAGES}
        | {"rest": 1 - sum(clock.seconds.values()) / total},
        **began,
    }
    if asked.json:
        settings = {k: v for k, v in vars(asked).items() if k != "json"}
        settings |= {"threads": torch.get_num_threads(), "beams": summarizer.config.beams}
        print(json.dumps({"settings": settings, "results": [row]}))
    else:
        shares = ", ".join(f"{stage} {share:.1%}" for stage, share in row["shares"].items())
        print(
            f"{row['judgments_per_second']:.2f} judgments of {asked.characters} characters a second"
            f" ({row['characters_written']:.0f} written each; batches of {asked.batch},"
            f" {summarizer.config.beams} beams, {torch.get_num_threads()} threads)\n{shares}"
        )
        if began:
            print(
                f"import {began['import']:.2f} s, import and load {began['import_and_load']:.2f} s,"
                f" spaces --help {began['help']:.2f} s (best of {asked.starts})"
            )
    return [row]


if __name__ == "__main__":
    main()
