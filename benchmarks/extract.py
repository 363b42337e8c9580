"""The extractive stage by itself: what it keeps at each threshold, against the oracle and people.

    python benchmarks/extract.py [--config FILE] [--model DIR] [--threshold P …] \\
        [--labelled DEV.jsonl] -- data.folder=DIR data.corpus_folder=DIR

Judgments and extracts held out from the training data. For each threshold: weighted ROUGE over
words / characters of what is kept against the summary, its mean length in characters, precision and
recall against the oracle labels; and the oracle's own extract, the ceiling. The generator's limit
of tokens does not count here. With --labelled also precision and recall against people's labels, of
the judgments in that file that have some: no choice may rest on those.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spaces import Summarizer
from spaces.extract.labeller import select
from spaces.extract.oracle import oracle_labels
from spaces.extract.training import label_scores
from spaces.metrics import evaluate
from spaces.outline import outline
from spaces.pipeline import Plan
from spaces.recipe import load_recipe
from spaces.records import read_judgments


@dataclass(frozen=True)
class Case:
    """A text of n clauses with its summary: `probabilities` (n,), oracle labels (n,)."""

    clauses: Sequence[str]
    probabilities: np.ndarray
    labels: np.ndarray
    summary: str


def label(summarizer: Summarizer, rows: Sequence[tuple[str, str]]) -> list[Case]:
    """The cases of `(text, summary)`, labelled by the chain itself."""
    found = summarizer.summarize_batch([text for text, _ in rows])
    cases = []
    for (text, target), summary in zip(rows, found, strict=True):
        texts = [clause.text for clause in outline(text)]
        labels = np.asarray(oracle_labels(texts, target), dtype=bool)
        probabilities = np.array([clause.score for clause in summary.clauses])
        cases.append(Case(texts, probabilities, labels, target))
    return cases


def row(name: str, cases: Sequence[Case], kept: Sequence[np.ndarray]) -> str:
    extracts = {
        i: "".join(c for c, k in zip(case.clauses, keep, strict=True) if k).replace("\n", "")
        for i, (case, keep) in enumerate(zip(cases, kept, strict=True))
    }
    wanted = {i: case.summary for i, case in enumerate(cases)}
    word, char = (
        evaluate(extracts, wanted, unit, resamples=1).weighted.mean for unit in ("word", "char")
    )
    length = np.mean([len(text) for text in extracts.values()])
    cells = f"| {name} | {word:.3f} / {char:.3f} | {length:.0f} | "
    return cells + agreement(np.concatenate(kept), np.concatenate([case.labels for case in cases]))


def agreement(kept: np.ndarray, labels: np.ndarray) -> str:
    scores = label_scores(kept, labels)
    return f"{scores['precision']:.2f} | {scores['recall']:.2f} |"


def against_people(summarizer: Summarizer, path: Path, thresholds: Sequence[float]) -> None:
    """A clause is people's where most of its characters lie in sentences that they labelled."""
    judgments = [j for j in read_judgments(path) if j.labels]
    summaries = summarizer.summarize_batch([j.text for j in judgments])
    probabilities, labels = [], []
    for judgment, summary in zip(judgments, summaries, strict=True):
        marked = np.zeros(len(judgment.text), dtype=bool)
        for start, end, chosen in judgment.labels or ():
            marked[start:end] = bool(chosen)
        for clause in summary.clauses:
            probabilities.append(clause.score)
            labels.append(marked[clause.start : clause.end].mean() > 0.5)
    print(f"\n| people's labels, {len(judgments)} judgments | precision | recall |\n|---|---|---|")
    for threshold in thresholds:
        kept = np.array(probabilities) > threshold
        print(f"| {threshold:g} | {agreement(kept, np.array(labels))}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/default.yaml")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--threshold", type=float, nargs="*", default=[0.2, 0.25, 0.3, 0.35, 0.4])
    parser.add_argument("--labelled", type=Path, help="judgments with people's labels")
    parser.add_argument("settings", nargs="*", help="key=value, as for spaces train")
    options = parser.parse_intermixed_args()
    held_out = Plan(load_recipe(options.config, options.settings)).held_out
    summarizer = Summarizer.from_pretrained(options.model)
    # nobody reads what is written here
    summarizer.config = replace(summarizer.config, beams=1, max_new_tokens=1)
    for kind, rows in held_out.items():
        cases = label(summarizer, rows)
        print(f"\n| {len(rows)} {kind} | words / characters | characters | precision | recall |")
        print("|---|---|---|---|---|")
        for threshold in options.threshold:
            print(
                row(
                    f"{threshold:g}",
                    cases,
                    [select(case.probabilities, threshold=threshold) for case in cases],
                )
            )
        print(row("oracle", cases, [case.labels for case in cases]), flush=True)
    if options.labelled:
        against_people(summarizer, options.labelled, options.threshold)


if __name__ == "__main__":
    main()
