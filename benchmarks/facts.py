"""The facts table: what of the summaries stands in the judgments, and how many are broken.

    python benchmarks/facts.py PREDICTIONS.jsonl JUDGMENTS.jsonl [--examples N] [--output FILE.json]

PREDICTIONS has `{"id", "summary"}` a line (also the detailed record, or a training file, for what
people wrote); JUDGMENTS the judgments of these ids (data/README.md), or extract pairs `{"id",
"source"}`. Only ids that both files have are counted.

- amounts, dates, statute articles, other numbers, party names: the share of those in the summaries
  that the judgment states, in whatever form, and the counts (`spaces.facts`). A name is looked for
  where it can be told from other words: `spaces.checks.party_names`.
- swapped: the summary's ruling has one side pay the other where the judgment's ruling has only the
  opposite; out of the summaries where both rulings say who pays whom.
- repeated, cut off, empty, runaway: summaries with that fault, as `spaces.checks` defines them.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spaces.checks import (
    is_cut_off,
    is_runaway,
    ordered_payments,
    party_names,
    repeated_clauses,
    swapped_parties,
)
from spaces.errors import RecordError
from spaces.facts import find_facts, missing_facts
from spaces.parties import find_parties
from spaces.records import iter_json_lines, parse_judgment, read_predictions

KINDS = {
    "amount": "amounts",
    "date": "dates",
    "statute": "statute articles",
    "number": "other numbers",
    "name": "party names",
}


@dataclass
class Tally:
    """Counts over summaries; `missing` and `faults` keep what they count, for reading."""

    summaries: int = 0
    comparable: int = 0  # summaries where both rulings say who pays whom
    stated: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    missing: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, key: str, summary: str, judgment: str) -> None:
        """Counts one summary of one judgment; `key` begins the examples."""
        self.summaries += 1
        # names are counted below, those of the declared parties too
        missing = [fact for fact in missing_facts(summary, judgment) if fact.kind != "party"]
        for fact in find_facts(summary):
            self.stated[fact.kind] += fact not in missing
        for fact in missing:
            self.missing[fact.kind].append(f"{key}: {fact.text}")
        parties = find_parties(judgment)
        text = "".join(judgment.split())
        for name in party_names(summary, parties):
            if name in text:
                self.stated["name"] += 1
            else:
                self.missing["name"].append(f"{key}: {name}")
        orders = [ordered_payments(piece, parties) for piece in (summary, judgment)]
        self.comparable += all(orders)
        found = {
            "swapped": swapped_parties(summary, judgment, parties),
            "repeated": repeated_clauses(summary),
            "cut off": [summary[-20:]] if is_cut_off(summary) else [],
            "empty": ["nothing"] if not summary.strip() else [],
            "runaway": [f"{len(summary)} characters"] if is_runaway(summary) else [],
        }
        for fault, what in found.items():
            self.faults[fault] += [f"{key}: {what}"] if what else []

    def to_dict(self) -> dict:
        facts = {
            name: {"stated": self.stated[kind], "all": self.stated[kind] + len(self.missing[kind])}
            for kind, name in KINDS.items()
        }
        faults = {fault: len(found) for fault, found in self.faults.items()}
        return {
            "summaries": self.summaries,
            "comparable": self.comparable,
            "facts": facts,
            "faults": faults,
        }


def read_texts(path: Path) -> dict[str | int, str]:
    """The text of each judgment, or the source of each extract pair, by id."""
    texts: dict[str | int, str] = {}
    for line in iter_json_lines(path):
        where = f"{path}:{line.number}"
        if line.value is None:
            raise RecordError(f"{where}: {line.error}")
        record = dict(line.value)
        if "source" in record:
            record["text"] = record["source"]
        judgment = parse_judgment(record, where)
        texts[judgment.id] = judgment.text
    return texts


def main(argv: Sequence[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", type=Path)
    parser.add_argument("judgments", type=Path)
    parser.add_argument("--examples", type=int, default=0, help="how many of each kind to print")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(argv)
    texts = read_texts(options.judgments)
    tally = Tally()
    for prediction in read_predictions(options.predictions):
        if prediction.id in texts:
            tally.add(str(prediction.id), prediction.summary, texts[prediction.id])
    show(tally, options.examples)
    table = tally.to_dict()
    if options.output:
        text = json.dumps(table, ensure_ascii=False, indent=1)
        options.output.write_text(text + "\n", encoding="utf-8")
    return table


def show(tally: Tally, examples: int, echo: Callable[[str], None] = print) -> None:
    """The table in Markdown, then `examples` of each kind."""
    table = tally.to_dict()
    echo(f"| {table['summaries']} summaries | stands in the judgment | |")
    echo("|---|---|---|")
    for name, row in table["facts"].items():
        share = f"{row['stated'] / row['all']:.1%}" if row["all"] else "none found"
        echo(f"| {name} | {share} | {row['stated']} of {row['all']} |")
    echo("\n| fault | summaries |\n|---|---|")
    for fault, count in table["faults"].items():
        whole = table["comparable"] if fault == "swapped" else table["summaries"]
        echo(f"| {fault} | {count} of {whole} |")
    missing = {KINDS[kind]: found for kind, found in tally.missing.items()}
    for name, found in [*missing.items(), *tally.faults.items()]:
        for example in found[:examples]:
            echo(f"{name}: {example}")


if __name__ == "__main__":
    main()
