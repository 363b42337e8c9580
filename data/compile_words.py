"""Candidates for special_words.txt: words of a corpus that neither jieba nor the list knows.

    python data/compile_words.py train.jsonl:summary pairs.jsonl:target > candidates.tsv

Each argument is a file of JSON lines and the field that has the text. The table (word, count,
documents, cohesion, freedom; see `spaces.words.mine_words`) is for the eye: whoever keeps the list
copies what is a word of the law into it, and leaves names, places and halves of sentences out. What
can be told without reading is left out here: masked names, and numbers of articles.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from spaces.files import iter_json_lines
from spaces.words import Segmenter, mine_words, read_words

LIST = Path(__file__).parent / "special_words.txt"
# A masked name (张某), an article of a statute (第十四条, or what is left of it).
NO_WORDS = re.compile(r"某|[一二三四五六七八九十百零][条款]|[条款]第|第.{0,2}款")


def texts(files: list[str]) -> Iterator[str]:
    for argument in files:
        path, _, field = argument.rpartition(":")
        for line in iter_json_lines(path):
            if line.value is None:
                raise SystemExit(f"{path}:{line.number}: {line.error}")
            yield str(line.value.get(field, ""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Candidates for special_words.txt.")
    parser.add_argument("files", nargs="+", metavar="FILE:FIELD", help="JSON lines, and the field")
    parser.add_argument("--min-count", type=int, default=8, help="occurrences (default: 8)")
    parser.add_argument("--min-documents", type=int, default=5, help="texts (default: 5)")
    parser.add_argument("--min-cohesion", type=float, default=4.0, help="bits (default: 4)")
    parser.add_argument("--min-freedom", type=float, default=1.0, help="bits (default: 1)")
    options = parser.parse_args()
    mined = mine_words(
        texts(options.files),
        max_words=100_000,
        min_count=options.min_count,
        min_documents=options.min_documents,
        min_cohesion=options.min_cohesion,
        min_freedom=options.min_freedom,
        known=Segmenter(read_words(LIST)),
    )
    print("word", "count", "documents", "cohesion", "freedom", sep="\t")
    for w in mined:
        if not NO_WORDS.search(w.word):
            print(w.word, w.count, w.documents, f"{w.cohesion:.1f}", f"{w.freedom:.1f}", sep="\t")


if __name__ == "__main__":
    main()
