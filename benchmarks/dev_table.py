"""The dev table of the README: a model beside LEAD, the oracle extract, people's labels and other
predictions.

    python benchmarks/dev_table.py DEV.jsonl DEV_EXTRACTS.jsonl [--model DIR]
        [--predictions NAME=FILE …] [--output FILE.json]

Weighted ROUGE (0.2 R1 + 0.4 R2 + 0.4 RL) over words and characters with 95 % bootstrap intervals,
as `spaces evaluate` computes it, on four groups: judgments that come as one string (the short
ones), judgments that come as labelled sentences (full length), both, and extract pairs (generation
alone).

- LEAD: the first clauses, up to 280 characters.
- labelled: the sentences that people labelled, joined (where there are labels); for extract pairs
  the source itself.
- oracle: the clauses that the recursive matching labels, which is the ceiling of extraction; and
  the same from the text as the models read it, with roles for names.
- template: `spaces.templates`, the rules that write the weak targets.
- extract: what the model's labeller keeps, as the generator reads it.
- model: `spaces predict` with the model directory (by default the one in the package); extract
  pairs with --no-extract.
- NAME=FILE: predictions by anything else, `{"id", "summary"}` a line, for judgments and extract
  pairs alike.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from spaces import Summarizer, Summary
from spaces.extract.oracle import oracle_labels
from spaces.metrics import Interval, evaluate
from spaces.outline import outline
from spaces.records import Judgment, read_extract_pairs, read_judgments, read_predictions
from spaces.sentences import split_clauses
from spaces.templates import template_summary

LEAD_CHARACTERS = 280


def lead(text: str) -> str:
    """The first clauses of a text, at least one and together at most LEAD_CHARACTERS."""
    clauses = split_clauses(text)
    fitting = [clause.end for clause in clauses if clause.end <= LEAD_CHARACTERS]
    return text[: fitting[-1] if fitting else LEAD_CHARACTERS]


def labelled(judgment: Judgment) -> str:
    return "".join(judgment.text[a:b] for a, b, label in judgment.labels or () if label)


def oracle(text: str, summary: str, split: Callable = split_clauses) -> str:
    clauses = [clause.text for clause in split(text)]
    kept = oracle_labels(clauses, summary)
    return "".join(clause for clause, keep in zip(clauses, kept, strict=True) if keep)


def kept(text: str, summary: Summary) -> str:
    pairs = zip(outline(text), summary.clauses, strict=True)
    return "".join(clause.text for clause, scored in pairs if scored.kept)


def main(argv: Sequence[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dev", type=Path)
    parser.add_argument("dev_extracts", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--predictions", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(argv)

    judgments = list(read_judgments(options.dev, require_summary=True))
    pairs = list(read_extract_pairs(options.dev_extracts))
    short = [j for j in judgments if j.labels is None]
    full = [j for j in judgments if j.labels is not None]
    references = {j.id: j.summary for j in judgments} | {p.id: p.target for p in pairs}

    systems: dict[str, dict] = {
        "LEAD": {j.id: lead(j.text) for j in judgments},
        "labelled": {j.id: labelled(j) for j in full} | {p.id: p.source for p in pairs},
        "oracle": {j.id: oracle(j.text, j.summary or "") for j in judgments}
        | {p.id: oracle(p.source, p.target) for p in pairs},
        "oracle, as read": {j.id: oracle(j.text, j.summary or "", outline) for j in judgments}
        | {p.id: oracle(p.source, p.target, outline) for p in pairs},
        "template": {j.id: template_summary(j.text) or "" for j in judgments}
        | {p.id: template_summary(p.source) or "" for p in pairs},
    }
    for item in options.predictions:
        name, _, path = item.partition("=")
        systems[name] = {p.id: p.summary for p in read_predictions(path)}
    summarizer = Summarizer.from_pretrained(options.model)
    whole = summarizer.summarize_batch([j.text for j in judgments])
    alone = summarizer.summarize_batch([p.source for p in pairs], extract=False)
    systems["extract"] = {
        j.id: kept(j.text, summary) for j, summary in zip(judgments, whole, strict=True)
    }
    systems["model"] = {
        record.id: summary.text
        for record, summary in zip([*judgments, *pairs], [*whole, *alone], strict=True)
    }

    groups = {
        f"{len(short)} short": [j.id for j in short],
        f"{len(full)} full-length": [j.id for j in full],
        f"all {len(judgments)}": [j.id for j in judgments],
        f"{len(pairs)} extracts": [p.id for p in pairs],
    }
    table = {
        name: {
            group: {unit: _score(predicted, references, ids, unit) for unit in ("word", "char")}
            for group, ids in groups.items()
            if all(i in predicted for i in ids)
        }
        for name, predicted in systems.items()
    }
    show(table, list(groups))
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(table, file, ensure_ascii=False, indent=1)
    return table


def _score(predicted: dict, references: dict, ids: list, unit: str) -> dict[str, float]:
    interval: Interval = evaluate(
        {i: predicted[i] for i in ids}, {i: references[i] for i in ids}, unit
    ).weighted
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def show(table: dict, groups: list[str], echo: Callable[[str], None] = print) -> None:
    """The table in Markdown: words / characters, the interval of the words below."""
    echo("| system | " + " | ".join(groups) + " |")
    echo("|---" * (len(groups) + 1) + "|")
    for name, row in table.items():
        cells = []
        for group in groups:
            if group not in row:
                cells.append("")
                continue
            word, char = row[group]["word"], row[group]["char"]
            cells.append(
                f"{word['mean']:.3f} / {char['mean']:.3f} ({word['low']:.3f}–{word['high']:.3f})"
            )
        echo(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
