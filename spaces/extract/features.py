"""What a clause's vector does not say: where in the judgment it stands, how much stands around it,
and what rules would do with it.

A sentence vector knows only its own clause. Whether 借款50000元 is worth keeping depends on where
it stands: claimed, found, or ruled; and on how much there is beside it, since a summary is hardly
longer for a long judgment than for a short one. (Its neighbours the labeller sees by itself: the
convolutions reach 17 clauses to either side; how long the whole is they cannot see.) What the
template that summarizes by formulas would take (`spaces.templates`) says more than a mean over
tokens can. And what is claimed, found and ruled again is what the case is about.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spaces.extract.oracle import oracle_labels
from spaces.sections import SECTIONS
from spaces.sentences import character_pairs, letter_pairs, supported_share
from spaces.templates import cue_weights, template_summary

__all__ = ["FEATURES", "add_features"]

_PLACE, _ROOM, _RULES, _ECHO = 6, 5, 3, 3 + len(SECTIONS)
FEATURES = len(SECTIONS) + _PLACE + _ROOM + _RULES + _ECHO


def add_features(vectors: np.ndarray, sections: Sequence[int], texts: Sequence[str]) -> np.ndarray:
    """Vectors (n, d) of one judgment's clauses -> (n, d + FEATURES) float32.

    Behind each vector: its section as one of len(SECTIONS) ones; `_place`; `_room`; `_rules`;
    `_echo`.
    """
    sections = np.asarray(sections, dtype=int)
    one_hot = np.eye(len(SECTIONS))[sections]
    lengths = np.array([len(text) for text in texts], dtype=float)
    runs = _runs(sections)
    place, room = _place(runs, lengths, texts), _room(runs, lengths)
    found = (vectors, one_hot, place, room, _rules(texts), _echo(sections, texts))
    return np.concatenate(found, axis=1, dtype=np.float32)


def _place(
    runs: tuple[np.ndarray, np.ndarray], lengths: np.ndarray, texts: Sequence[str]
) -> np.ndarray:
    """The clause's place in the judgment and in its section, from 0 to 1; how many clauses it is
    from either end of its section, as 1 / (1 + k); the logarithm of its length in characters;
    whether it has a digit: (n, 6)."""
    first, last = runs
    index = np.arange(len(texts))
    columns = (
        index / max(len(texts) - 1, 1),
        (index - first) / np.maximum(last - first, 1),
        1 / (1 + index - first),
        1 / (1 + last - index),
        np.log1p(lengths) / 5,
        np.array([any(c.isdigit() for c in text) for text in texts], dtype=float),
    )
    return np.stack(columns, axis=1)


def _room(runs: tuple[np.ndarray, np.ndarray], lengths: np.ndarray) -> np.ndarray:
    """The logarithms of the characters of the judgment, of the section, and of what stands in the
    section before and behind the clause; hundreds of characters before it, up to 3: (n, 5)."""
    first, last = runs
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    index = np.arange(len(lengths))
    before, behind = ends[index] - ends[first], ends[last + 1] - ends[index + 1]
    whole = np.full(len(lengths), ends[-1])
    columns = (
        np.log1p(whole) / 3 - 2,
        np.log1p(before + lengths + behind) / 5,
        np.log1p(before) / 5,
        np.log1p(behind) / 5,
        np.minimum(before / 100, 3),
    )
    return np.stack(columns, axis=1)


def _rules(texts: Sequence[str]) -> np.ndarray:
    """The share of the clause's character pairs that stand in the template's summary; whether that
    was written from it (the oracle's label); what cues say of it: (n, 3). Of the first two 0 where
    the template has no summary."""
    found = np.zeros((len(texts), _RULES))
    judgment = "".join(texts)
    summary = template_summary(judgment)
    if summary is not None:
        pairs = character_pairs(summary)
        found[:, 0] = [supported_share(text, pairs) for text in texts]
        found[:, 1] = oracle_labels(texts, summary)
    found[:, 2] = np.array(cue_weights(texts, len(judgment))) / 20
    return found


def _echo(sections: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """How much of the clause is said again: the shares of its pairs of letters that stand in a
    clause before it, in one behind it, and in another clause of each section; and the logarithm of
    how many other clauses a pair is in, on the average: (n, 3 + len(SECTIONS))."""
    clauses = [letter_pairs(text) for text in texts]
    places: dict[str, list[int]] = {}  # of each pair the first and the last clause
    holders: dict[str, np.ndarray] = {}  # and how many clauses of each section have it
    for i, (section, pairs) in enumerate(zip(sections, clauses, strict=True)):
        for pair in set(pairs):
            places.setdefault(pair, [i, i])[1] = i
            holders.setdefault(pair, np.zeros(len(SECTIONS)))[section] += 1
    found = np.zeros((len(texts), _ECHO))
    for i, (section, pairs) in enumerate(zip(sections, clauses, strict=True)):
        if pairs:
            others = np.array([holders[pair] for pair in pairs])
            others[:, section] -= 1  # the clause itself
            found[i, 0] = np.mean([places[pair][0] < i for pair in pairs])
            found[i, 1] = np.mean([places[pair][1] > i for pair in pairs])
            found[i, 2:-1] = (others > 0).mean(axis=0)
            found[i, -1] = np.log1p(others.sum(axis=1).mean()) / 2
    return found


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last index of the run of equal values each element is in.

    >>> _runs(np.array([0, 0, 2]))
    (array([0, 0, 2]), array([1, 1, 2]))
    """
    if not len(values):
        return values, values
    borders = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate([[0], borders])
    ends = np.concatenate([borders, [len(values)]])
    lengths = ends - starts
    return np.repeat(starts, lengths), np.repeat(ends - 1, lengths)
