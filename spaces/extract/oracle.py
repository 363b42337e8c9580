"""Oracle labels: which clauses of a judgment its summary was written from.

The recursive matching of SPACES (《SPACES：“抽取-生成”式长文本摘要（法研杯总结）》): the longest
summary clause takes the most similar document clause; what stands before it in the summary is
matched inside the document up to that clause, what stands after it from that clause on. So the
order of the summary is the order of the matches. The matched clause belongs to both parts: one long
document clause may be the origin of several short summary clauses.

Similarity is 0.2 ROUGE-1 + 0.4 ROUGE-2 + 0.4 ROUGE-L (F1, over characters, white space dropped),
the same number as `spaces.metrics.similarity`. The overlaps of unigrams and bigrams of all summary
clauses with all document clauses are counted exactly, at once, over whole arrays. Since a common
subsequence cannot be longer than the unigram overlap, they also bound ROUGE-L: only clauses whose
bound reaches the best score so far pay for a longest common subsequence (bit-parallel, Hyyrö 2004,
in `rapidfuzz`), which is one or two per summary clause.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq

from spaces.metrics import WEIGHTS
from spaces.sentences import character_pairs, split_clauses, supported_share

__all__ = ["oracle_labels", "supported_labels"]


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
    matches = _Matches(queries, [_squeeze(text) for text in clauses])
    # Parts still to match: clauses [s_start, s_end) of the summary in [d_start, d_end).
    parts = [(0, len(queries), 0, len(clauses))]
    while parts:
        s_start, s_end, d_start, d_end = parts.pop()
        # The sort is stable, so of clauses of one length the first comes first.
        for s in sorted(range(s_start, s_end), key=lambda s: -len(queries[s])):
            d = matches.most_similar(s, d_start, d_end) if queries[s] else None
            if d is not None:
                labels[d] = 1
                parts.append((s_start, s, d_start, d + 1))
                parts.append((s + 1, s_end, d, d_end))
                break
            # Nothing similar here means nothing similar in any smaller part either.
            queries[s] = ""
    return labels


def supported_labels(clauses: Sequence[str], summary: str, least: float) -> list[int]:
    """The oracle's labels without those of clauses of which hardly anything stands in the summary:
    less than the share `least` of the pairs of letters.

    Every clause of the summary takes some clause, also where it was written from none, or from
    several; a labeller that learns such clauses learns to keep what no summary needs.

    >>> supported_labels(["原告借款，", "天气很好。"], "原告曾借款，很快就未还。", 0.3)
    [1, 0]
    """
    pairs = character_pairs(summary)
    labels = oracle_labels(clauses, summary)
    return [
        int(label and supported_share(clause, pairs) >= least)
        for clause, label in zip(clauses, labels, strict=True)
    ]


def _squeeze(text: str) -> str:
    return "".join(text.split())


class _Matches:
    """What every query shares with every clause: the known part of the score, and its bound.

    `partial[q, d]` is the score without ROUGE-L, `bounds[q, d]` the most it can be with it.
    """

    def __init__(self, queries: Sequence[str], clauses: Sequence[str]) -> None:
        self.queries, self.clauses = list(queries), list(clauses)
        shape = (len(queries), len(clauses))
        asked, wanted = _grams(queries)
        owners, found = _grams(clauses)
        # Grams by number, those of the queries only; most grams of a document are in none of them.
        known = np.unique(wanted)
        if not len(known) or not len(found):
            self.sizes = self.partial = self.bounds = np.zeros(shape)
            return
        numbers = np.minimum(np.searchsorted(known, found), len(known) - 1)
        shared = known[numbers] == found
        clause_of, grams, counts = _counted(owners[shared], numbers[shared], len(known))
        gram_of, askers, limits = _counted(np.searchsorted(known, wanted), asked, len(queries))
        # Each (clause, gram) meets every query with that gram: a run of the queries sorted by gram.
        first = np.searchsorted(gram_of, np.arange(len(known) + 1))
        runs = (first[1:] - first[:-1])[grams]
        ends = np.cumsum(runs)
        places = np.arange(ends[-1] if len(ends) else 0)
        places += np.repeat(first[:-1][grams] - (ends - runs), runs)
        hits = np.minimum(np.repeat(counts, runs), limits[places])
        pairs = askers[places] * shape[1] + np.repeat(clause_of, runs)
        # A gram of two characters has a number above all of one.
        pairs += np.repeat(known[grams] >= _PAIR, runs) * (shape[0] * shape[1])
        overlaps = np.bincount(pairs, hits, 2 * shape[0] * shape[1]).reshape(2, *shape)
        lengths = np.array([len(query) for query in queries])[:, None]
        self.sizes = lengths + np.array([len(clause) for clause in clauses])
        r1 = 2 * overlaps[0] / np.maximum(self.sizes, 1)  # 2 hits / (n + m) is F1
        r2 = 2 * overlaps[1] / np.maximum(self.sizes - 2, 1)
        w1, w2, wl = WEIGHTS
        self.partial = w1 * r1 + w2 * r2
        self.bounds = self.partial + wl * r1

    def most_similar(self, query: int, start: int, end: int) -> int | None:
        """The first most similar clause in [start, end) to a query; None when nothing is shared."""
        bounds = self.bounds[query, start:end]
        if not len(bounds) or not bounds.any():
            return None
        text, wl = self.queries[query], WEIGHTS[2]

        def score(place: int) -> float:
            common = LCSseq.similarity(text, self.clauses[place])
            return self.partial[query, place] + wl * (2 * common / self.sizes[query, place])

        best_place = start + int(bounds.argmax())
        best = score(best_place)
        # An equal bound may still be an equal score at an earlier place.
        rivals = (np.flatnonzero((bounds >= best) & (bounds > 0)) + start).tolist()
        for place in sorted(rivals, key=lambda place: -bounds[place - start]):
            if bounds[place - start] < best:
                break
            if place == best_place:
                continue
            found = score(place)
            if found > best or (found == best and place < best_place):
                best, best_place = found, place
        return best_place


_PAIR = 1 << 32


def _grams(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The number of its text and a number for each character and each pair of neighbours."""
    data = "".join(texts).encode("utf-32-le", "surrogatepass")
    letters = np.frombuffer(data, dtype="<u4").astype(np.int64)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    inside = owners[1:] == owners[:-1]
    pairs = (letters[:-1] + 1) * _PAIR + letters[1:]
    return np.concatenate((owners, owners[1:][inside])), np.concatenate((letters, pairs[inside]))


def _counted(
    major: np.ndarray, minor: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct (major, minor) in order, minor below `width`, and how often each occurs."""
    both, counts = np.unique(major * width + minor, return_counts=True)
    return both // width, both % width, counts
