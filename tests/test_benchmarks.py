"""The scripts behind published figures still run, at toy sizes."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_decode_gives_the_same_tokens_both_ways(capsys):
    main = runpy.run_path(str(BENCHMARKS / "decode.py"))["main"]
    sizes = "--layers 2 --hidden 32 --heads 2 --vocabulary 200 --source 40 --new 12 --json"
    rows = main(sizes.split())
    assert [row["beams"] for row in rows] == [1, 3]
    assert json.loads(capsys.readouterr().out)["results"] == rows


def test_oracle_labels_are_those_of_the_plain_recursion(capsys):
    main = runpy.run_path(str(BENCHMARKS / "oracle.py"))["main"]
    (row,) = main(["--judgments", "2", "--characters", "900", "--repeats", "1", "--json"])
    assert row["equal_to_plain"] == 1 and row["clauses"] > 100
    assert json.loads(capsys.readouterr().out)["results"] == [row]
