"""Oracle labels: which clauses of a judgment its summary was written from.

The recursive matching of SPACES (《SPACES：“抽取-生成”式长文本摘要（法研杯总结）》): the longest
summary clause takes the most similar document clause; what stands before it in the summary is
matched inside the document up to that clause, what stands after it from that clause on. So the
order of the summary is the order of the matches. The matched clause belongs to both parts: one long
document clause may be the origin of several short summary clauses.

Similarity is 0.2 ROUGE-1 + 0.4 ROUGE-2 + 0.4 ROUGE-L (F1, over characters, white space dropped),
the same number as `spaces.metrics.similarity`. Here it is computed for one summary clause against
all clauses of the document at once: the overlaps of unigrams and bigrams come exactly from an
inverted index, and since a common subsequence cannot be longer than the unigram overlap, the
overlaps also bound ROUGE-L. Only clauses whose bound reaches the best score so far pay for a
longest common subsequence, which is a few per summary clause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq

from spaces.metrics import WEIGHTS
from spaces.sentences import split_clauses

__all__ = ["oracle_labels"]


def oracle_labels(clauses: Sequence[str], summary: str | Sequence[str]) -> list[int]:
    """0 or 1 for each of `clauses`: 1 where the recursive matching took the clause.

    `summary` is a text, which is cut into clauses here, or the clauses themselves. Ties go to the
    first, both for the longest summary clause (in characters that are not white space) and for the
    most similar document clause. A summary clause that shares no character with any document clause
    in its reach labels nothing and divides nothing: the next longest one is taken instead. Either
    side empty: all zeros.

    >>> oracle_labels(["原告借款，", "天气很好。", "被告未还。"], "原告曾借款，被告未还。")
    [1, 0, 1]
    """
    if isinstance(summary, str):
        summary = [clause.text for clause in split_clauses(summary)]
    queries = [_squeeze(text) for text in summary]
    labels = [0] * len(clauses)
    index = _Index([_squeeze(text) for text in clauses])
    # Parts still to match: clauses [s_start, s_end) of the summary in [d_start, d_end).
    parts = [(0, len(queries), 0, len(clauses))]
    while parts:
        s_start, s_end, d_start, d_end = parts.pop()
        # The sort is stable, so of clauses of one length the first comes first.
        for s in sorted(range(s_start, s_end), key=lambda s: -len(queries[s])):
            d = index.most_similar(queries[s], d_start, d_end)
            if d is not None:
                labels[d] = 1
                parts.append((s_start, s, d_start, d + 1))
                parts.append((s + 1, s_end, d, d_end))
                break
            # Nothing similar here means nothing similar in any smaller part either.
            queries[s] = ""
    return labels


def _squeeze(text: str) -> str:
    return "".join(text.split())


class _Index:
    """Grams of the clauses of one document: character or pair -> (clauses, counts in them)."""

    def __init__(self, clauses: Sequence[str]) -> None:
        self.clauses = clauses
        self.lengths = np.array([len(clause) for clause in clauses], dtype=np.int64)
        places: dict[str, list[int]] = {}
        counts: dict[str, list[int]] = {}
        for place, clause in enumerate(clauses):
            for gram, count in _grams(clause).items():
                places.setdefault(gram, []).append(place)
                counts.setdefault(gram, []).append(count)
        self.postings = {gram: (np.array(places[gram]), np.array(counts[gram])) for gram in places}

    def most_similar(self, query: str, start: int, end: int) -> int | None:
        """The first most similar clause in [start, end) to `query`; None when nothing is shared."""
        if not query or start >= end:
            return None
        unigrams = np.zeros(len(self.clauses), dtype=np.int64)
        bigrams = np.zeros(len(self.clauses), dtype=np.int64)
        for gram, count in _grams(query).items():
            if gram in self.postings:
                places, counts = self.postings[gram]
                overlaps = unigrams if len(gram) == 1 else bigrams
                overlaps[places] += np.minimum(counts, count)
        unigrams, bigrams = unigrams[start:end], bigrams[start:end]
        sizes = self.lengths[start:end] + len(query)  # 2 hits / (n + m) is F1
        r1 = 2 * unigrams / sizes
        r2 = 2 * bigrams / np.maximum(sizes - 2, 1)
        w1, w2, wl = WEIGHTS
        partial = w1 * r1 + w2 * r2
        bounds = partial + wl * r1
        best, best_place = 0.0, None
        for i in np.argsort(-bounds, kind="stable"):
            # An equal bound may still be an equal score at an earlier place, so only a lower one
            # ends the search.
            if bounds[i] <= 0 or bounds[i] < best:
                break
            common = LCSseq.similarity(query, self.clauses[start + i])
            score = partial[i] + wl * (2 * common / sizes[i])
            if score > best or (score == best and i < best_place):
                best, best_place = score, i
        return None if best_place is None else int(start + best_place)


def _grams(text: str) -> Counter[str]:
    """Characters and pairs: `"本本院" -> {"本": 2, "院": 1, "本本": 1, "本院": 1}`."""
    grams = Counter(text)
    grams.update(map("".join, zip(text, text[1:], strict=False)))
    return grams
