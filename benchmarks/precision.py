"""float32, bfloat16 and int8 on a CPU: seconds, and what changes in the text.

    python benchmarks/precision.py                   # random weights: 12 layers of 768, source 600
    python benchmarks/precision.py --default         # the default model, data/samples
    python benchmarks/precision.py --default --file dev.jsonl --batch 1

`plain` is float32 as PyTorch multiplies it, without the packed matrices of `generate.linear`.
`logits`: how far the first logits are from plain's, as a share of their length. With --default:
`same`, the share of summaries that are plain's to the letter, and, where the file has summaries,
the change of the weighted ROUGE F1 of `spaces score`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from timing import Endless, Plainly, best_of, random_generator, random_sources, report, sizes

from spaces.generate.beam import beam_search
from spaces.metrics import rouge_scores
from spaces.records import read_judgments

WAYS = ("plain", "float32", "bfloat16", "int8")
SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "input.json"


def of_random_weights(asked) -> list[dict]:
    models = {}
    for way in WAYS:
        model = random_generator(asked)
        models[way] = Endless(model if way == "plain" else model.to_precision(way))
    (source,) = random_sources(asked)
    rows = []
    ids = torch.tensor([source])
    logits = {}
    for way, model in models.items():
        with torch.inference_mode(), Plainly(way == "plain"):
            cache = model.prefill(
                source_ids=ids,
                source_mask=torch.ones_like(ids).bool(),
                beams=1,
                max_new_tokens=1,
            )
            logits[way] = model.generator.step(tokens=ids[:, :1], cache=cache)[0]
    for beams in asked.beams:

        def run(way, beams=beams):
            with Plainly(way == "plain"):
                return beam_search(models[way], [source], beams=beams, max_new_tokens=asked.new)

        times = best_of(asked.repeat, *(lambda way=way: run(way) for way in WAYS))
        for way, seconds in zip(WAYS, times, strict=True):
            away = (logits[way] - logits["plain"]).norm() / logits["plain"].norm()
            rows.append(
                {
                    "beams": beams,
                    "precision": way,
                    "seconds": seconds,
                    "plain": times[0] / seconds,
                    "float32": times[1] / seconds,
                    "logits": float(away),
                }
            )
    return rows


def of_default(asked) -> list[dict]:
    from spaces import Summarizer

    torch.set_num_threads(asked.threads)
    records = list(read_judgments(asked.file))[: asked.count]
    texts = [record.text for record in records]
    rows, first, seconds = [], None, {}
    models = {
        way: Summarizer.from_pretrained(precision="float32" if way == "plain" else way)
        for way in WAYS
    }
    for way, model in models.items():
        found = {}

        def run(way=way, model=model, found=found):
            with Plainly(way == "plain"):
                together = model.summarize_batch(texts, batch_size=asked.batch)
                found["texts"] = [summary.text for summary in together]

        (seconds[way],) = best_of(asked.repeat, run)
        first = first or found["texts"]
        row = {
            "precision": way,
            "seconds": seconds[way],
            "plain": seconds["plain"] / seconds[way],
            "float32": seconds.get("float32", seconds["plain"]) / seconds[way],
            "same": sum(a == b for a, b in zip(first, found["texts"], strict=True)) / len(texts),
        }
        if all(record.summary for record in records):
            row["score"] = score(found["texts"], [record.summary for record in records])
        rows.append(row)
    return rows


def score(found: list[str], wanted: list[str]) -> float:
    pairs = zip(found, wanted, strict=True)
    return sum(rouge_scores(a, b).weighted for a, b in pairs) / len(found)


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = sizes(__doc__.splitlines()[0])
    parser.add_argument("--default", action="store_true", help="the default model")
    parser.add_argument(
        "--file", type=Path, default=SAMPLES, help="judgments, JSON lines (with --default)"
    )
    parser.add_argument("--count", type=int, default=12, help="judgments of the file")
    parser.add_argument("--batch", type=int, default=8, help="of them together (with --default)")
    asked = parser.parse_args(arguments)
    asked.file = str(asked.file)
    line = "{precision}: {seconds:.2f} s, {plain:.2f} times plain, {float32:.2f} times float32; "
    if not asked.default:
        line = "beams {beams} " + line + "logits {logits:.4f} away"
        return report(asked, of_random_weights(asked), line)
    rows = of_default(asked)
    line += "{same:.0%} the same" + (", score {score:.4f}" if "score" in rows[0] else "")
    return report(asked, rows, line)


if __name__ == "__main__":
    main()
