"""The steps that need no summaries: vocabulary, tokens, pretraining, and special words."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from pathlib import Path

from spaces.errors import ConfigError, ModelError
from spaces.pipeline.data import DataFiles, once
from spaces.records import load_training
from spaces.sections import SECTIONS
from spaces.steps import Step

__all__ = ["LanguageSteps"]


class LanguageSteps(DataFiles):
    """From raw text to where both stages start."""

    @once
    def vocabulary(self) -> Step:
        settings = {
            "vocab_size": self.recipe.pretrain.vocab_size,
            "kinds": self.recipe.data.corpus_kinds,
        }
        start = self.start_folder
        if start:
            step = self.step("vocabulary", {}, self.start_files()[:2])
        else:
            step = self.step("vocabulary", settings, self.corpus_files())

        def work(folder: Path) -> None:
            if start:
                for file in self.start_files()[:2]:
                    shutil.copy(file, folder)
                return
            from spaces.generate.tokenizer import build_tokenizer, choose_words
            from spaces.pipeline.working import CountWords, add_counts

            totals: tuple[dict[str, int], dict[str, int]] = ({}, {})
            for shard in self.shards(folder, self.corpus_texts(), CountWords()):
                add_counts(shard, totals)
            counts = choose_words(*totals, min_characters=3)
            build_tokenizer(counts, self.recipe.pretrain.vocab_size).save_pretrained(folder)

        step.run(work)
        return step

    @once
    def tokens(self) -> Step:
        vocabulary = self.vocabulary()
        step = self.step("tokens", {}, after=[vocabulary])

        def work(folder: Path) -> None:
            from spaces.generate.pretraining import join_tokens
            from spaces.pipeline.working import Tokenize

            work = Tokenize(vocabulary.folder)
            join_tokens(self.shards(folder, self.corpus_texts(), work), folder)

        step.run(work)
        return step

    @once
    def pretrain(self) -> Step:
        settings = self.recipe.pretrain
        before = self.tokens() if settings.epochs else self.vocabulary()
        # what is not asked for is not told, so that earlier work stays valid; where a folder lies
        # does not matter, what is in it does
        described = dataclasses.asdict(settings)
        del described["start"]
        if not settings.residual_attention:
            del described["residual_attention"]
        step = self.step("pretrain", described, self.start_files()[2:], after=[before])

        def work(folder: Path) -> None:
            from spaces.generate.pretraining import PretrainingExamples
            from spaces.generate.tokenizer import load_tokenizer

            tokenizer = load_tokenizer(self.vocabulary().folder)
            model = self.untrained(len(tokenizer))
            if not settings.epochs:
                model.save_pretrained(folder / "model")
                return
            examples = PretrainingExamples(
                before.folder, len(tokenizer), self.objectives(), self.recipe.seed
            )
            self.pretrain_on(
                model,
                examples,
                folder,
                num_train_epochs=settings.epochs,
                warmup_steps=settings.warmup_steps,
                logging_steps=50,
                save_steps=settings.save_steps,
            ).save_pretrained(folder / "model")

        step.run(work)
        return step

    def objectives(self):
        """How the recipe makes pretraining examples."""
        from spaces.generate.pretraining import Objectives

        names = [field.name for field in dataclasses.fields(Objectives)]
        return Objectives(**{name: getattr(self.recipe.pretrain, name) for name in names})

    def pretrain_on(self, model, examples, folder: Path, *, ema_decay: float = 0.999, **arguments):
        """The generator trained on pretraining examples, with checkpoints below `folder`."""
        from torch.utils.data import default_collate

        from spaces.generate.training import train_generator
        from spaces.training import training_arguments

        settings = self.recipe.pretrain
        return train_generator(
            model,
            examples,
            training_arguments(
                folder / "checkpoints",
                per_device_train_batch_size=settings.batch_size,
                learning_rate=settings.learning_rate,
                lr_scheduler_type="cosine",
                weight_decay=0.01,
                adam_beta2=0.98,
                seed=self.recipe.seed,
                **arguments,
            ),
            ema_decay=ema_decay,
            collator=default_collate,
        )

    def untrained(self, vocab_size: int):
        """The generator that pretraining begins with: random, or that of `pretrain.start`."""
        from spaces.generate.model import Generator, GeneratorConfig

        settings = self.recipe.pretrain
        # all words must move while the model knows none
        changed = {"dropout": settings.dropout, "sparse_top_k": 0}
        if self.start_folder is None:
            names = ("hidden_size", "num_hidden_layers", "num_attention_heads")
            names += ("intermediate_size", "position", "residual_attention", "selective_read")
            sizes = {name: getattr(settings, name) for name in names}
            try:
                config = GeneratorConfig(vocab_size=vocab_size, **sizes, **changed)
            except ValueError as error:
                raise ConfigError(f"pretrain: {error}") from None
            return Generator(config)
        if settings.residual_attention:
            changed["residual_attention"] = True
        generator = Generator.from_pretrained(self.start_folder / "generator", **changed)
        rows = generator.config.vocab_size
        if rows != vocab_size:
            raise ModelError(
                f"{settings.start}: the tokenizer has {vocab_size} pieces, the generator's "
                f"embeddings have {rows} rows: do the two belong together?"
            )
        return generator

    @once
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

    @once
    def start(self) -> Step:
        words, pretrain = self.words(), self.pretrain()
        step = self.step(
            "start", {"min_count": self.recipe.words.min_count}, after=[words, pretrain]
        )

        def work(folder: Path) -> None:
            from spaces.generate.model import Generator
            from spaces.generate.tokenizer import FIRST_SECTION, add_words, load_tokenizer
            from spaces.words import read_words

            special = read_words(words.folder / "special_words.txt")
            counts = Counter[str]()
            for text in self.training_texts():
                counts.update({word: text.count(word) for word in special})
            frequent = [w for w in special if counts[w] >= self.recipe.words.min_count]
            tokenizer, compounds = add_words(load_tokenizer(self.vocabulary().folder), frequent)
            tokenizer.save_pretrained(folder)
            model = Generator.from_pretrained(pretrain.folder / "model")
            model.extend_embeddings(compounds)
            model.backbone.extend_segments(FIRST_SECTION + len(SECTIONS))
            model.save_pretrained(folder / "generator")

        step.run(work)
        return step
