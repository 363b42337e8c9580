"""What the preparing steps do with one shard of records, here or in a worker process.

Each is told folders and settings, which travel to a worker, and reads what it needs there, once:
dictionary, tokenizer and backbone stay behind in `cached_property`s.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from spaces.files import atomic_write, dump_json
from spaces.outline import columns, outline

__all__ = ["CountWords", "MakePairs", "MakeWeak", "Tokenize", "Vectorize", "add_counts"]

ROWS = "rows.jsonl"


class _Reading:
    """Work that needs the tokenizer in the folder `start`."""

    start: Path

    @cached_property
    def tokenizer(self):
        from spaces.generate.tokenizer import load_tokenizer

        return load_tokenizer(self.start)


class CountWords:
    """Texts to `counts.json`: how often each character and each word occurs."""

    @cached_property
    def segmenter(self):
        from spaces.words import Segmenter

        return Segmenter()

    def __call__(self, texts: list[str], folder: Path) -> None:
        from spaces.generate.tokenizer import tally_words

        with atomic_write(folder / "counts.json") as file:
            file.write(dump_json(tally_words(texts, self.segmenter.cut)))


def add_counts(folder: Path, totals: Sequence[dict[str, int]]) -> None:
    """Add what `CountWords` left in `folder` to the totals of characters and of words."""
    parts = json.loads((folder / "counts.json").read_text("utf-8"))
    for total, part in zip(totals, parts, strict=True):
        for piece, count in part.items():
            total[piece] = total.get(piece, 0) + count


@dataclass
class Tokenize(_Reading):
    """Texts to token ids, worded as both stages read judgments: roles for names."""

    start: Path

    def __call__(self, texts: list[str], folder: Path) -> None:
        from spaces.generate.pretraining import store_tokens
        from spaces.wording import Wording

        worded = ("".join(t[a:b] for a, b in Wording(t).pieces(0, len(t))) for t in texts)
        store_tokens(worded, self.tokenizer, folder)


@dataclass
class Vectorize(_Reading):
    """Judgments to a store of their clauses' vectors and oracle labels."""

    start: Path
    layers: int
    window: int
    support: float

    @cached_property
    def encoder(self):
        from spaces.extract.context import ClauseEncoder
        from spaces.generate.model import Generator
        from spaces.generate.tokenizer import FIRST_SECTION

        backbone = Generator.from_pretrained(self.start / "generator").backbone
        shallow = backbone.first_layers(self.layers)
        return ClauseEncoder(
            shallow, self.tokenizer, window=self.window, first_segment=FIRST_SECTION
        )

    @property
    def width(self) -> int:
        from spaces.extract.features import FEATURES

        return self.encoder.backbone.config.hidden_size + FEATURES

    def __call__(self, judgments: list, folder: Path) -> None:
        from spaces.extract.store import write_vectors

        write_vectors(folder, ((j.id, self.labelled(j)) for j in judgments), width=self.width)

    def labelled(self, judgment):
        from spaces.extract.features import add_features
        from spaces.extract.oracle import supported_labels
        from spaces.extract.store import LabelledVectors

        texts, sections = columns(outline(judgment.text))
        labels = np.asarray(supported_labels(texts, judgment.summary or "", self.support))
        vectors = self.encoder.encode([(texts, sections)])[0]
        return LabelledVectors(add_features(vectors, sections, texts), labels)


@dataclass
class MakePairs(_Reading):
    """Records `(row, text, target, labellings)` to rows of pairs.

    row: what the row says beside source and target. labellings: `(name, scores, threshold)` for
    each extract to be made of `text`; none: the whole text is the source.
    """

    start: Path
    support: float
    max_tokens: int

    def __call__(self, records: list, folder: Path) -> None:
        from spaces.pairs import write_rows

        # where nothing is grounded there is nothing to learn
        rows = (row for record in records for row in self.rows(*record) if row["target"])
        write_rows(folder / ROWS, rows)

    def rows(self, row: dict, text: str, target: str, labellings: list[tuple[str, Any, float]]):
        from spaces.pairs import pick, supported, whole

        clauses = outline(text)
        if not labellings:
            source = whole(clauses)
            yield row | {"sources": [source], "target": supported(target, source, self.support)}
        for name, scores, threshold in labellings:
            source = pick(
                clauses, scores, self.tokenizer, threshold=threshold, max_tokens=self.max_tokens
            )
            yield row | {
                "labels": name,
                "sources": [source],
                "target": supported(target, source, self.support),
            }


@dataclass
class MakeWeak(_Reading):
    """Numbered judgments to rows of weak pairs, for those that a template fits."""

    start: Path
    max_tokens: int
    seed: int

    def __call__(self, numbered: list[tuple[int, str]], folder: Path) -> None:
        from spaces.pairs import weak_rows, write_rows

        rows = weak_rows(
            (text for _, text in numbered),
            self.tokenizer,
            count=len(numbered),
            max_tokens=self.max_tokens,
            seed=self.seed,
            first=numbered[0][0],
        )
        write_rows(folder / ROWS, rows)
