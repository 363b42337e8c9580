"""The generative stage: pairs, weak targets, the generator, and the model directory."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from spaces.pipeline.data import once
from spaces.pipeline.extractor import ExtractorSteps
from spaces.steps import Step

__all__ = ["GeneratorSteps"]


class GeneratorSteps(ExtractorSteps):
    """From labelled judgments to the model."""

    @once
    def pairs(self) -> Step:
        labellers, start, vectors = self.labellers(), self.start(), self.vectors()
        extract = self.recipe.extract
        support = self.recipe.generate.support
        settings = {"threshold": extract.threshold, "max_source_tokens": extract.max_source_tokens}
        settings["support"] = support
        step = self.step("pairs", settings, self.training_files(), after=[start, labellers])

        def work(folder: Path) -> None:
            from spaces.extract.store import VectorStore
            from spaces.pairs import join_rows
            from spaces.pipeline.working import MakePairs

            store = VectorStore(vectors.folder)

            def records() -> Iterator[tuple]:
                judgments = self.judgments()
                with np.load(labellers.folder / "probabilities.npz") as probabilities:

                    def predicted(i: int) -> tuple:
                        return "predicted", probabilities[str(i)], extract.threshold

                    for i, (judgment, held) in enumerate(zip(*judgments, strict=True)):
                        row = {"id": judgment.id, "kind": "judgment", "held_out": held}
                        oracle = ("oracle", np.array(store[i].labels), 0.5)
                        yield row, judgment.text, judgment.summary or "", [predicted(i), oracle]
                    # given whole, of which the decoder sees what is probable: both are learned
                    for i, (pair, held) in enumerate(
                        zip(*self.extracts(), strict=True), len(judgments[0])
                    ):
                        row = {"id": pair.id, "kind": "extract", "held_out": held}
                        yield row, pair.source, pair.target, []
                        yield row, pair.source, pair.target, [predicted(i)]

            work = MakePairs(start.folder, support, extract.max_source_tokens - 2)
            join_rows(folder / "pairs.jsonl", self.shards(folder, records(), work))

        step.run(work)
        return step

    @once
    def weak(self) -> Step:
        start, settings = self.start(), self.recipe.weak
        described = {
            "documents": settings.documents,
            "max_source_tokens": self.recipe.extract.max_source_tokens,
        }
        files = self.recipe.data.corpus_paths(settings.corpus)
        step = self.step("weak", described, files, after=[start])

        def work(folder: Path) -> None:
            from spaces.generate.pretraining import read_texts
            from spaces.pairs import join_rows
            from spaces.pipeline.working import MakeWeak

            texts = read_texts(files, self.recipe.data.corpus_kinds)
            most = self.recipe.extract.max_source_tokens - 2
            work = MakeWeak(start.folder, most, self.recipe.seed)
            shards = self.shards(folder, enumerate(texts), work)
            join_rows(folder / "pairs.jsonl", shards, count=settings.documents)

        step.run(work)
        return step

    def summarizer(self, generator):
        """The chain around a generator, as the model directory will hold it."""
        from spaces import Summarizer
        from spaces.generate.tokenizer import load_tokenizer
        from spaces.settings import SummarizerConfig

        extract, generate = self.recipe.extract, self.recipe.generate
        return Summarizer(
            load_tokenizer(self.start().folder),
            *self.extractor(),
            generator,
            SummarizerConfig(
                window=extract.window,
                threshold=extract.threshold,
                max_source_tokens=extract.max_source_tokens,
                max_new_tokens=generate.max_new_tokens,
                beams=generate.beams,
                no_repeat=generate.no_repeat,
                copy_bias=generate.copy_bias,
                generate_limit=generate.generate_limit,
                look_back=generate.look_back,
                skip_cost=generate.skip_cost,
                end_cost=generate.end_cost,
                keep_weight=generate.keep_weight,
                keep_threshold=generate.keep_threshold,
                attend_threshold=generate.attend_threshold,
                sparse_top_k=generate.sparse_top_k,
            ),
        )

    @once
    def adapt(self) -> Step:
        """The pretrained generator on weak targets: the task's form, before its substance."""
        weak, settings = self.weak(), self.recipe.weak
        # of the generator's own settings those that `fit` reads
        names = ("max_tokens", "replacement", "sparse_top_k", "copy_weight", "dropout")
        names += ("ema_decay", "batch_size", "warmup_steps")
        fitting = {name: getattr(self.recipe.generate, name) for name in names}
        described = [dataclasses.asdict(settings), fitting]
        step = self.step("adapt", described, after=[weak])

        def work(folder: Path) -> None:
            from spaces.pairs import iter_rows

            rows = weak.folder / "pairs.jsonl"
            begin = self.start().folder / "generator"
            if not rows.stat().st_size or not settings.epochs:
                shutil.copytree(begin, folder / "model")
                return
            self.fit(
                begin,
                iter_rows(rows),
                folder,
                num_train_epochs=settings.epochs,
                learning_rate=settings.learning_rate,
                lr_scheduler_type="cosine",
            ).save_pretrained(folder / "model")

        step.run(work)
        return step

    @once
    def generator(self) -> Step:
        pairs, adapt, tuned = self.pairs(), self.adapt(), self.tuned()
        settings = self.recipe.generate
        step = self.step("generator", dataclasses.asdict(settings), after=[pairs, adapt, tuned])

        def work(folder: Path) -> None:
            from spaces.pairs import iter_rows

            def learned() -> Iterator[dict]:
                rows = iter_rows(pairs.folder / "pairs.jsonl")
                return (row for row in rows if not row["held_out"])

            updates = sum(1 for _ in learned()) * settings.epochs / settings.batch_size
            every = max(1, int(updates / settings.evaluations))
            self.fit(
                adapt.folder / "model",
                learned(),
                folder,
                score=self.score,
                num_train_epochs=settings.epochs,
                learning_rate=settings.learning_rate,
                lr_scheduler_type="linear",
                eval_strategy="steps",
                eval_steps=every,
                save_steps=every,
                metric_for_best_model="weighted",
                greater_is_better=True,
            ).save_pretrained(folder / "model")

        step.run(work)
        return step

    def fit(self, begin: Path, rows: Iterable[dict], folder: Path, *, score=None, **arguments):
        """The generator in `begin` trained on rows of pairs, with checkpoints below `folder`."""
        from spaces.generate.model import Generator
        from spaces.generate.tokenizer import load_tokenizer
        from spaces.generate.training import PairExamples, train_generator
        from spaces.pairs import encode_pair
        from spaces.training import training_arguments

        settings = self.recipe.generate
        model = Generator.from_pretrained(
            begin,
            sparse_top_k=settings.sparse_top_k,
            copy_weight=settings.copy_weight,
            dropout=settings.dropout,
        )
        tokenizer = load_tokenizer(self.start().folder)
        examples = PairExamples(
            [encode_pair(row, tokenizer, self.recipe.extract.max_source_tokens) for row in rows],
            replacement=settings.replacement,
            max_tokens=settings.max_tokens,
            seed=self.recipe.seed,
        )
        return train_generator(
            model,
            examples,
            training_arguments(
                folder / "checkpoints",
                per_device_train_batch_size=settings.batch_size,
                warmup_steps=settings.warmup_steps,
                weight_decay=0.01,
                logging_steps=25,
                seed=self.recipe.seed,
                **arguments,
            ),
            ema_decay=settings.ema_decay,
            score=score,
            patience=settings.patience,
        )

    def score(self, generator) -> dict[str, float]:
        """Weighted ROUGE over words of held-out summaries decoded greedily, judgments end to end,
        extracts whole; `weighted` is the mean over all of them."""
        from spaces.metrics import evaluate

        summarizer = self.summarizer(generator)
        summarizer.config = dataclasses.replace(summarizer.config, beams=1)
        found: dict[str, float] = {}
        total = count = characters = 0.0
        for kind, rows in self.held_out.items():
            if not rows:
                continue
            texts = [text for text, _ in rows]
            summaries = summarizer.summarize_batch(
                texts, batch_size=16, extract=kind == "judgments"
            )
            predicted = {i: summary.text for i, summary in enumerate(summaries)}
            wanted = {i: target for i, (_, target) in enumerate(rows)}
            mean = evaluate(predicted, wanted, "word", resamples=1).weighted.mean
            found[f"weighted_{kind}"] = mean
            total, count = total + mean * len(rows), count + len(rows)
            characters += sum(len(summary.text) for summary in summaries)
        return {"weighted": total / count, **found, "characters": characters / count}

    @once
    def model(self) -> Step:
        generator = self.generator()
        settings = {"folder": self.recipe.model_folder, "license": self.recipe.license}
        step = self.step("model", settings, after=[generator])

        def work(folder: Path) -> None:
            from spaces.card import training_card
            from spaces.generate.model import Generator
            from spaces.pipeline.figures import figures_of

            trained = Generator.from_pretrained(generator.folder / "model")
            summarizer = self.summarizer(trained)
            summarizer.card = training_card(figures_of(self, summarizer))
            summarizer.save_pretrained(self.recipe.model_folder)

        step.run(work)
        return step
