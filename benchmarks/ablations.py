"""What each part of the method is worth: the generator trained without it, everything else alike.

    python benchmarks/ablations.py --config configs/default.yaml --work runs/ablations \\
        data.folder=DIR data.corpus_folder=DIR generate.epochs=2 generate.evaluations=1

The steps before the generator come from the recipe's own work folder (they are made when they are
not there); each variant is trained into `--work` and scored by weighted ROUGE over words on the
held-out share of the training data, greedily, never on dev. A variant that is done is not done
again. The table goes to standard output, the figures to `--work`/ablations.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spaces.pairs import read_rows, write_rows
from spaces.pipeline import Plan
from spaces.recipe import load_recipe
from spaces.steps import Step

KINDS = ("weighted", "weighted_judgments", "weighted_extracts")


@dataclass(frozen=True)
class Variant:
    """`overrides` of the recipe that are redone from the step they change; `rows` changes the
    pairs, `generator` the trained model."""

    overrides: tuple[str, ...] = ()
    rows: Callable[[list[dict]], list[dict]] | None = None
    generator: Callable | None = None


def only(labels: str) -> Callable[[list[dict]], list[dict]]:
    """Of the judgments' two extracts (predicted, oracle) only one."""
    return lambda rows: [row for row in rows if row.get("labels", labels) == labels]


def never_copy(generator):
    """All copy tags are O: every word is generated."""
    import torch

    with torch.no_grad():
        generator.copy.weight.zero_()
        generator.copy.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    return generator


VARIANTS = {
    "everything": Variant(),
    "without sparse softmax": Variant(("generate.sparse_top_k=0",)),
    "without copy tags": Variant(("generate.copy_weight=0",), generator=never_copy),
    "without random replacement": Variant(("generate.replacement=0",)),
    "predicted extracts only": Variant(rows=only("predicted")),
    "oracle extracts only": Variant(rows=only("oracle")),
    "without EMA": Variant(("generate.ema_decay=0",)),
    "without weak targets": Variant(("weak.epochs=0",)),
    "without cross-fitting": Variant(("extract.folds=1",)),
    "without special words": Variant(("words.min_count=1000000000",)),
    "without pretraining": Variant(("pretrain.epochs=0.001", "pretrain.save_steps=100000")),
}


# The steps before the generator, and the parts of the recipe that tell variants apart there. What
# is read (extracts, weak targets) is made once, by the whole recipe: rows are about the generator.
STEPS = {
    "words": ("data", "words"),
    "vocabulary": ("data",),
    "tokens": ("data",),
    "pretrain": ("data", "pretrain"),
    "start": ("data", "pretrain", "words"),
    "vectors": ("data",),
    "unlabelled": ("data",),
    "labellers": ("data", "extract"),
    "tuned": ("data", "extract"),
    "pairs": ("data", "extract"),
    "weak": ("data",),
    "adapt": ("data", "pretrain", "words", "weak"),
}


def run(name: str, variant: Variant, base: Plan, arguments, seed: int) -> dict[str, float]:
    """Scores of one variant."""
    folder = Path(arguments.work, f"{name.replace(' ', '-')}-{seed}")
    recipe = load_recipe(
        arguments.config,
        [*arguments.settings, f"seed={seed}", *variant.overrides, f"work_folder={folder}"],
    )
    plan = Plan(recipe)
    # another seed is another training, not another held-out share: nothing learned may be scored
    plan.judgments, plan.extracts = base.judgments, base.extracts
    for step in STEPS:
        share(plan, base, step)
    plan.extractor = lambda: extractor(plan)
    if variant.rows:
        rows = read_rows(plan.pairs().folder / "pairs.jsonl")
        changed = Step(folder / "changed", {"variant": name}, after=[plan.pairs()])
        changed.run(lambda place: write_rows(place / "pairs.jsonl", variant.rows(rows)))
        plan.made["pairs"] = changed
    described = asdict(recipe.generate) | {"variant": name}
    step = plan.step("scores", described, after=[plan.generator()])

    def work(place: Path) -> None:
        from spaces.generate.model import Generator

        generator = Generator.from_pretrained(plan.generator().folder / "model")
        scores = plan.score(variant.generator(generator) if variant.generator else generator)
        (place / "scores.json").write_text(json.dumps(scores))

    step.run(work)
    return json.loads((step.folder / "scores.json").read_text())


def extractor(plan: Plan) -> tuple:
    """Encoder and labeller of the whole recipe, for the variant's tokenizer: special words stand at
    the end of the vocabulary."""
    from torch.nn import Embedding

    from spaces.generate.tokenizer import load_tokenizer

    encoder, labeller = Plan.extractor(plan)
    known = encoder.words.weight[: len(load_tokenizer(plan.start().folder))]
    encoder.words, encoder.config.vocab_size = Embedding.from_pretrained(known), len(known)
    return encoder, labeller


def share(plan: Plan, base: Plan, name: str) -> None:
    """Let `plan` use a step of `base` unless the variant changes it or one before it."""
    if all(getattr(plan.recipe, key) == getattr(base.recipe, key) for key in STEPS[name]):
        plan.made[name] = getattr(base, name)()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/default.yaml")
    parser.add_argument("--work", default="runs/ablations")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[42])
    parser.add_argument("settings", nargs="*", help="key=value, as for spaces train")
    arguments = parser.parse_intermixed_args()
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    base = Plan(load_recipe(arguments.config, arguments.settings))
    table = {}
    for name in arguments.variants:
        runs = [run(name, VARIANTS[name], base, arguments, seed) for seed in arguments.seeds]
        table[name] = {kind: [scores[kind] for scores in runs] for kind in KINDS}
        cells = [
            f"{np.mean(values):.3f}" + (f" ± {np.std(values):.3f}" if len(values) > 1 else "")
            for values in table[name].values()
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    Path(arguments.work, "ablations.json").write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
