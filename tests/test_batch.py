"""`predict_file`: order, one line per id, errors apart, atomic, resumable, one bad judgment harms
no other.
"""

from __future__ import annotations

import json

import pytest

from spaces import batch
from spaces.batch import predict_file
from spaces.errors import ConfigError, InputError
from spaces.provenance import Span, Summary


class Fake:
    """Summarizes by taking the first three characters; stumbles over, or stops at, what it is told
    to.
    """

    def __init__(self, stumble: str = "\0", stop: str = "\0", name: str = "fake") -> None:
        self.stumble, self.stop, self.name = stumble, stop, name
        self.calls: list[list[str]] = []

    def fingerprint(self) -> str:
        return self.name

    def summarize_batch(self, texts, *, batch_size, extract, on_progress=None):
        self.calls.append(list(texts))
        if any(self.stop in text for text in texts):
            raise KeyboardInterrupt
        if any(self.stumble in text for text in texts):
            raise RuntimeError("out of luck")
        if on_progress:
            on_progress(len(texts))
        return [self.one(text) for text in texts]

    def one(self, text: str) -> Summary:
        if not text.strip():
            return Summary("", warnings=("The text is empty: there is nothing to summarize.",))
        return Summary(text[:3], (Span(0, len(text[:3]), "copied", 0, len(text[:3])),))


@pytest.fixture
def files(tmp_path):
    """Write the input, and give both paths."""

    def write(*lines) -> tuple:
        rows = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (tmp_path / "in.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return tmp_path / "in.jsonl", tmp_path / "out.jsonl"

    return write


def rows(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def errors_of(target) -> list[dict]:
    return rows(target.with_name(target.name + ".errors.jsonl"))


def records(count: int) -> list[dict]:
    return [{"id": f"case-{i}", "text": f"{i:03d}" + "判" * (i * 7 % 5)} for i in range(count)]


def test_one_line_per_id_in_order(files) -> None:
    source, target = files(
        *records(50), {"id": 7, "text": [{"sentence": "甲"}, {"sentence": "乙"}]}
    )
    progress: list[int] = []
    report = predict_file(source, target, Fake(), batch_size=2, on_progress=progress.append)
    expected = [{"id": r["id"], "summary": r["text"][:3]} for r in records(50)]
    assert rows(target) == [*expected, {"id": 7, "summary": "甲\n乙"}]
    assert (report.records, report.failed, report.resumed) == (51, 0, 0)
    assert sum(progress) == 51
    assert {path.name for path in target.parent.iterdir()} == {"in.jsonl", "out.jsonl"}


def test_memory_is_bounded_by_windows(files) -> None:
    fake = Fake()
    predict_file(*files(*records(50)), fake, batch_size=2)
    assert max(len(texts) for texts in fake.calls) == 2 * batch.WINDOW


def test_details(files) -> None:
    source, target = files({"id": 1, "text": "原告甲"}, {"id": 2, "text": " "}, {"id": 3})
    predict_file(source, target, Fake(), details=True)
    first, empty, broken = rows(target)
    assert first == {
        "id": 1,
        "summary": "原告甲",
        "spans": [{"start": 0, "end": 3, "kind": "copied", "source_start": 0, "source_end": 3}],
        "clauses": [],
        "warnings": [],
    }
    assert (empty["summary"], broken["summary"]) == ("", "")
    assert empty["warnings"] == ["The text is empty: there is nothing to summarize."]
    assert broken["warnings"][0].startswith("text: expected this field")


def test_broken_records(files) -> None:
    source, target = files(
        {"id": "a", "text": "甲"},
        '{"id": "b", "text": "',
        "",
        "nonsense",
        {"text": "no id"},
        {"id": "c", "text": 5},
        {"id": "a", "text": "again"},
        {"id": "", "text": "x"},
        {"id": True, "text": "x"},
        "[1]",
        {"id": 12, "text": ""},
        '{"id": 13, "text"',
        {"id": "d", "text": "丁"},
    )
    told: list[str] = []
    report = predict_file(source, target, Fake(), on_warning=told.append)
    assert rows(target) == [
        {"id": "a", "summary": "甲"},
        {"id": "b", "summary": ""},
        {"id": "c", "summary": ""},
        {"id": 12, "summary": ""},
        {"id": 13, "summary": ""},
        {"id": "d", "summary": "丁"},
    ]
    failures = errors_of(target)
    assert [(e["line"], e.get("id")) for e in failures] == [
        (2, "b"), (4, None), (5, None), (6, "c"), (7, None), (8, None), (9, None), (10, None),
        (12, 13),
    ]  # fmt: skip
    reasons = [e["error"] for e in failures]
    assert "broken JSON" in reasons[0]
    assert reasons[2].startswith("id: expected this field")
    assert reasons[3].startswith("text: expected a string or a list of sentences")
    assert reasons[4] == "id: expected an id of its own, got that of line 1: 'a'"
    assert (report.records, report.failed) == (12, 9)
    assert len(told) == 10, "the nine, and the empty text, which is no failure"
    assert told[0].startswith(f"{source}:2: ")
    assert f"{source}:11: The text is empty: there is nothing to summarize." in told


def test_a_fault_of_one_judgment_is_its_own(files) -> None:
    source, target = files(*records(10), {"id": "bad", "text": "BUG"}, {"id": "z", "text": "末"})
    progress: list[int] = []
    report = predict_file(source, target, Fake(stumble="BUG"), on_progress=progress.append)
    summaries = {row["id"]: row["summary"] for row in rows(target)}
    assert len(summaries) == 12 and summaries["bad"] == "" and summaries["z"] == "末"
    assert errors_of(target) == [
        {"line": 11, "id": "bad", "error": "could not be summarized: RuntimeError: out of luck"}
    ]
    assert report.failed == 1 and sum(progress) == 12


def interrupted(files, count: int = 40, **options):
    """A run that was stopped in its third window of 16."""
    source, target = files(*records(count)[:-1], {"id": "last", "text": "STOP"})
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        predict_file(source, target, Fake(stop="STOP"), batch_size=2, **options)
    assert target.read_text() == "old", "replaced only when the new one is complete"
    return source, target


def test_a_stopped_run_goes_on(files) -> None:
    source, target = interrupted(files)
    fake, progress = Fake(), []
    report = predict_file(source, target, fake, batch_size=2, on_progress=progress.append)
    assert report.resumed == 32 and report.records == 40
    assert sum(map(len, fake.calls)) == 8
    assert sum(progress) == 40
    summaries = [row["summary"] for row in rows(target)]
    assert summaries == [r["text"][:3] for r in records(39)] + ["STO"]
    assert not target.with_name("out.jsonl.partial").exists()


def test_a_torn_line_is_done_again(files) -> None:
    source, target = interrupted(files)
    partial = target.with_name("out.jsonl.partial")
    data = partial.read_bytes()
    for cut in (1, 5, 30):
        partial.write_bytes(data[:-cut])
        report = predict_file(source, target, Fake(), batch_size=2)
        assert report.resumed == 31
        assert [row["id"] for row in rows(target)][30:33] == ["case-30", "case-31", "case-32"]


@pytest.mark.parametrize("change", ["input", "model", "details", "extract"])
def test_another_question_begins_anew(files, change) -> None:
    source, target = interrupted(files)
    if change == "input":
        source.write_text(source.read_text() + "\n")
    fake = Fake(name="other" if change == "model" else "fake")
    options = {"details": {"details": True}, "extract": {"extract": False}}.get(change, {})
    assert predict_file(source, target, fake, **options).resumed == 0
    assert len(rows(target)) == 40


def test_failures_and_ids_of_the_first_run_are_remembered(files) -> None:
    lines = [{"id": "a", "text": "甲"}, "broken", *records(14), {"id": "a", "text": "STOP"}]
    lines += [{"id": "x", "text": "STOP"}]
    source, target = files(*lines)
    with pytest.raises(KeyboardInterrupt):
        predict_file(source, target, Fake(stop="STOP"), batch_size=2)
    report = predict_file(source, target, Fake(), batch_size=2)
    assert (report.resumed, report.failed) == (16, 2)
    assert [e["line"] for e in errors_of(target)] == [2, 17]


def test_old_errors_do_not_outlive_a_clean_run(files) -> None:
    source, target = files("broken")
    predict_file(source, target, Fake())
    assert errors_of(target)
    source.write_text('{"id": 1, "text": "甲"}')
    predict_file(source, target, Fake())
    assert not target.with_name("out.jsonl.errors.jsonl").exists()


def test_one_array_of_records(files) -> None:
    source, target = files(json.dumps(records(5), indent=1))
    predict_file(source, target, Fake())
    assert [row["id"] for row in rows(target)] == [r["id"] for r in records(5)]


def test_an_empty_file(files) -> None:
    source, target = files("")
    assert predict_file(source, target, Fake()).records == 0
    assert target.read_text() == ""


def test_surrogates_in_ids_and_errors_are_written(files) -> None:
    source, target = files(
        '{"id": "\\ud800", "text": "甲"}', '{"id": "\\udfff", "text": {"\\ud800": 1}}'
    )
    predict_file(source, target, Fake())
    assert rows(target) == [{"id": "\ud800", "summary": "甲"}, {"id": "\udfff", "summary": ""}]
    assert errors_of(target)[0]["id"] == "\udfff"


def test_paths(files, tmp_path) -> None:
    source, target = files(*records(1))
    wrong = {
        "no such file": (tmp_path / "no", target),
        "got a folder": (source, tmp_path),
        "its folder does not exist": (source, tmp_path / "no" / "out"),
        "expected another file than the input": (source, source),
        "got a device": (source, "/dev/null"),
    }
    for message, (a, b) in wrong.items():
        with pytest.raises(InputError, match=message):
            predict_file(a, b, Fake())
    with pytest.raises(InputError, match="expected a file, got a folder"):
        predict_file(tmp_path, target, Fake())
    with pytest.raises(ConfigError, match="batch_size"):
        predict_file(source, target, Fake(), batch_size=0)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_the_real_chain(files, tiny_summarizer, judgment) -> None:
    odd = "原告\ud800，被告\x00归还借款。"
    source, target = files(
        {"id": 1, "text": [{"sentence": line} for line in judgment.splitlines()]},
        {"id": 2, "text": odd},
        {"id": 3, "text": ""},
        {"id": 4, "text": "Latin"},
    )
    report = predict_file(source, target, tiny_summarizer, batch_size=3, details=True)
    assert (report.records, report.failed) == (4, 0)
    texts = ["\n".join(judgment.splitlines()), odd, "", "Latin"]
    for text, row in zip(texts, rows(target), strict=True):
        alone = tiny_summarizer.summarize(text).to_dict()
        assert set(row) == {"id", *alone}
        for field in ("summary", "spans", "warnings"):
            assert row[field] == alone[field]
        for span in row["spans"]:
            if span["kind"] == "copied":
                source_text = text[span["source_start"] : span["source_end"]]
                assert source_text == row["summary"][span["start"] : span["end"]]
