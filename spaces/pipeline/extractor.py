"""The extractive stage: sentence vectors, oracle labels, labellers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from spaces.files import atomic_write, dump_json
from spaces.outline import columns, outline
from spaces.pipeline.data import KnownTexts, once
from spaces.pipeline.language import LanguageSteps
from spaces.records import Judgment
from spaces.steps import Step

__all__ = ["ExtractorSteps"]

LONGEST = 6000
"""Characters of an unlabelled judgment; longer ones would fill memory for little."""


class ExtractorSteps(LanguageSteps):
    """From judgments to labellers, and to labels nobody has seen."""

    def encoder(self, start: Step):
        """The sentence encoder: the first layers of the backbone, before it learned to generate
        summaries."""
        from spaces.generate.model import Generator

        backbone = Generator.from_pretrained(start.folder / "generator").backbone
        return backbone.first_layers(self.recipe.extract.encoder_layers)

    @once
    def vectors(self) -> Step:
        # what is in the store is told too: an older one holds judgments only
        settings = {"of": ["judgments", "extracts"]}
        return self._vectorize(
            "vectors", settings, self.training_files(), lambda: self.labelled()[0]
        )

    @once
    def unlabelled(self) -> Step:
        data, count = self.recipe.data, self.recipe.extract.unlabelled
        corpus = data.corpus_paths(self.recipe.weak.corpus)

        def judgments() -> Iterator[Judgment]:
            from spaces.generate.pretraining import read_texts
            from spaces.templates import template_summary

            # a corpus may hold the training judgments too, and those held out of them
            known = KnownTexts(judgment.text for judgment in self.judgments()[0])
            texts = (t for t in read_texts(corpus, data.corpus_kinds) if len(t) <= LONGEST)
            # those that a template fits are whole and of first instance
            fitting = (t for t in texts if template_summary(t) is not None and t not in known)
            for number, text in enumerate(islice(fitting, count)):
                yield Judgment(str(number), text)

        files = [*corpus, *data.paths(data.judgments)]
        return self._vectorize("unlabelled", {"documents": count}, files, judgments)

    def _vectorize(
        self,
        name: str,
        settings: dict,
        files: Sequence[Path],
        judgments: Callable[[], Iterator[Judgment]],
    ) -> Step:
        """The step `name`: a store of the judgments' vectors and oracle labels."""
        from spaces.extract.features import FEATURES

        start, extract = self.start(), self.recipe.extract
        settings |= {"layers": extract.encoder_layers, "window": extract.window}
        # an older store has other features
        settings |= {"support": extract.support, "features": FEATURES}
        step = self.step(name, settings, files, after=[start])

        def work(folder: Path) -> None:
            from spaces.extract.store import join_stores
            from spaces.pipeline.working import Vectorize

            work = Vectorize(start.folder, extract.encoder_layers, extract.window, extract.support)
            shards = self.shards(folder, judgments(), work)
            join_stores(folder, shards, width=work.width)

        step.run(work)
        return step

    @once
    def labellers(self) -> Step:
        vectors, settings = self.vectors(), self.recipe.extract
        names = ("hidden_size", "folds", "epochs", "batch_size", "learning_rate")
        described = {name: getattr(settings, name) for name in names}
        described["held_out"] = self.recipe.data.held_out
        unlabelled = self.unlabelled() if settings.unlabelled else None
        step = self.step("labellers", described, after=[s for s in (vectors, unlabelled) if s])

        def work(folder: Path) -> None:
            from spaces.extract.crossfit import cross_fit
            from spaces.extract.labeller import Labeller, LabellerConfig
            from spaces.extract.store import LabelledVectors, VectorStore, write_vectors
            from spaces.extract.training import train_labeller

            store = VectorStore(vectors.folder)
            judgments = self.judgments()[0]
            held_out = self.labelled()[1]
            learned = [i for i, held in enumerate(held_out) if not held]
            labelled = [store[i] for i in learned]
            aside = [i for i in range(len(judgments)) if held_out[i]]

            def fit(documents: list, name: str) -> Labeller:
                saved = folder / name
                if not (saved / "model.safetensors").is_file():
                    train_labeller(
                        documents,
                        config=LabellerConfig(
                            input_size=store.width,
                            hidden_size=settings.hidden_size,
                        ),
                        epochs=settings.epochs,
                        learning_rate=settings.learning_rate,
                        batch_size=settings.batch_size,
                        seed=self.recipe.seed,
                        output_dir=saved,
                    )
                return Labeller.from_pretrained(saved)

            def predict(labeller: Labeller, documents: list) -> list[np.ndarray]:
                return labeller.probabilities([document.vectors for document in documents])

            fitted = cross_fit(
                labelled,
                [store.ids[i] for i in learned],
                settings.folds,
                lambda documents, fold: fit(documents, f"folds/{fold}"),
                predict,
                self.recipe.seed,
            )
            # the kept labeller learns what those of the folds think of others' judgments, too
            others = list(VectorStore(unlabelled.folder)) if unlabelled else []
            opinions = zip(*(predict(model, others) for model in fitted.models), strict=True)
            taught = [
                LabelledVectors(other.vectors, np.mean(each, axis=0))
                for other, each in zip(others, opinions, strict=True)
            ]
            refit = fit([*labelled, *taught], "refit")
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

    @once
    def tuned(self) -> Step:
        """Encoder and labeller of the model: those fitted on everything, trained on together."""
        vectors, labellers, settings = self.vectors(), self.labellers(), self.recipe.extract
        names = ("window", "learning_rate", "batch_size", "tune_epochs", "tune_learning_rate")
        described = {name: getattr(settings, name) for name in names}
        step = self.step("tuned", described, after=[vectors, labellers])

        def work(folder: Path) -> None:
            from spaces.extract.labeller import Labeller

            encoder = self.encoder(self.start())
            labeller = Labeller.from_pretrained(labellers.folder / "refit")
            if settings.tune_epochs:
                from spaces.extract.store import VectorStore
                from spaces.extract.tuning import tune_extractor
                from spaces.generate.tokenizer import CLS, SEP

                encoder, labeller = tune_extractor(
                    encoder,
                    labeller,
                    self.tuning_examples(VectorStore(vectors.folder)),
                    window=settings.window,
                    frame=(CLS, SEP),
                    epochs=settings.tune_epochs,
                    learning_rate=settings.tune_learning_rate,
                    labeller_learning_rate=settings.learning_rate,
                    batch_size=settings.batch_size,
                    output_dir=folder / "checkpoints",
                    seed=self.recipe.seed,
                )
            encoder.save_pretrained(folder / "encoder")
            labeller.save_pretrained(folder / "labeller")

        step.run(work)
        return step

    def tuning_examples(self, store) -> list:
        """The clauses of what is not held out, as tokens, with the places and labels in `store`."""
        from spaces.extract.context import TokenizedClauses
        from spaces.extract.features import FEATURES
        from spaces.extract.tuning import Example
        from spaces.generate.tokenizer import FIRST_SECTION, load_tokenizer

        tokenizer = load_tokenizer(self.start().folder)
        examples = []
        for judgment, held, stored in zip(*self.labelled(), store, strict=True):
            if not held:
                features = np.array(stored.vectors[:, -FEATURES:], dtype=np.float32)
                texts, sections = columns(outline(judgment.text))
                segments = [FIRST_SECTION + section for section in sections]
                tokenized = TokenizedClauses.of(texts, segments, tokenizer)
                examples.append(Example(tokenized, features, np.array(stored.labels)))
        return examples

    def extractor(self) -> tuple:
        """Encoder and labeller, as the model directory will hold them."""
        from spaces.extract.labeller import Labeller
        from spaces.generate.backbone import Backbone

        folder = self.tuned().folder
        encoder = Backbone.from_pretrained(folder / "encoder")
        return encoder, Labeller.from_pretrained(folder / "labeller")
