"""What every step looks at: the recipe, its folder, and the training files."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Generic, TypeVar

from spaces.errors import InputError
from spaces.folds import assign_folds
from spaces.recipe import Recipe
from spaces.records import ExtractPair, Judgment, load_training
from spaces.sentences import split_clauses
from spaces.shards import Work, in_shards
from spaces.steps import Step

__all__ = ["DataFiles", "KnownTexts", "Records", "once"]

Record = TypeVar("Record")


class Records(Sequence[Record], Generic[Record]):
    """Records made when they are asked for, of rows that lie on disk (`load_training`)."""

    def __init__(self, rows: Any, make: Callable[[dict[str, str]], Record]):
        self.rows, self.make = rows, make
        self.ids: list[str] = list(rows["id"])

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place):
        return self.make(self.rows[place])

    def __iter__(self) -> Iterator[Record]:
        return map(self.make, self.rows)


def once(make: Callable[[Any], Step]) -> Callable[[Any], Step]:
    """A step that several others need is looked at once in a run."""

    @functools.wraps(make)
    def step(plan: DataFiles) -> Step:
        if make.__name__ not in plan.made:
            plan.made[make.__name__] = make(plan)
        return plan.made[make.__name__]

    return step


LONG_CLAUSE = 12
"""Letters from which on a clause tells which judgment it is from."""


class KnownTexts:
    """Tells of a text whether it is one of `texts` with another head or tail, or as good as:
    whether more than half of its long clauses stand in them."""

    def __init__(self, texts: Iterable[str]):
        self.clauses = {clause for text in texts for clause in _long_clauses(text)}

    def __contains__(self, text: str) -> bool:
        clauses = _long_clauses(text)
        return 2 * len(clauses & self.clauses) > len(clauses)


def _long_clauses(text: str) -> set[str]:
    clauses = (clause.text.strip() for clause in split_clauses(text))
    return {clause for clause in clauses if len(clause) >= LONG_CLAUSE}


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
        start = self.start_folder
        names = ("tokenizer.json", "tokenizer_config.json")
        names += ("generator/config.json", "generator/model.safetensors")
        return [start / name for name in names] if start else []

    @functools.cached_property
    def start_folder(self) -> Path | None:
        """Where `pretrain.start` lies, fetched from the hub when it is there."""
        from spaces.hub import locate

        start = self.recipe.pretrain.start
        return locate(start) if start else None

    def step(self, name: str, settings: object, files=(), after=()) -> Step:
        described = {"seed": self.recipe.seed, "settings": settings}
        return Step(self.folder / name, described, files=files, after=after)

    def shards(self, folder: Path, records: Iterable[Any], work: Work) -> Iterator[Path]:
        """`in_shards` with the recipe's workers, in a folder that the step removes at its end."""
        return in_shards(folder / "shards", records, work, workers=self.recipe.workers)

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

    def judgments(self) -> tuple[Records[Judgment], list[bool]]:
        """The training judgments, and for each whether it is held out."""
        rows = load_training(self.recipe.data.paths(self.recipe.data.judgments), "judgments")
        return self._split(Records(rows, lambda row: Judgment(**row)))

    def extracts(self) -> tuple[Records[ExtractPair], list[bool]]:
        """The extract pairs, and for each whether it is held out."""
        rows = load_training(self.recipe.data.paths(self.recipe.data.extracts), "extracts")
        return self._split(Records(rows, lambda row: ExtractPair(**row)))

    def labelled(self) -> tuple[Iterator[Judgment], list[bool]]:
        """What the labeller learns from: the judgments, then the extracts, whose clauses the
        summary tells apart too; and for each whether it is held out."""
        judgments, held_judgments = self.judgments()
        pairs, held_pairs = self.extracts()
        # a judgment may have the same id
        extracts = (Judgment(f"extract {p.id}", p.source, p.target) for p in pairs)
        return chain(judgments, extracts), held_judgments + held_pairs

    def _split(self, records: Records) -> tuple[Records, list[bool]]:
        folds = assign_folds(records.ids, self.recipe.data.held_out, self.recipe.seed)
        return records, [fold == 0 for fold in folds]

    def training_texts(self) -> Iterator[str]:
        """Judgments, and both sides of the extracts."""
        for judgment in self.judgments()[0]:
            yield judgment.text
        for pair in self.extracts()[0]:
            yield from (pair.source, pair.target)

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
