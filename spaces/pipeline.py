"""From raw files to a model directory: words, pretrain, extract, generate, each a step that can
stand alone.

Each folder below `work_folder` is a step: skipped when nothing it reads has changed, resumed when
it was cut short.

    words        special words: the list written by hand and those mined from the training summaries
    vocabulary   the tokenizer, made from the corpus
    tokens       the corpus as token ids, memory-mapped
    pretrain     the generator trained from nothing on the corpus
    start        tokenizer and generator with the special words added: where both stages start
    vectors      sentence vectors and oracle labels of the training judgments
    labellers    a labeller per fold, one fitted on everything, and probabilities from labellers
                 that have not seen the judgment
    pairs        what the generator learns from: predicted and oracle extracts, and the extracts
    made by people
    generator    the generator
    model        all parts together, written to `model_folder`
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from spaces.errors import ConfigError, InputError
from spaces.files import atomic_write, dump_json
from spaces.folds import assign_folds
from spaces.recipe import Recipe, load_recipe
from spaces.records import ExtractPair, Judgment, load_training
from spaces.sentences import split_clauses
from spaces.steps import Step

COMMANDS = ("words", "pretrain", "extract", "generate", "all")


def run(command: str, config: str | Path, overrides: Sequence[str] = ()) -> None:
    """Do one of COMMANDS, and first what it needs, as the config file says.

    Raises ConfigError for a wrong setting, InputError and RecordError for files.
    """
    if command not in COMMANDS:
        raise ConfigError(f"no such training step: {command}; there are {', '.join(COMMANDS)}")
    plan = Plan(load_recipe(config, overrides))
    plan.check_files()
    from transformers import set_seed
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(plan.recipe.seed)
    steps: dict[str, Callable[[], Step]] = {
        "words": plan.words,
        "pretrain": plan.pretrain,
        "extract": plan.labellers,
        "generate": plan.model,
        "all": plan.model,
    }
    steps[command]()


def _once(make: Callable[[Plan], Step]) -> Callable[[Plan], Step]:
    """A step that several others need is looked at once in a run."""

    @functools.wraps(make)
    def step(plan: Plan) -> Step:
        if make.__name__ not in plan.made:
            plan.made[make.__name__] = make(plan)
        return plan.made[make.__name__]

    return step


class Plan:
    """The steps of one recipe. Each method makes sure that the steps it needs are done, then does
    its own."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.folder = Path(recipe.work_folder)
        self.made: dict[str, Step] = {}

    def check_files(self) -> None:
        data = self.recipe.data
        names = [*data.judgments, *data.extracts, *data.summaries]
        for path in [*data.paths(names), *data.corpus_paths()]:
            if not path.is_file():
                raise InputError(
                    f"{path}: no such file; "
                    "give the folders with data.folder=DIR data.corpus_folder=DIR"
                )

    def step(self, name: str, settings: object, files=(), after=()) -> Step:
        described = {"seed": self.recipe.seed, "settings": settings}
        return Step(self.folder / name, described, files=files, after=after)

    # --- pretrain

    def corpus_files(self) -> list[Path]:
        """Raw text, and the texts and summaries of the training judgments, held-out ones too:
        pretraining is not told which summary belongs to which judgment."""
        data = self.recipe.data
        return [*data.corpus_paths(), *data.paths([*data.judgments, *data.summaries])]

    def corpus_texts(self) -> Iterator[str]:
        from spaces.generate.pretraining import read_texts

        return read_texts(self.corpus_files(), self.recipe.data.corpus_kinds)

    @_once
    def vocabulary(self) -> Step:
        settings = {
            "vocab_size": self.recipe.pretrain.vocab_size,
            "kinds": self.recipe.data.corpus_kinds,
        }
        step = self.step("vocabulary", settings, self.corpus_files())

        def work(folder: Path) -> None:
            from spaces.generate.tokenizer import build_tokenizer, count_words
            from spaces.words import Segmenter

            counts = count_words(self.corpus_texts(), Segmenter().cut, min_characters=3)
            build_tokenizer(counts, self.recipe.pretrain.vocab_size).save_pretrained(folder)

        step.run(work)
        return step

    @_once
    def tokens(self) -> Step:
        vocabulary = self.vocabulary()
        step = self.step("tokens", {}, after=[vocabulary])

        def work(folder: Path) -> None:
            from spaces.generate.pretraining import store_tokens
            from spaces.generate.tokenizer import load_tokenizer

            store_tokens(self.corpus_texts(), load_tokenizer(vocabulary.folder), folder)

        step.run(work)
        return step

    @_once
    def pretrain(self) -> Step:
        tokens = self.tokens()
        settings = self.recipe.pretrain
        step = self.step("pretrain", dataclasses.asdict(settings), after=[tokens])

        def work(folder: Path) -> None:
            from torch.utils.data import default_collate

            from spaces.generate.model import Generator, GeneratorConfig
            from spaces.generate.pretraining import Objectives, PretrainingExamples
            from spaces.generate.tokenizer import load_tokenizer
            from spaces.generate.training import train_generator, training_arguments

            tokenizer = load_tokenizer(self.folder / "vocabulary")
            names = {f.name for f in dataclasses.fields(Objectives)}
            objectives = Objectives(
                **{n: v for n, v in dataclasses.asdict(settings).items() if n in names}
            )
            examples = PretrainingExamples(
                tokens.folder, len(tokenizer), objectives, self.recipe.seed
            )
            model = Generator(
                GeneratorConfig(
                    vocab_size=len(tokenizer),
                    hidden_size=settings.hidden_size,
                    num_hidden_layers=settings.num_hidden_layers,
                    num_attention_heads=settings.num_attention_heads,
                    intermediate_size=settings.intermediate_size,
                    position=settings.position,
                    selective_read=settings.selective_read,
                    dropout=settings.dropout,
                    sparse_top_k=0,  # all words must move while the model knows none
                )
            )
            arguments = training_arguments(
                folder / "checkpoints",
                num_train_epochs=settings.epochs,
                per_device_train_batch_size=settings.batch_size,
                learning_rate=settings.learning_rate,
                warmup_steps=settings.warmup_steps,
                lr_scheduler_type="cosine",
                weight_decay=0.01,
                adam_beta2=0.98,
                logging_steps=50,
                save_steps=settings.save_steps,
                seed=self.recipe.seed,
            )
            model = train_generator(
                model, examples, arguments, ema_decay=0.999, collator=default_collate
            )
            model.save_pretrained(folder / "model")

        step.run(work)
        return step

    # --- words, and where both stages start

    @_once
    def words(self) -> Step:
        data, settings = self.recipe.data, self.recipe.words
        base = Path(settings.base)
        step = self.step("words", settings, [base, *self.training_files()])

        def work(folder: Path) -> None:
            from spaces.words import Segmenter, mine_words, read_words, write_words

            words = read_words(base)
            summaries = [
                pair["target"] for pair in load_training(data.paths(data.extracts), "extracts")
            ]
            summaries += load_training(data.paths(data.judgments), "judgments")["summary"]
            summaries += load_training(data.paths(data.summaries), "summaries")["summary"]
            mined = mine_words(summaries, max_words=settings.mined, known=Segmenter(words))
            comment = (
                f"{len(words)} words of {base.name}, "
                f"{len(mined)} mined from {len(summaries)} summaries"
            )
            write_words(folder / "special_words.txt", [*words, *(m.word for m in mined)], comment)

        step.run(work)
        return step

    @_once
    def start(self) -> Step:
        words, pretrain = self.words(), self.pretrain()
        step = self.step(
            "start", {"min_count": self.recipe.words.min_count}, after=[words, pretrain]
        )

        def work(folder: Path) -> None:
            from spaces.generate.model import Generator
            from spaces.generate.tokenizer import add_words, load_tokenizer
            from spaces.words import read_words

            data = self.recipe.data
            texts = list(load_training(data.paths(data.judgments), "judgments")["text"])
            for pair in load_training(data.paths(data.extracts), "extracts"):
                texts += [pair["source"], pair["target"]]
            text = "\n".join(texts)
            special = read_words(words.folder / "special_words.txt")
            frequent = [w for w in special if text.count(w) >= self.recipe.words.min_count]
            tokenizer, compounds = add_words(load_tokenizer(self.folder / "vocabulary"), frequent)
            tokenizer.save_pretrained(folder)
            model = Generator.from_pretrained(pretrain.folder / "model")
            model.extend_embeddings(compounds).save_pretrained(folder / "generator")

        step.run(work)
        return step

    # --- extract

    def training_files(self) -> list[Path]:
        data = self.recipe.data
        return data.paths([*data.judgments, *data.extracts, *data.summaries])

    def judgments(self) -> tuple[list[Judgment], list[bool]]:
        """The training judgments, and for each whether it is held out."""
        data = self.recipe.data
        rows = load_training(data.paths(data.judgments), "judgments")
        judgments = [Judgment(row["id"], row["text"], row["summary"]) for row in rows]
        folds = assign_folds([j.id for j in judgments], data.held_out, self.recipe.seed)
        return judgments, [fold == 0 for fold in folds]

    def encoder(self, start: Step):
        """The sentence encoder: the first layers of the backbone, before it learned to generate
        summaries."""
        from spaces.generate.model import Generator

        backbone = Generator.from_pretrained(start.folder / "generator").backbone
        return backbone.first_layers(self.recipe.extract.encoder_layers)

    @_once
    def vectors(self) -> Step:
        start = self.start()
        settings = {"layers": self.recipe.extract.encoder_layers}
        step = self.step("vectors", settings, self.training_files(), after=[start])

        def work(folder: Path) -> None:
            from spaces.extract.encoder import SentenceEncoder
            from spaces.extract.oracle import oracle_labels
            from spaces.extract.store import LabelledVectors, write_vectors
            from spaces.generate.tokenizer import load_tokenizer

            backbone = self.encoder(start)
            encoder = SentenceEncoder(backbone, load_tokenizer(start.folder))

            def labelled() -> Iterator[tuple[str | int, LabelledVectors]]:
                for judgment in self.judgments()[0]:
                    clauses = [clause.text for clause in split_clauses(judgment.text)]
                    labels = np.asarray(oracle_labels(clauses, judgment.summary or ""))
                    yield judgment.id, LabelledVectors(encoder.encode(clauses), labels)

            write_vectors(folder, labelled(), width=backbone.config.hidden_size)

        step.run(work)
        return step

    @_once
    def labellers(self) -> Step:
        vectors, settings = self.vectors(), self.recipe.extract
        names = ("hidden_size", "folds", "epochs", "batch_size", "learning_rate", "threshold")
        described = {name: getattr(settings, name) for name in names}
        described["held_out"] = self.recipe.data.held_out
        step = self.step("labellers", described, after=[vectors])

        def work(folder: Path) -> None:
            from spaces.extract.crossfit import cross_fit
            from spaces.extract.labeller import Labeller, LabellerConfig
            from spaces.extract.store import VectorStore, write_vectors
            from spaces.extract.training import train_labeller

            store = VectorStore(vectors.folder)
            judgments, held_out = self.judgments()
            learned = [i for i, held in enumerate(held_out) if not held]
            aside = [i for i, held in enumerate(held_out) if held]

            def fit(documents: list, name: str) -> Labeller:
                saved = folder / name
                if not (saved / "model.safetensors").is_file():
                    train_labeller(
                        documents,
                        config=LabellerConfig(
                            input_size=store.width,
                            hidden_size=settings.hidden_size,
                            threshold=settings.threshold,
                        ),
                        epochs=settings.epochs,
                        learning_rate=settings.learning_rate,
                        batch_size=settings.batch_size,
                        seed=self.recipe.seed,
                        output_dir=saved,
                    )
                return Labeller.from_pretrained(saved).eval()

            def predict(labeller: Labeller, documents: list) -> list[np.ndarray]:
                return labeller.probabilities([document.vectors for document in documents])

            refit = fit([store[i] for i in learned], "refit")
            fitted = cross_fit(
                [store[i] for i in learned],
                [store.ids[i] for i in learned],
                settings.folds,
                lambda documents, fold: fit(documents, f"folds/{fold}"),
                predict,
                self.recipe.seed,
            )
            # a held-out judgment gets what the finished model would give it
            probabilities = dict(enumerate(predict(refit, list(store))))
            probabilities |= dict(zip(learned, fitted.probabilities, strict=True))
            arrays = {str(i): p for i, p in probabilities.items()}
            np.savez(folder / "probabilities.npz", **arrays)
            # what benchmarks/labeller.py compares the labellers on
            write_vectors(
                folder / "heldout", ((store.ids[i], store[i]) for i in aside), width=store.width
            )
            with atomic_write(folder / "heldout.jsonl") as file:
                for i in aside:
                    record = {"id": judgments[i].id, "text": judgments[i].text}
                    file.write(dump_json(record | {"summary": judgments[i].summary}) + "\n")

        step.run(work)
        return step

    # --- generate

    @_once
    def pairs(self) -> Step:
        labellers, start, vectors = self.labellers(), self.start(), self.vectors()
        extract = self.recipe.extract
        settings = {"threshold": extract.threshold, "max_source_tokens": extract.max_source_tokens}
        step = self.step("pairs", settings, self.training_files(), after=[start, labellers])

        def work(folder: Path) -> None:
            from spaces.extract.labeller import select
            from spaces.extract.store import VectorStore
            from spaces.generate.tokenizer import load_tokenizer

            tokenizer = load_tokenizer(start.folder)
            store = VectorStore(vectors.folder)
            probabilities = np.load(labellers.folder / "probabilities.npz")
            room = extract.max_source_tokens - 2
            judgments, held_out = self.judgments()
            rows = []
            for i, judgment in enumerate(judgments):
                clauses = [clause.text for clause in split_clauses(judgment.text)]
                counts = [
                    len(ids) for ids in tokenizer(clauses, add_special_tokens=False)["input_ids"]
                ]
                kept = select(
                    probabilities[str(i)],
                    threshold=extract.threshold,
                    token_counts=counts,
                    max_tokens=room,
                )
                oracle = select(
                    store[i].labels, threshold=0.5, token_counts=counts, max_tokens=room
                )
                sources = [
                    "".join(c for c, k in zip(clauses, keep, strict=True) if k)
                    for keep in (kept, oracle)
                ]
                rows.append(
                    {"id": judgment.id, "kind": "judgment", "held_out": held_out[i]}
                    | {"sources": sources, "target": judgment.summary}
                )
            data = self.recipe.data
            rows_of_pairs = load_training(data.paths(data.extracts), "extracts")
            extracts = [ExtractPair(**row) for row in rows_of_pairs]
            out = assign_folds([p.id for p in extracts], data.held_out, self.recipe.seed)
            for pair, fold in zip(extracts, out, strict=True):
                rows.append(
                    {"id": pair.id, "kind": "extract", "held_out": fold == 0}
                    | {"sources": [pair.source], "target": pair.target}
                )
            with atomic_write(folder / "pairs.jsonl") as file:
                file.writelines(dump_json(row) + "\n" for row in rows)

        step.run(work)
        return step

    def summarizer(self, generator):
        """The chain around a generator, as the model directory will hold it."""
        from spaces.extract.labeller import Labeller
        from spaces.generate.tokenizer import load_tokenizer
        from spaces.settings import SummarizerConfig
        from spaces.summarizer import Summarizer

        extract, generate = self.recipe.extract, self.recipe.generate
        return Summarizer(
            load_tokenizer(self.folder / "start"),
            self.encoder(self.start()),
            Labeller.from_pretrained(self.folder / "labellers" / "refit"),
            generator,
            SummarizerConfig(
                threshold=extract.threshold,
                max_source_tokens=extract.max_source_tokens,
                max_new_tokens=generate.max_new_tokens,
                beams=generate.beams,
                no_repeat=generate.no_repeat,
                sparse_top_k=generate.sparse_top_k,
            ),
        )

    @_once
    def generator(self) -> Step:
        pairs, start = self.pairs(), self.start()
        settings = self.recipe.generate
        step = self.step("generator", dataclasses.asdict(settings), after=[pairs])

        def work(folder: Path) -> None:
            from spaces.generate.model import Generator
            from spaces.generate.tokenizer import encode_source, load_tokenizer
            from spaces.generate.training import (
                Pair,
                PairExamples,
                train_generator,
                training_arguments,
            )

            tokenizer = load_tokenizer(start.folder)
            limit = self.recipe.extract.max_source_tokens

            def encode(row: dict) -> Pair:
                sources = []
                for text in row["sources"]:
                    ids, _ = encode_source(tokenizer, text)
                    sources.append(ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]])
                target = tokenizer(row["target"], add_special_tokens=False)["input_ids"]
                return Pair(sources, target)

            with open(pairs.folder / "pairs.jsonl", encoding="utf-8") as file:
                rows = [json.loads(line) for line in file]
            held_out = [row for row in rows if row["held_out"]]
            examples = PairExamples(
                [encode(row) for row in rows if not row["held_out"]],
                replacement=settings.replacement,
                max_tokens=settings.max_tokens,
                seed=self.recipe.seed,
            )
            model = Generator.from_pretrained(
                start.folder / "generator",
                sparse_top_k=settings.sparse_top_k,
                copy_weight=settings.copy_weight,
                dropout=settings.dropout,
            )
            updates = len(examples) * settings.epochs / settings.batch_size
            every = max(1, int(updates / settings.evaluations))
            arguments = training_arguments(
                folder / "checkpoints",
                num_train_epochs=settings.epochs,
                per_device_train_batch_size=settings.batch_size,
                learning_rate=settings.learning_rate,
                warmup_steps=settings.warmup_steps,
                lr_scheduler_type="linear",
                weight_decay=0.01,
                logging_steps=25,
                eval_strategy="steps",
                eval_steps=every,
                save_steps=every,
                metric_for_best_model="weighted",
                greater_is_better=True,
                seed=self.recipe.seed,
            )
            train_generator(
                model,
                examples,
                arguments,
                ema_decay=settings.ema_decay,
                score=lambda generator: self.score(generator, held_out),
                patience=settings.patience,
            ).save_pretrained(folder / "model")

        step.run(work)
        return step

    def score(self, generator, held_out: list[dict]) -> dict[str, float]:
        """Weighted ROUGE over words of held-out summaries decoded greedily, all and by kind."""
        from spaces.metrics import evaluate

        summarizer = self.summarizer(generator)
        summarizer.config = dataclasses.replace(summarizer.config, beams=1)
        texts = [row["sources"][0] for row in held_out]
        summaries = summarizer.summarize_batch(texts, batch_size=16, extract=False)

        def weighted(kind: str) -> float:
            chosen = [i for i, row in enumerate(held_out) if kind in ("", row["kind"])]
            predicted = {i: summaries[i].text for i in chosen}
            wanted = {i: held_out[i]["target"] for i in chosen}
            return evaluate(predicted, wanted, "word", resamples=1).weighted.mean

        return {
            "weighted": weighted(""),
            "weighted_judgments": weighted("judgment"),
            "weighted_extracts": weighted("extract"),
            "characters": float(np.mean([len(summary.text) for summary in summaries])),
        }

    @_once
    def model(self) -> Step:
        generator = self.generator()
        step = self.step("model", {"folder": self.recipe.model_folder}, after=[generator])

        def work(folder: Path) -> None:
            from spaces.generate.model import Generator

            trained = Generator.from_pretrained(generator.folder / "model")
            self.summarizer(trained).save_pretrained(self.recipe.model_folder)

        step.run(work)
        return step
