"""Cutting a judgment into clauses, the unit the labeller keeps or drops.

A sentence of a judgment often runs over several hundred characters, so the cut is finer: at commas
and colons too. The clauses tile the text, so what is said about a clause can be traced to
characters of the judgment.

Method: SPACES (《SPACES：“抽取-生成”式长文本摘要（法研杯总结）》), which cuts at \\n 。 ； ： ，.
Here numbers and times stay whole, closing quotation marks stay with the sentence they close, and
there is no limit on the number of clauses.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

__all__ = [
    "Clause",
    "character_pairs",
    "ends_sentence",
    "letter_pairs",
    "split_clauses",
    "supported_share",
]

# Marks that close a quotation or a bracket.
_CLOSING = "”’」』）)】》"
# Ends of clauses. A comma or colon between two digits is part of a number or a time: 16,506 15:45
# 16，506. White space and marks that close a quotation belong to what they follow. Nothing comes
# after the last repetition, so the expression never backtracks: linear time.
_END = re.compile(
    rf"(?:(?<![0-9０-９])[,:，：]|[,:，：](?![0-9０-９])|\n|[。！？；;!?][{_CLOSING}]*)\s*"
)
# Marks that end a sentence.
_STOPS = ("。", "！", "？", "!", "?")
# Categories that say nothing by themselves: punctuation, separators, control and format characters.
# Private use characters are not among them: rare characters of names are written with them.
_SILENT = frozenset(["Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Zl", "Zp", "Zs", "Cc", "Cf"])


class Clause(NamedTuple):
    """A piece of a text: `judgment[start:end] == text`, offsets in characters."""

    text: str
    start: int
    end: int


def split_clauses(text: str) -> list[Clause]:
    """The clauses of `text`, in order; together they are the text, character for character.

    A clause ends after its delimiter (line break 。 ； ： ， ！ ？ and ASCII ; : , ! ?), the marks
    that close a quotation or bracket after 。！？；, and the white space behind. What has neither
    letter, digit nor symbol goes to the clause before it, or after it at the beginning. Any
    Unicode, linear time, no limit on length.

    >>> [c.text for c in split_clauses("原告：张某。本金16,506元，未还。”\\n（一）")]
    ['原告：', '张某。', '本金16,506元，', '未还。”\\n', '（一）']
    >>> split_clauses("")
    []
    """
    bounds = [0, *(match.end() for match in _END.finditer(text))]
    if bounds[-1] < len(text):
        bounds.append(len(text))
    starts: list[int] = []
    silent = False  # whether all pieces so far said nothing: then the next one joins them
    for start, end in zip(bounds, bounds[1:], strict=False):
        says_nothing = _is_silent(text, start, end)
        if not starts or not (silent or says_nothing):
            starts.append(start)
            silent = says_nothing
        else:
            silent = silent and says_nothing
    ends = [*starts[1:], len(text)]
    return [Clause(text[a:b], a, b) for a, b in zip(starts, ends, strict=False)]


def ends_sentence(clause: str) -> bool:
    """Whether a sentence ends with this clause.

    >>> [ends_sentence(text) for text in ["未还。”\\n", "未还；", "第二条", "原告：张三\\n"]]
    [True, False, False, True]
    """
    text = clause.rstrip()
    return "\n" in clause[len(text) :] or text.rstrip(_CLOSING)[-1:] in _STOPS


def _is_silent(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] has only white space, punctuation, control and format characters."""
    return all(
        not text[i].isalnum() and (text[i].isspace() or unicodedata.category(text[i]) in _SILENT)
        for i in range(start, end)
    )


def character_pairs(text: str) -> set[str]:
    """Every two characters that stand side by side in `text`."""
    return {text[i : i + 2] for i in range(len(text) - 1)}


def letter_pairs(text: str) -> list[str]:
    """The same of its letters and digits alone, in order, each as often as it is there.

    >>> letter_pairs("被告，未还")
    ['被告', '告未', '未还']
    """
    letters = re.sub(r"\W", "", text)
    return [letters[i : i + 2] for i in range(len(letters) - 1)]


def supported_share(clause: str, pairs: set[str]) -> float:
    """The share of the clause's pairs of letters that are among `pairs`; 1 where it has none.

    >>> supported_share("被告，未还", character_pairs("被告至今未还"))
    0.6666666666666666
    """
    own = letter_pairs(clause)
    return sum(pair in pairs for pair in own) / len(own) if own else 1.0
