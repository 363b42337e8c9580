"""Judgments for benchmarks, made from the five invented ones in data/samples by a seed.

Each is one of the samples with other digits, and with clauses taken out of its middle or put in
from the other samples until it has the wanted number of characters. The same number and seed give
the same judgment on every machine.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from spaces.sentences import split_clauses

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
EDGE = 30  # clauses at either end that stay: the parties, the orders


def make_judgments(count: int, seed: int = 0, characters: int = 2700) -> Iterator[dict]:
    """`count` records `{"id", "text", "summary"}`, each text of `characters` characters."""
    for number in range(count):
        yield make_judgment(number, seed, characters)


def make_judgment(number: int, seed: int, characters: int) -> dict:
    draw = random.Random(f"{seed}/{number}")
    names = list(_samples())
    clauses, summary = _samples()[names[number % len(names)]]
    clauses = list(clauses)
    size = sum(map(len, clauses))
    while size > characters and len(clauses) > 1:
        edge = min(EDGE, (len(clauses) - 1) // 2)
        size -= len(clauses.pop(draw.randrange(edge, len(clauses) - edge)))
    while size < characters:
        other = draw.choice(_samples()[draw.choice(names)][0])[: characters - size]
        edge = min(EDGE, len(clauses) // 2)
        clauses.insert(draw.randrange(edge, len(clauses) - edge + 1), other)
        size += len(other)
    text = "".join(clauses)[:characters]
    # one digit stands for the same other one in all of a judgment, its summary included
    digits = str.maketrans("123456789", "".join(draw.sample("123456789", 9)))
    return {
        "id": f"{seed}-{number}",
        "text": text.translate(digits),
        "summary": summary.translate(digits),
    }


@cache
def _samples() -> dict[str, tuple[tuple[str, ...], str]]:
    """Name -> clauses and summary."""
    lines = (SAMPLES / "summaries.jsonl").read_text("utf-8").splitlines()
    return {
        record["id"]: (
            tuple(
                c.text for c in split_clauses((SAMPLES / f"{record['id']}.txt").read_text("utf-8"))
            ),
            record["summary"],
        )
        for record in map(json.loads, lines)
    }
