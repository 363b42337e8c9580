"""What the generator learns from, as rows of JSON lines: sources made of clauses, and a target.

A row is `{"id", "kind", "held_out", "sources": [[[text, section], …], …], "target"}`. The kinds:

- `judgment`: a judgment with a summary, a row for each source: the extract that a labeller predicts
  which has not seen it (`"labels": "predicted"`), and the oracle extract (`"oracle"`);
- `extract`: key sentences that people picked, and their summary, whole and as a labeller predicts
  which of their clauses count;
- `weak`: a judgment nobody summarized, with a summary from a template (`templates`); its
  source is the oracle extract of that summary among as many clauses drawn at random, since what the
  labeller will pick has faults too.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from spaces.extract.labeller import select
from spaces.extract.oracle import oracle_labels
from spaces.extract.sharing import share_probabilities
from spaces.files import atomic_write, dump_json
from spaces.generate.tokenizer import SEP, encode_source, segments_of
from spaces.generate.training import Pair, Source
from spaces.outline import OutlinedClause, columns, outline
from spaces.sentences import character_pairs, split_clauses, supported_share
from spaces.templates import template_summary

__all__ = [
    "encode_pair",
    "join_rows",
    "pick",
    "read_rows",
    "supported",
    "weak_rows",
    "whole",
    "write_rows",
]

Clauses = list[list[Any]]  # [text, section] of each clause


def whole(clauses: Iterable[OutlinedClause]) -> Clauses:
    """All clauses as a source."""
    return [[clause.text, clause.section] for clause in clauses]


def pick(
    clauses: Sequence[OutlinedClause],
    scores: np.ndarray,
    tokenizer,
    *,
    threshold: float,
    max_tokens: int,
) -> Clauses:
    """The clauses that `labeller.select` keeps, what belongs together together, as a source."""
    texts, sections = columns(clauses)
    scores = share_probabilities(scores, texts, sections)
    encoded = tokenizer(texts, add_special_tokens=False)
    counts = [len(ids) for ids in encoded["input_ids"]]
    kept = select(scores, threshold=threshold, token_counts=counts, max_tokens=max_tokens)
    return whole(clause for clause, keep in zip(clauses, kept, strict=True) if keep)


def supported(target: str, source: Clauses, least: float) -> str:
    """`target` without what `source` gives no ground for.

    A clause stays when at least a share `least` of its character pairs stands in the source; a
    sentence of which nothing but its opening (`被告辩称，`) stays goes as a whole. A model that is
    to write what its source does not have learns to make things up.

    >>> supported("原告诉称：被告未还款。被告已出国。", [["原告诉称，被告至今未还款。", 1]], 0.6)
    '原告诉称：被告未还款。'
    """
    known = character_pairs("".join(part for part, _ in source))
    kept = []
    for sentence in re.findall(r"[^。；]+[。；]*", target):
        clauses = [clause.text for clause in split_clauses(sentence)]
        grounded = [c for c in clauses if _OPENING.search(c) or supported_share(c, known) >= least]
        if any(not _OPENING.search(clause) for clause in grounded):
            kept += grounded
    return "".join(kept)


_OPENING = re.compile(
    "^.{0,12}(?:[诉辩述]称|诉求|诉请|请求|查明|审查|审理|认为|判决)[^，：]{0,4}[，：]$|：$"
)


def weak_rows(
    judgments: Iterable[str], tokenizer, *, count: int, max_tokens: int, seed: int, first: int = 0
) -> Iterator[dict]:
    """Rows for the first `count` of `judgments` that a template fits. Their ids, which the random
    draws depend on, count from `first`."""
    made = 0
    for number, text in enumerate(judgments, first):
        if made == count:
            return
        target = template_summary(text)
        if target is None:
            continue
        made += 1
        random = np.random.default_rng([seed, number])
        clauses = outline(text)
        labels = np.asarray(oracle_labels([clause.text for clause in clauses], target), dtype=float)
        others = labels == 0
        share = min(1.0, labels.sum() / max(others.sum(), 1))
        # drawn clauses give way first where there are too many
        labels[others] = 0.5 * (random.random(int(others.sum())) < share)
        source = pick(clauses, labels, tokenizer, threshold=0.2, max_tokens=max_tokens)
        yield {"id": number, "kind": "weak", "held_out": False} | {
            "sources": [source],
            "target": target,
        }


def encode_pair(row: dict, tokenizer, max_source_tokens: int) -> Pair:
    """A row in tokens; a source that is too long is cut.

    The tokens are arrays, since all pairs are in memory in training: a list takes ten times more.
    """
    sources = []
    for clauses in row["sources"]:
        ids, offsets = encode_source(tokenizer, "".join(text for text, _ in clauses))
        segments = segments_of(offsets, clauses)
        if len(ids) > max_source_tokens:
            ids = [*ids[: max_source_tokens - 1], SEP]
            segments = [*segments[: max_source_tokens - 1], 0]
        sources.append(Source(array("i", ids), array("b", segments)))
    target = tokenizer(row["target"], add_special_tokens=False)["input_ids"]
    return Pair(sources, array("i", target))


def write_rows(path: str | Path, rows: Iterable[dict]) -> None:
    """One row a line; the file appears when it is complete."""
    with atomic_write(path) as file:
        file.writelines(dump_json(row) + "\n" for row in rows)


def join_rows(path: str | Path, folders: Iterable[Path], *, count: int | None = None) -> None:
    """The rows of `rows.jsonl` in each of `folders`, in order, as one file; the first `count`."""

    def lines() -> Iterator[str]:
        for folder in folders:
            with open(folder / "rows.jsonl", encoding="utf-8") as file:
                yield from file

    with atomic_write(path) as file:
        file.writelines(islice(lines(), count))


def iter_rows(path: str | Path) -> Iterator[dict]:
    """What `write_rows` wrote, a row at a time."""
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def read_rows(path: str | Path) -> list[dict]:
    """What `write_rows` wrote."""
    return list(iter_rows(path))
