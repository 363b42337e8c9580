"""What holds the extractive stage back: data, size, steps, or the vectors as they are?

    python benchmarks/curves.py [--config FILE] [--shares 0.25 0.5 1] [--sizes 64 192 384] \\
        [--epochs 4 14 28] [--dims 64 128 256] [--seeds 1 2] -- data.folder=DIR \\
        data.corpus_folder=DIR

Labellers on a share of the judgments and extracts, of a width, over a number of epochs, on sentence
vectors whitened to so many dimensions (`extract.whitening`, learned from what is not held out; -
for vectors as they are); each list varies by itself, the others as the recipe has them (without
unlabelled judgments). On what is held out: the cross-entropy against the oracle labels (less is
better), and weighted ROUGE over words between what is kept at --threshold and the summaries; means
over the seeds, with their range. The sentence vectors come from the recipe's work folder, and are
made when they are not there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from spaces.extract.features import FEATURES
from spaces.extract.labeller import LabellerConfig, select
from spaces.extract.sharing import share_probabilities
from spaces.extract.store import LabelledVectors, VectorStore
from spaces.extract.training import train_labeller
from spaces.extract.whitening import Whitening
from spaces.metrics import evaluate
from spaces.outline import columns, outline
from spaces.pipeline import Plan
from spaces.recipe import load_recipe

KINDS = ("judgments", "extracts")

Change = Callable[[LabelledVectors], LabelledVectors]


def whiten(documents: Sequence[LabelledVectors], dims: int) -> Change:
    """What whitens sentence vectors as `documents` have them to `dims`; features stay."""
    whitening = Whitening(dims).fit(document.vectors[:, :-FEATURES] for document in documents)

    def change(document: LabelledVectors) -> LabelledVectors:
        own, features = np.split(document.vectors, [-FEATURES], axis=1)
        vectors = np.concatenate([whitening.transform(own), features], axis=1)
        return LabelledVectors(vectors, document.labels)

    return change


class HeldOut:
    """What is kept from training, to measure a labeller on."""

    def __init__(self, plan: Plan, store: VectorStore, threshold: float) -> None:
        self.threshold = threshold
        judgments = len(plan.judgments()[0])
        self.documents: list[LabelledVectors] = []
        self.read: list[tuple[list[str], list[int]]] = []
        self.summaries: list[str] = []
        self.kinds: list[str] = []
        for i, (judgment, held) in enumerate(zip(*plan.labelled(), strict=True)):
            if held:
                self.documents.append(store[i])
                self.read.append(columns(outline(judgment.text)))
                self.summaries.append(judgment.summary or "")
                self.kinds.append(KINDS[i >= judgments])

    def measure(self, labeller, change: Change) -> list[float]:
        """Cross-entropy, and ROUGE of judgments and of extracts."""
        found = labeller.probabilities([change(document).vectors for document in self.documents])
        p = np.concatenate(found).astype(float).clip(1e-6, 1 - 1e-6)
        y = np.concatenate([document.labels for document in self.documents])
        loss = -np.where(y, np.log(p), np.log1p(-p)).mean()
        return [loss, *(self._rouge(found, kind) for kind in KINDS)]

    def _rouge(self, probabilities: Sequence[np.ndarray], kind: str) -> float:
        extracts, wanted = {}, {}
        for i, (texts, sections) in enumerate(self.read):
            if self.kinds[i] == kind:
                shared = share_probabilities(probabilities[i], texts, sections)
                kept = select(shared, threshold=self.threshold)
                extracts[i] = "".join(t for t, k in zip(texts, kept, strict=True) if k)
                wanted[i] = self.summaries[i]
        return evaluate(extracts, wanted, "word", resamples=1).weighted.mean


def variants(
    plan: Plan, options: argparse.Namespace
) -> Iterator[tuple[float, int, float, int | None]]:
    """(share, width, epochs, dims): each list by itself, what is in several once."""
    own = plan.recipe.extract
    found = [(share, own.hidden_size, own.epochs, None) for share in options.shares]
    found += [(1.0, size, own.epochs, None) for size in options.sizes]
    found += [(1.0, own.hidden_size, epochs, None) for epochs in options.epochs]
    found += [(1.0, own.hidden_size, own.epochs, dims) for dims in options.dims]
    yield from dict.fromkeys(found)


def compare(plan: Plan, options: argparse.Namespace) -> None:
    store = VectorStore(plan.vectors().folder)
    held_out, settings = HeldOut(plan, store, options.threshold), plan.recipe.extract
    learned = [store[i] for i, held in enumerate(plan.labelled()[1]) if not held]
    print("| documents | width | epochs | dimensions | cross-entropy | judgments | extracts |")
    print("|---|---|---|---|---|---|---|")
    for share, size, epochs, dims in variants(plan, options):
        figures = []
        for seed in options.seeds:
            order = np.random.default_rng(seed).permutation(len(learned))
            chosen = [learned[i] for i in order[: round(share * len(learned))]]
            change: Change = whiten(chosen, dims) if dims else lambda document: document
            labeller = train_labeller(
                [change(document) for document in chosen],
                config=LabellerConfig(
                    input_size=dims + FEATURES if dims else store.width, hidden_size=size
                ),
                epochs=epochs,
                learning_rate=settings.learning_rate,
                batch_size=settings.batch_size,
                seed=seed,
            )
            figures.append(held_out.measure(labeller, change))
        cells = [f"{np.mean(c):.3f} ± {np.ptp(c) / 2:.3f}" for c in np.transpose(figures)]
        row = [len(chosen), size, f"{epochs:g}", dims or "-", *cells]
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/default.yaml")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.25, 0.5, 1.0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 192, 384])
    parser.add_argument("--epochs", type=float, nargs="*", default=[4, 14, 28])
    parser.add_argument("--dims", type=int, nargs="*", default=[64, 128, 256])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--threshold", type=float, default=0.3)
    parser.add_argument("settings", nargs="*", help="key=value, as for spaces train")
    options = parser.parse_intermixed_args()
    compare(Plan(load_recipe(options.config, options.settings)), options)


if __name__ == "__main__":
    main()
