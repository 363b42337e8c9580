"""Which labeller predicts: all folds averaged, or one refitted on everything?

Cross-fitting leaves k labellers, each fitted without one fold. A new judgment can be labelled by
the mean of their k probabilities, or by one more labeller fitted on all folds. This script measures
both on training documents that neither has seen: F1 against the oracle labels, and the weighted
ROUGE of the extract against the summary, with the difference of the two, document by document.

    python benchmarks/labeller.py DIRECTORY [--threshold 0.2] [--format text|json]

DIRECTORY holds `folds/0 … k-1/` and `refit/` (labellers as `save_pretrained` writes them),
`heldout/` (their vectors and labels, as `write_vectors` writes them) and `heldout.jsonl` (the same
judgments, with summaries).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from transformers.utils.logging import disable_progress_bar

from spaces.errors import InputError, SpacesError
from spaces.extract.labeller import Labeller, select
from spaces.extract.store import VectorStore
from spaces.extract.training import label_scores
from spaces.metrics import Interval, evaluate
from spaces.outline import outline
from spaces.records import read_judgments


@dataclass(frozen=True)
class HeldOut:
    """A judgment no labeller has seen: `vectors` (n, d), oracle `labels` (n,), its `clauses`."""

    vectors: np.ndarray
    labels: np.ndarray
    clauses: Sequence[str]
    summary: str


@dataclass(frozen=True)
class Row:
    """One way to predict: `kept` is the share of clauses, ROUGE that of the extracts."""

    precision: float
    recall: float
    f1: float
    kept: float
    words: Interval
    characters: Interval


def compare(
    folds: Sequence[Labeller],
    refit: Labeller,
    documents: Sequence[HeldOut],
    *,
    threshold: float = 0.2,
    seed: int = 0,
) -> dict[str, Row | Interval]:
    """Rows `folds` (all averaged), `refit` and `oracle` (the ceiling), and `folds - refit`: the
    difference of weighted ROUGE over words with its 95 % bootstrap interval, documents drawn in
    pairs."""
    vectors = [document.vectors for document in documents]
    by_fold = [labeller.probabilities(vectors) for labeller in folds]
    averaged = [np.mean(each, axis=0) for each in zip(*by_fold, strict=True)]
    ways = {
        "folds": _keep(averaged, threshold),
        "refit": _keep(refit.probabilities(vectors), threshold),
        "oracle": [np.asarray(document.labels, dtype=bool) for document in documents],
    }
    references = {i: document.summary for i, document in enumerate(documents)}
    truth = np.concatenate([document.labels for document in documents])
    rows: dict[str, Row | Interval] = {}
    weighted: dict[str, list[float]] = {}
    for name, kept in ways.items():
        extracts = {
            i: "".join(c for c, k in zip(document.clauses, kept[i], strict=True) if k)
            for i, document in enumerate(documents)
        }
        words = evaluate(extracts, references, "word", seed=seed)
        weighted[name] = [words.documents[i].weighted for i in references]
        together = np.concatenate(kept)
        rows[name] = Row(
            **label_scores(together, truth),
            kept=float(together.mean()),
            words=words.weighted,
            characters=evaluate(extracts, references, "char", seed=seed).weighted,
        )
    differences = [a - b for a, b in zip(weighted["folds"], weighted["refit"], strict=True)]
    rows["folds - refit"] = _bootstrap(differences, seed)
    return rows


def _keep(probabilities: Sequence[np.ndarray], threshold: float) -> list[np.ndarray]:
    return [select(p, threshold=threshold) for p in probabilities]


def _bootstrap(values: list[float], seed: int, resamples: int = 1000) -> Interval:
    rng = random.Random(seed)
    means = sorted(float(np.mean(rng.choices(values, k=len(values)))) for _ in range(resamples))
    low, high = means[int(0.025 * resamples)], means[int(0.975 * resamples) - 1]
    return Interval(mean=float(np.mean(values)), low=low, high=high)


def read_held_out(directory: Path) -> list[HeldOut]:
    """The documents of `heldout/` with the texts of `heldout.jsonl`, matched by id."""
    judgments = {j.id: j for j in read_judgments(directory / "heldout.jsonl", require_summary=True)}
    store = VectorStore(directory / "heldout")
    documents = []
    for key, stored in zip(store.ids, store, strict=True):
        if key not in judgments:
            raise InputError(
                f"{directory / 'heldout.jsonl'}: expected judgment {key!r} of heldout/, found none"
            )
        clauses = [clause.text for clause in outline(judgments[key].text)]
        if len(clauses) != len(stored):
            raise InputError(
                f"judgment {key!r}: expected vectors of {len(clauses)} clauses, found {len(stored)}"
            )
        documents.append(
            HeldOut(stored.vectors, stored.labels, clauses, judgments[key].summary or "")
        )
    return documents


def read_labellers(directory: Path) -> tuple[list[Labeller], Labeller]:
    """The labellers of `folds/` in the order of their numbers, and that of `refit/`."""
    folds = sorted(
        (path for path in (directory / "folds").glob("*") if path.name.isdigit()),
        key=lambda p: int(p.name),
    )
    if not folds:
        raise InputError(f"{directory / 'folds'}: expected labellers 0, 1, …, found none")
    return [Labeller.from_pretrained(path) for path in folds], Labeller.from_pretrained(
        directory / "refit"
    )


def print_table(rows: dict[str, Row | Interval], echo: Callable[[str], None] = print) -> None:
    head = "".join(f"{name:>7}" for name in ("kept", "P", "R", "F1"))
    echo(f"{'':14}{head}  weighted ROUGE of the extract: words, characters")
    for name, row in rows.items():
        if isinstance(row, Row):
            figures = "".join(f"{x:7.3f}" for x in (row.kept, row.precision, row.recall, row.f1))
            echo(f"{name:14}{figures}  {_show(row.words)}, {_show(row.characters)}")
        else:
            echo(f"{name:14}{'':28}  {_show(row)}")


def _show(interval: Interval) -> str:
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--threshold", type=float, default=0.2)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    arguments = parser.parse_args()
    disable_progress_bar()  # one for each labeller that is loaded
    try:
        folds, refit = read_labellers(arguments.directory)
        rows = compare(
            folds, refit, read_held_out(arguments.directory), threshold=arguments.threshold
        )
    except SpacesError as error:
        raise SystemExit(f"error: {error}") from None
    if arguments.format == "json":
        print(json.dumps({name: asdict(row) for name, row in rows.items()}, indent=2))
    else:
        print(f"{len(folds)} folds, threshold {arguments.threshold}")
        print_table(rows)


if __name__ == "__main__":
    main()
