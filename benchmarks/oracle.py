"""Oracle labels: seconds per judgment against plain versions that score every candidate.

    python benchmarks/oracle.py                       # 10 judgments of 2,700 characters
    python benchmarks/oracle.py --judgments 3 --json  # as one JSON object

Three ways through the same recursion, in one run on the same clauses:

- `spaces`: `spaces.extract.oracle.oracle_labels`;
- `plain`: every candidate scored by counters and the textbook table of the longest common
  subsequence. It has our definition of the score, and the script fails where a label differs;
- `rouge`: every candidate scored by the `rouge` package with characters set apart by blanks, as the
  public implementations do. That package counts distinct n-grams and cuts at ".", so its scores and
  a few of its labels are others; the share of equal labels is told, not asserted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from spaces.extract.oracle import oracle_labels
from spaces.metrics import WEIGHTS
from spaces.outline import outline
from spaces.sentences import split_clauses

sys.path.insert(0, str(Path(__file__).parent))
from judgments import make_judgments  # noqa: E402

Score = Callable[[str, str], float]


def plain_labels(clauses: Sequence[str], summary: Sequence[str], score: Score) -> list[int]:
    """The recursive matching as it is said: all candidates scored, the first best one taken."""
    labels = [0] * len(clauses)

    def match(queries: Sequence[str], start: int, end: int) -> None:
        if not queries or start >= end:
            return
        i = max(range(len(queries)), key=lambda i: len(queries[i]))
        scores = [score(clause, queries[i]) for clause in clauses[start:end]]
        if max(scores) == 0:
            match([*queries[:i], *queries[i + 1 :]], start, end)
            return
        j = start + scores.index(max(scores))
        labels[j] = 1
        match(queries[:i], start, j + 1)
        match(queries[i + 1 :], j, end)

    match(summary, 0, len(clauses))
    return labels


def plain_score(a: str, b: str) -> float:
    """`spaces.metrics.similarity` in plain Python."""
    if not a or not b:
        return 0.0
    unigrams = (Counter(a) & Counter(b)).total()
    bigrams = (Counter(zip(a, a[1:], strict=False)) & Counter(zip(b, b[1:], strict=False))).total()
    row = [0] * (len(b) + 1)
    for x in a:
        corner = 0
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], corner + 1 if x == y else max(row[j], row[j - 1])
    sizes = len(a) + len(b)
    w1, w2, wl = WEIGHTS
    return (
        w1 * (2 * unigrams / sizes)
        + w2 * (2 * bigrams / max(sizes - 2, 1))
        + wl * (2 * row[-1] / sizes)
    )


def rouge_score() -> Score:
    """The same weights over the scores of the `rouge` package."""
    from rouge import Rouge

    rouge = Rouge()

    def score(a: str, b: str) -> float:
        if not a.strip(".") or not b.strip("."):
            return 0.0  # the package refuses what has no sentence
        (found,) = rouge.get_scores(" ".join(a), " ".join(b))
        kinds = ("rouge-1", "rouge-2", "rouge-l")
        return sum(w * found[kind]["f"] for w, kind in zip(WEIGHTS, kinds, strict=True))

    return score


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(description="Oracle labels against plain versions.")
    parser.add_argument("--judgments", type=int, default=10)
    parser.add_argument("--characters", type=int, default=2700, help="of each judgment")
    parser.add_argument("--repeats", type=int, default=20, help="of the fast way, for its time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)

    documents = []
    for record in make_judgments(asked.judgments, asked.seed, asked.characters):
        texts = ["".join(c.text.split()) for c in outline(record["text"])]
        summary = ["".join(c.text.split()) for c in split_clauses(record["summary"])]
        documents.append((texts, summary))

    def labelled(way: Callable[[list[str], list[str]], list[int]]) -> tuple[list, float]:
        start = time.perf_counter()
        labels = [way(*document) for document in documents]
        return labels, (time.perf_counter() - start) / len(documents)

    rouge = rouge_score()
    oracle_labels(*documents[0])  # warm
    times = [labelled(oracle_labels) for _ in range(asked.repeats)]
    fast, seconds = times[0][0], sorted(t for _, t in times)[asked.repeats // 2]
    plain, plain_seconds = labelled(
        lambda texts, summary: plain_labels(texts, summary, plain_score)
    )
    other, other_seconds = labelled(lambda texts, summary: plain_labels(texts, summary, rouge))
    if fast != plain:
        raise SystemExit("oracle_labels and the plain version give other labels")
    pairs = [(a, b) for x, y in zip(fast, other, strict=True) for a, b in zip(x, y, strict=True)]
    row = {
        "clauses": len(pairs),
        "spaces": seconds,
        "plain": plain_seconds,
        "rouge": other_seconds,
        "ratio_plain": plain_seconds / seconds,
        "ratio_rouge": other_seconds / seconds,
        "equal_to_plain": 1.0,
        "equal_to_rouge": sum(a == b for a, b in pairs) / len(pairs),
    }
    if asked.json:
        settings = {k: v for k, v in vars(asked).items() if k != "json"}
        print(json.dumps({"settings": settings, "results": [row]}))
    else:
        print(
            f"{asked.judgments} judgments, {len(pairs)} clauses, seconds per judgment:"
            f" spaces {seconds:.5f}, plain {plain_seconds:.3f}, rouge package {other_seconds:.3f}\n"
            f"{row['ratio_plain']:.0f} times as fast as plain, every label the same;"
            f" {row['ratio_rouge']:.0f} times as fast as the rouge package,"
            f" {row['equal_to_rouge']:.1%} of the labels the same (it counts distinct n-grams)"
        )
    return [row]


if __name__ == "__main__":
    main()
