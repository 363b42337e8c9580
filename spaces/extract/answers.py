"""What the parties answer: whose words they are, and that each who answered, or did not, is told.

被告辩称 is not told without what he said, nor what he said without his name: else it is laid to
whoever spoke before. So with 经审理查明. And where the ruling is told, so are the likeliest answers
of each party, and who did not answer: a reader of 二、乙承担连带责任 asks what 乙 said to it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from spaces.extract.grounds import highest_of_ruling
from spaces.sections import SECTIONS

__all__ = ["share_answers", "share_cues", "share_defaults"]

_DEFENCE = SECTIONS.index("defence")
_CUES = re.compile("(?:[辩辨]称|查明|(?:认定|事实)如下|经审理认定)[，,：:]?$")
_DEFAULT = re.compile("(?:被告|第三人).{0,24}未(?:到庭|出庭|应诉|.{0,8}答辩)")
_DEFAULT_TOO = re.compile("(?:亦|也|且|均|并)*未")
_PARTIES = 4  # more of them have more answers than a summary has room for
_ANSWERS = 2  # of each
_POSSIBLE = 0.1  # the least probability of an answer that is told for the party's sake


def share_cues(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with a cue (被告辩称，, 经审理查明，) and the most probable clause behind
    it having the higher of theirs; what it opens goes up to the next cue, or to another party's
    default, and stays in the section.

    >>> share_cues([0.7, 0.1, 0.2], ["被告辩称，", "已还款。", "无息。"], [2, 2, 2]).tolist()
    [0.7, 0.1, 0.7]
    """
    shared = np.array(probabilities)
    for cue, answer in _opened(texts, sections):
        best = max(answer, key=lambda i: shared[i])
        shared[[cue, best]] = max(shared[best], shared[cue])
    return shared


def share_defaults(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with each clause of the defence that says of a party that it did not answer
    having at least the highest of the ruling's. One that goes on (被告未到庭，但提交答辩状称) does
    not count, since its end may be an answer, unless with more that was not done.

    >>> share_defaults([0.1, 0.9], ["被告乙未到庭。", "驳回。"], [2, 5]).tolist()
    [0.9, 0.9]
    """
    shared = np.array(probabilities)
    highest = highest_of_ruling(shared, sections)
    if highest is None:
        return shared
    for i, text in enumerate(map(str.strip, texts)):
        if sections[i] == _DEFENCE and _DEFAULT.match(text):
            more = i + 1 < len(texts) and _DEFAULT_TOO.match(texts[i + 1])
            if more or text[-1] in "。；;":
                shared[i] = max(shared[i], highest)
    return shared


def share_answers(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with the two likeliest answers of each party having at least the highest of
    the ruling's, where one of them has 0.1 and no more than four parties answer.

    >>> texts = ["甲辩称，", "未借款。", "已还款。", "无息。", "驳回。"]
    >>> share_answers([0.1, 0.1, 0.2, 0.0, 0.9], texts, [2, 2, 2, 2, 5]).tolist()
    [0.1, 0.9, 0.9, 0.0, 0.9]
    """
    shared = np.array(probabilities)
    highest = highest_of_ruling(shared, sections)
    opened = [each for cue, each in _opened(texts, sections) if sections[cue] == _DEFENCE]
    if highest is None or len(opened) > _PARTIES:
        return shared
    for answers in opened:
        # not by the negative: labels may come as unsigned numbers
        likeliest = sorted(answers, key=shared.__getitem__, reverse=True)[:_ANSWERS]
        if shared[likeliest[0]] >= _POSSIBLE:
            shared[likeliest] = np.maximum(shared[likeliest], highest)
    return shared


def _opened(texts: Sequence[str], sections: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Each cue with the places of what it opens: up to the next cue, or to another party's default,
    in the same section. A cue that opens nothing is passed over."""
    cues = [i for i, text in enumerate(texts) if _CUES.search(text.rstrip())]
    defaults = [i for i, text in enumerate(texts) if _DEFAULT.match(text.strip())]
    borders = sorted({*cues, *defaults, len(texts)})
    for cue in cues:
        end = borders[bisect_right(borders, cue)]
        answer = [i for i in range(cue + 1, end) if sections[i] == sections[cue]]
        if answer:
            yield cue, answer
