"""Steps: done once, done again when something they read has changed, resumed when cut short."""

from __future__ import annotations

from pathlib import Path

import pytest

from spaces.steps import Step


class Work:
    """Counts its calls, notes what it finds, leaves a file, and fails when told to."""

    def __init__(self) -> None:
        self.calls, self.found, self.fails = 0, set(), False

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        self.found = {path.name for path in folder.iterdir() if path.suffix == ".txt"}
        (folder / f"{self.calls}.txt").write_text("made")
        if self.fails:
            raise RuntimeError("cut short")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("one")
    return path


def test_a_step_is_done_once(tmp_path: Path, work: Work, capsys) -> None:
    step = Step(tmp_path / "work" / "count", {"n": 3})
    assert not step.done
    assert step.run(work)
    assert step.done
    assert not step.run(work)
    assert not Step(tmp_path / "work" / "count", {"n": 3}).run(work)
    assert work.calls == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "count: done" in captured.err
    assert "count: nothing changed, skipped" in captured.err


def test_a_changed_setting_or_file_does_it_again_in_an_empty_folder(
    tmp_path: Path, work: Work, data: Path
) -> None:
    folder = tmp_path / "count"
    assert Step(folder, {"n": 3}, files=[data]).run(work)
    assert Step(folder, {"n": 4}, files=[data]).run(work)
    assert work.found == set()
    data.write_text("two")
    assert Step(folder, {"n": 4}, files=[data]).run(work)
    assert work.found == set()
    assert not Step(folder, {"n": 4}, files=[data]).run(work)
    assert work.calls == 3
    data.unlink()
    assert Step(folder, {"n": 4}, files=[data]).run(work)


def test_a_file_that_was_only_touched_changes_nothing(tmp_path: Path, work: Work, data) -> None:
    Step(tmp_path / "count", {}, files=[data]).run(work)
    data.write_text("one")
    moved = data.rename(tmp_path / "elsewhere.jsonl")
    assert not Step(tmp_path / "count", {}, files=[moved]).run(work)


def test_a_large_file_is_read_to_its_end(tmp_path: Path, data: Path) -> None:
    data.write_bytes(b"x" * (3 << 20) + b"a")
    first = Step(tmp_path / "count", {}, files=[data]).fingerprint
    data.write_bytes(b"x" * (3 << 20) + b"b")
    assert Step(tmp_path / "count", {}, files=[data]).fingerprint != first


def test_a_change_reaches_the_steps_after(tmp_path: Path, work: Work, data: Path) -> None:
    def run() -> tuple[bool, bool]:
        first = Step(tmp_path / "first", {}, files=[data])
        second = Step(tmp_path / "second", {}, after=[first])
        return first.run(work), second.run(work)

    assert run() == (True, True)
    assert run() == (False, False)
    data.write_text("two")
    assert run() == (True, True)


def test_a_step_cut_short_goes_on_in_its_folder(tmp_path: Path, work: Work) -> None:
    step = Step(tmp_path / "count", {"n": 3})
    work.fails = True
    with pytest.raises(RuntimeError, match="cut short"):
        step.run(work)
    assert not step.done
    work.fails = False
    assert Step(tmp_path / "count", {"n": 3}).run(work)
    assert work.found == {"1.txt"}
    assert step.done


def test_the_remains_of_another_fingerprint_are_emptied(tmp_path: Path, work: Work) -> None:
    work.fails = True
    with pytest.raises(RuntimeError):
        Step(tmp_path / "count", {"n": 3}).run(work)
    with pytest.raises(RuntimeError):
        Step(tmp_path / "count", {"n": 4}).run(work)
    assert work.found == set()
    # and back again: what lies there is n=4's
    work.fails = False
    Step(tmp_path / "count", {"n": 3}).run(work)
    assert work.found == set()
    assert not Step(tmp_path / "count", {"n": 4}).done


def test_a_folder_without_marks_is_emptied(tmp_path: Path, work: Work) -> None:
    folder = tmp_path / "count"
    (folder / "old").mkdir(parents=True)
    (folder / "old.txt").write_text("from elsewhere")
    assert Step(folder, {}).run(work)
    assert work.found == set()
    assert not (folder / "old").exists()


@pytest.mark.parametrize("content", ["", "{", "{}"])
def test_a_broken_mark_is_no_mark(tmp_path: Path, work: Work, content: str) -> None:
    step = Step(tmp_path / "count", {})
    step.run(work)
    (step.folder / "done.json").write_text(content)
    assert not step.done
    assert step.run(work)


def test_the_order_of_settings_does_not_matter_and_text_differs_from_numbers(
    tmp_path: Path,
) -> None:
    def fingerprint(settings: dict) -> str:
        return Step(tmp_path / "count", settings).fingerprint

    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})
    assert fingerprint({"a": 1}) != fingerprint({"a": 1.5})
    assert fingerprint({"词": "甲"}) != fingerprint({"词": "乙"})
