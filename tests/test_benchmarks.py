"""The scripts behind published figures still run, at toy sizes."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_decode_gives_the_same_tokens_both_ways(capsys):
    main = runpy.run_path(str(BENCHMARKS / "decode.py"))["main"]
    sizes = (
        "--layers 2 --hidden 32 --heads 2 --vocabulary 200 --source 40 --new 12 --threads 1 --json"
    )
    rows = main(sizes.split())
    assert [row["beams"] for row in rows] == [1, 3]
    assert json.loads(capsys.readouterr().out)["results"] == rows


TOY = "--layers 2 --hidden 32 --heads 2 --vocabulary 200 --source 40 --new 12 --threads 1 --json"


@pytest.mark.parametrize(
    ("script", "beams"),
    [("gpt2.py", [1, 3]), ("batching.py", [1, 3]), ("precision.py", [1] * 4 + [3] * 4)],
)
def test_decoding_scripts_run(script, beams, capsys, monkeypatch):
    # batching.py fails by itself where a batch gets other tokens than one by one
    monkeypatch.syspath_prepend(BENCHMARKS)
    threads = torch.get_num_threads()
    main = runpy.run_path(str(BENCHMARKS / script))["main"]
    try:
        rows = main(TOY.split())
    finally:
        torch.set_num_threads(threads)
    assert [row["beams"] for row in rows] == beams
    assert json.loads(capsys.readouterr().out)["results"] == rows
