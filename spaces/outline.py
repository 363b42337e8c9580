"""A judgment as the models read it: its clauses, each with its wording and its section.

Both stages and the training read a judgment through this one function, so that what a model learned
from is what it meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from spaces.sections import find_sections
from spaces.sentences import split_clauses
from spaces.wording import Wording

__all__ = ["OutlinedClause", "columns", "outline"]


class OutlinedClause(NamedTuple):
    """`judgment[start:end]` is the clause; `text` is what is read for it, put together from the
    `pieces` (start, end) of the judgment; `section` counts `sections.SECTIONS`.
    """

    start: int
    end: int
    text: str
    pieces: tuple[tuple[int, int], ...]
    section: int


def outline(judgment: str) -> list[OutlinedClause]:
    """The clauses of a judgment, in order; together they are the judgment.

    >>> [c.text for c in outline("原告：张某甲，男。张某甲诉称，被告未还。")]
    ['原告，', '男。', '原告诉称，', '被告未还。']
    """
    clauses = split_clauses(judgment)
    wording = Wording(judgment)
    pieces = [tuple(wording.pieces(clause.start, clause.end)) for clause in clauses]
    texts = ["".join(judgment[a:b] for a, b in each) for each in pieces]
    return [
        OutlinedClause(clause.start, clause.end, text, each, section)
        for clause, text, each, section in zip(
            clauses, texts, pieces, find_sections(texts), strict=True
        )
    ]


def columns(clauses: Sequence[OutlinedClause]) -> tuple[list[str], list[int]]:
    """What the models read of clauses: their texts and their sections."""
    return [clause.text for clause in clauses], [clause.section for clause in clauses]
