"""What every step looks at: the recipe, its folder, and the training files."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from spaces.errors import InputError
from spaces.folds import assign_folds
from spaces.recipe import Recipe
from spaces.records import ExtractPair, Judgment, load_training
from spaces.steps import Step

__all__ = ["DataFiles", "once"]


def once(make: Callable[[Any], Step]) -> Callable[[Any], Step]:
    """A step that several others need is looked at once in a run."""

    @functools.wraps(make)
    def step(plan: DataFiles) -> Step:
        if make.__name__ not in plan.made:
            plan.made[make.__name__] = make(plan)
        return plan.made[make.__name__]

    return step


class DataFiles:
    """One recipe, its working folder, and what it reads."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.folder = Path(recipe.work_folder)
        self.made: dict[str, Step] = {}

    def check_files(self) -> None:
        data = self.recipe.data
        names = [*data.judgments, *data.extracts, *data.summaries]
        corpus = [*data.corpus, *self.recipe.weak.corpus]
        for path in [*data.paths(names), *data.corpus_paths(corpus)]:
            if not path.is_file():
                raise InputError(
                    f"{path}: no such file; "
                    "give the folders with data.folder=DIR data.corpus_folder=DIR"
                )
        for path in self.start_files():
            if not path.is_file():
                raise InputError(
                    f"{path}: no such file; pretrain.start is a folder that `spaces convert` wrote "
                    "or a model directory"
                )

    def start_files(self) -> list[Path]:
        """What is read of the folder that `pretrain.start` names."""
        start = self.recipe.pretrain.start
        names = ("tokenizer.json", "tokenizer_config.json")
        names += ("generator/config.json", "generator/model.safetensors")
        return [Path(start, name) for name in names] if start else []

    def step(self, name: str, settings: object, files=(), after=()) -> Step:
        described = {"seed": self.recipe.seed, "settings": settings}
        return Step(self.folder / name, described, files=files, after=after)

    def corpus_files(self) -> list[Path]:
        """Raw text, and the texts and summaries of the training judgments, held-out ones too:
        pretraining is not told which summary belongs to which judgment."""
        data = self.recipe.data
        return [*data.corpus_paths(data.corpus), *data.paths([*data.judgments, *data.summaries])]

    def corpus_texts(self) -> Iterator[str]:
        from spaces.generate.pretraining import read_texts

        return read_texts(self.corpus_files(), self.recipe.data.corpus_kinds)

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

    def extracts(self) -> tuple[list[ExtractPair], list[bool]]:
        """The extract pairs, and for each whether it is held out."""
        data = self.recipe.data
        pairs = [ExtractPair(**r) for r in load_training(data.paths(data.extracts), "extracts")]
        folds = assign_folds([pair.id for pair in pairs], data.held_out, self.recipe.seed)
        return pairs, [fold == 0 for fold in folds]

    @functools.cached_property
    def held_out(self) -> dict[str, list[tuple[str, str]]]:
        """Text and summary of what is kept from training: whole judgments, and extracts."""
        judgments, pairs = (
            [record for record, held in zip(*split, strict=True) if held]
            for split in (self.judgments(), self.extracts())
        )
        return {
            "judgments": [(j.text, j.summary or "") for j in judgments],
            "extracts": [(p.source, p.target) for p in pairs],
        }
