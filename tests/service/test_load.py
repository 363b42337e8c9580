"""The script that puts the service under load still runs, and would see a wrong pairing."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs fastapi: pip install -e .[test]")

LOAD = Path(__file__).parents[2] / "benchmarks" / "load.py"


def test_answers_are_as_specified_and_to_the_right_client(serving, fake_model, capsys) -> None:
    from spaces.service.app import create_app

    main = runpy.run_path(str(LOAD))["main"]
    with serving(create_app([fake_model])) as url:
        result = main(["--url", url, "--seconds", "1", "--clients", "16"])
    assert json.loads(capsys.readouterr().out) == result
    assert (result["unexpected"], result["wrong_pairings"]) == ([], 0)
    assert result["checked"] > 10 and result["with_marker"] > 10
    for status in ("200", "400", "413", "415", "422"):
        assert any(status in counts for counts in result["requests"].values()), status


def test_a_wrong_pairing_is_seen(serving, fake_model, monkeypatch) -> None:
    from spaces.service.app import create_app

    right = fake_model.summarize_batch
    monkeypatch.setattr(fake_model, "summarize_batch", lambda *a, **k: right(*a, **k)[::-1])
    main = runpy.run_path(str(LOAD))["main"]
    with serving(create_app([fake_model])) as url:
        assert main(["--url", url, "--seconds", "0.5", "--clients", "16"])["wrong_pairings"] > 0
