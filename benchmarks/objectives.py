"""What the generator gains from each way of pretraining, at equal cost.

    python benchmarks/objectives.py --config configs/default.yaml --work runs/objectives \\
        [--steps 600] [--epochs 4] [--seeds 1] [--objectives masked gap …] -- \\
        data.folder=DIR data.corpus_folder=DIR pretrain.hidden_size=192 …

Every objective has the same number of steps, of examples of the same length, from the same random
weights; then the generator learns the extract pairs for some epochs (nothing is extracted: the
source is given whole). Measured on the extracts that are held out: the cross-entropy of a token of
the summary given those before (less is better), and weighted ROUGE over words, decoded greedily
without any rule but that against repetition. Vocabulary and tokens come from `--work`/base, and are
made when they are not there; an objective that is done is not done again.

- nothing: random weights;
- masked: words of the source are hidden and asked for (BERT); nothing is written;
- denoising: a shuffled, thinned text is put right (BART);
- gap: the clauses that say most are written, a part of them missing in the source (PEGASUS);
- holding: of the case library the holding is written from facts and reasons;
- together: the recipe's own shares of the three in the middle;
- vectors: no steps, but embeddings that start as word vectors (gensim's skip-gram, a pass over the
  tokens of the corpus);
- vectors-gap: gap clauses, from such embeddings.

Masked words are asked for wherever there are steps.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from gensim.models import Word2Vec

from spaces.generate.beam import beam_search
from spaces.generate.model import Generator
from spaces.generate.pretraining import Objectives, PretrainingExamples, read_texts
from spaces.generate.tokenizer import load_tokenizer
from spaces.generate.training import PairExamples, collate
from spaces.metrics import evaluate
from spaces.outline import outline
from spaces.pairs import encode_pair, supported, whole
from spaces.pipeline import Plan
from spaces.recipe import load_recipe
from spaces.steps import Step
from spaces.wording import Wording

CASES = "court_case_library.jsonl.xz"
_HOLDING = re.compile(
    r"\n基本案情\n(?P<case>.+)\n裁判要旨\n(?P<holding>.+?)(?:\n关联索引|$)", re.DOTALL
)


class Masked(PretrainingExamples):
    """Nothing is to be written."""

    def _gaps(self, clauses: list[list[int]], random) -> tuple[list[int], list[int]]:
        return [token for clause in clauses for token in clause], []


class Holdings(PretrainingExamples):
    """Facts and reasons, the end of them where they are too long, and the holding."""

    def __init__(self, folder: Path, tokenizer, objectives: Objectives, seed: int, path: Path):
        super().__init__(folder, len(tokenizer), objectives, seed)
        self.cases = [
            tokenizer([case, holding], add_special_tokens=False)["input_ids"]
            for case, holding in holdings(path)
        ]

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        case, holding = self.cases[index]
        random = np.random.default_rng([self.seed, index])
        room = self.objectives.target_room
        return self._example(case[-self.source_room :], holding[:room], random)


def holdings(path: Path) -> Iterator[tuple[str, str]]:
    """Facts with reasons, and holding, of the cases that have both, in roles for names."""
    for text in read_texts([path]):
        if found := _HOLDING.search(text):
            worded = "".join(text[a:b] for a, b in Wording(text).pieces(*found.span("case")))
            yield worded, found["holding"]


def start_words(model: Generator, plan: Plan) -> None:
    """The embeddings of words as skip-gram vectors (Mikolov et al. 2013) around their mean, each as
    long as random ones are; a word that the corpus lacks keeps its random one."""
    tokens = np.memmap(plan.tokens().folder / "tokens.bin", dtype=np.uint16, mode="r")
    names = list(map(str, range(model.config.vocab_size)))  # one string for each word
    sentences = [
        [names[token] for token in tokens[at : at + 1000]] for at in range(0, len(tokens), 1000)
    ]
    size, seed = model.config.hidden_size, plan.recipe.seed
    # one worker: several would not give the same vectors again
    found = Word2Vec(sentences, vector_size=size, sg=1, min_count=1, epochs=1, workers=1, seed=seed)
    vectors = torch.from_numpy(found.wv.vectors)
    vectors = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=1)
    with torch.no_grad():
        words = model.backbone.words.weight
        length = words.norm(dim=1).mean()
        words[torch.tensor(list(map(int, found.wv.index_to_key)))] = vectors * length


def examples(name: str, plan: Plan) -> PretrainingExamples:
    tokens, objectives, seed = plan.tokens().folder, plan.objectives(), plan.recipe.seed
    tokenizer = load_tokenizer(plan.vocabulary().folder)
    if name == "holding":
        (path,) = plan.recipe.data.corpus_paths([CASES])
        return Holdings(tokens, tokenizer, objectives, seed, path)
    kind = Masked if name == "masked" else PretrainingExamples
    share = {"masked": 0.0, "gap": 0.0, "denoising": 1.0}.get(name, objectives.denoise_share)
    return kind(tokens, len(tokenizer), replace(objectives, denoise_share=share), seed)


def pretrained(name: str, plan: Plan, steps: int) -> Step:
    """In the place of the plan's own step."""
    step = plan.step(f"pretrain-{name}", steps, after=[plan.tokens()])

    def work(folder: Path) -> None:
        model = plan.untrained(len(load_tokenizer(plan.vocabulary().folder)))
        if name.startswith("vectors"):
            start_words(model, plan)
        objective = name.removeprefix("vectors-")
        if objective not in ("nothing", "vectors"):
            model = plan.pretrain_on(
                model,
                examples(objective, plan),
                folder,
                ema_decay=0.99,
                max_steps=steps,
                warmup_steps=min(plan.recipe.pretrain.warmup_steps, steps // 4),
                save_strategy="no",
            )
        model.save_pretrained(folder / "model")

    step.run(work)
    return step


def rows(plan: Plan, *, held_out: bool) -> Iterator[dict]:
    support = plan.recipe.generate.support
    for pair, held in zip(*plan.extracts(), strict=True):
        if held == held_out:
            source = whole(outline(pair.source))
            yield {"sources": [source], "target": supported(pair.target, source, support)}


@torch.inference_mode()
def measure(generator: Generator, plan: Plan) -> tuple[float, float]:
    """Cross-entropy of a token, and weighted ROUGE over words, on the extracts held out."""
    tokenizer = load_tokenizer(plan.start().folder)
    most = plan.recipe.extract.max_source_tokens
    pairs = [encode_pair(row, tokenizer, most) for row in rows(plan, held_out=True)]
    wanted = [target for _, target in plan.held_out["extracts"]]
    told = PairExamples(pairs, replacement=0.0, max_tokens=plan.recipe.generate.max_tokens, seed=0)
    losses, counts, written = [], [], {}
    for first in range(0, len(pairs), 16):
        batch = collate([told[i] for i in range(first, min(first + 16, len(pairs)))])
        losses.append(float(generator(**batch).lm_loss))
        counts.append(int((batch["labels"] >= 0).sum()))
        sources = [pair.sources[0] for pair in pairs[first : first + 16]]
        found = beam_search(
            generator,
            [list(source.ids) for source in sources],
            segments=[list(source.segments) for source in sources],
            max_new_tokens=plan.recipe.generate.max_new_tokens,
        )
        for i, hypothesis in enumerate(found, first):
            written[i] = tokenizer.decode(hypothesis.tokens).replace(" ", "")
    rouge = evaluate(written, dict(enumerate(wanted)), "word", resamples=1).weighted.mean
    return float(np.average(losses, weights=counts)), rouge


def run(name: str, base: Plan, options: argparse.Namespace, seed: int) -> tuple[float, float]:
    """Figures of one objective."""
    folder = Path(options.work, f"{name}-{seed}")
    # all words take part in the loss: the sparse one moves too few where a model knows none, and
    # leaves the rest of the distribution, which is measured, where it was
    settings = [*options.settings, "generate.sparse_top_k=0", f"seed={seed}"]
    settings.append(f"work_folder={folder}")
    plan = Plan(load_recipe(options.config, settings))
    plan.judgments, plan.extracts = base.judgments, base.extracts  # the same ones held out
    plan.made |= {"vocabulary": base.vocabulary(), "tokens": base.tokens(), "words": base.words()}
    plan.made["pretrain"] = pretrained(name, plan, options.steps)
    described = asdict(plan.recipe.generate) | {"passes": options.epochs}
    step = plan.step("figures", described, plan.training_files(), after=[plan.start()])

    def work(place: Path) -> None:
        generator = plan.fit(
            plan.start().folder / "generator",
            rows(plan, held_out=False),
            place / "fitted",
            num_train_epochs=options.epochs,
            learning_rate=plan.recipe.generate.learning_rate,
            lr_scheduler_type="linear",
            save_strategy="no",
        )
        (place / "figures.json").write_text(json.dumps(measure(generator, plan)))

    step.run(work)
    return tuple(json.loads((step.folder / "figures.json").read_text()))


OBJECTIVES = ("nothing", "masked", "denoising", "gap", "holding", "together")
OBJECTIVES += ("vectors", "vectors-gap")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/default.yaml")
    parser.add_argument("--work", default="runs/objectives")
    parser.add_argument("--objectives", nargs="*", default=OBJECTIVES, choices=OBJECTIVES)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    parser.add_argument("settings", nargs="*", help="key=value, as for spaces train")
    options = parser.parse_intermixed_args()
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    shared = [*options.settings, f"work_folder={Path(options.work, 'base')}"]
    base = Plan(load_recipe(options.config, shared))
    print("| pretrained on | cross-entropy | ROUGE |\n|---|---|---|")
    for name in options.objectives:
        figures = [run(name, base, options, seed) for seed in options.seeds]
        cells = [f"{np.mean(c):.3f} ± {np.ptp(c) / 2:.3f}" for c in np.transpose(figures)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
