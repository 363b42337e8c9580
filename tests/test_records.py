from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from spaces.errors import ConfigError, InputError, RecordError
from spaces.records import (
    ExtractPair,
    Judgment,
    Prediction,
    atomic_write,
    dump_json,
    iter_json_lines,
    load_training,
    parse_judgment,
    read_extract_pairs,
    read_judgments,
    read_predictions,
    read_text,
)

SENTENCES = [
    {"sentence": "原告：甲。", "label": 1},
    {"sentence": ""},
    {"sentence": "乙", "label": 0},
]


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(dump_json(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_both_forms_of_text(tmp_path: Path) -> None:
    path = write(
        tmp_path / "j.jsonl",
        {"id": "a", "text": "甲，乙", "summary": "丙"},
        {"id": 1, "text": SENTENCES},
        {"id": "1", "text": "", "summary": None, "other": [1]},
    )
    first, second, third = read_judgments(path)
    assert first == Judgment("a", "甲，乙", "丙", None)
    assert second.text == "原告：甲。\n\n乙"
    assert second.labels == ((0, 5, 1), (7, 8, 0))
    assert [second.text[start:end] for start, end, _ in second.labels] == ["原告：甲。", "乙"]
    assert third == Judgment("1", "", None, None)


def test_pairs_and_predictions(tmp_path: Path) -> None:
    path = write(tmp_path / "p", {"id": 1, "source": "甲", "target": "乙", "summary": "丙"})
    assert list(read_extract_pairs(path)) == [ExtractPair(1, "甲", "乙")]
    assert list(read_predictions(path)) == [Prediction(1, "丙")]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "text: expected this field, got none (the record has no field at all)"),
        (
            {"id": 1, "Text": ""},
            "text: expected this field, got none (the record has 'id', '",
        ),
        ({"text": "甲"}, "id: expected this field"),
        ({"id": "", "text": "甲"}, "id: expected a string that is not empty, or an integer"),
        (
            {"id": 1.5, "text": ""},
            "id: expected a string that is not empty, or an integer, got",
        ),
        ({"id": True, "text": "甲"}, "id: expected"),
        ({"id": 1, "text": 5}, "text: expected a string or a list of sentences, got 5"),
        ({"id": 1, "text": {}}, "text: expected a string or a list of sentences, got an object"),
        ({"id": 1, "text": ["甲"]}, 'text[0]: expected an object {"sentence": "…"}, got a string'),
        ({"id": 1, "text": [{"sentence": 1}]}, "text[0].sentence: expected a string, got 1"),
        ({"id": 1, "text": [SENTENCES[0], {}]}, "text[1].sentence: expected a string, got null"),
        ({"id": 1, "text": [{"sentence": "", "label": 2}]}, "text[0].label: expected 0 or 1"),
        ({"id": 1, "text": [{"sentence": "", "label": "1"}]}, "text[0].label: expected 0 or 1"),
        ({"id": 1, "text": "", "summary": []}, "summary: expected a string, got a list"),
    ],
)
def test_what_is_wrong_with_a_judgment(record: dict, message: str) -> None:
    with pytest.raises(RecordError) as error:
        parse_judgment(record, "file:3")
    assert str(error.value).startswith("file:3: " + message)


def test_readers_name_file_and_line(tmp_path: Path) -> None:
    good = {"id": 1, "text": "甲", "summary": "乙"}
    path = tmp_path / "j.jsonl"
    path.write_text(json.dumps(good) + "\n\n{broken\n")
    rows = read_judgments(path)
    assert next(rows).id == 1
    with pytest.raises(RecordError, match=r"j\.jsonl:3: expected one JSON object.*broken JSON"):
        next(rows)
    write(path, good, {**good, "id": 2}, good)
    with pytest.raises(RecordError, match=r"j\.jsonl:3: id: .*line 1: 1$"):
        list(read_judgments(path))
    write(path, good, {"id": 2, "text": "甲"})
    assert len(list(read_judgments(path))) == 2
    with pytest.raises(RecordError, match=r"j\.jsonl:2: summary: expected this field"):
        list(read_judgments(path, require_summary=True))
    with pytest.raises(RecordError, match=r"j\.jsonl:1: source: expected this field"):
        list(read_extract_pairs(path))
    write(path, {"id": 1, "summary": 3})
    with pytest.raises(RecordError, match=r"j\.jsonl:1: summary: expected a string, got 3"):
        list(read_predictions(path))


def test_lines_of_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf"
        + '{"id": "甲\u2028"}\r\n'.encode()
        + b"  \n"
        + b'{"id": \n'
        + '{"id": "乙"}\n'.encode("gb18030")
        + b"[1]\n"
        + b"[" * 100_000
        + b"\n"
        + b"1" * 5_000
        + b"\n\xef\xbb\xbf{}\n"
        + b'{"id": 2}'
    )
    lines = list(iter_json_lines(path))
    assert [line.number for line in lines] == [1, 3, 4, 5, 6, 7, 8, 9]
    assert lines[0].value == {"id": "甲\u2028"} and lines[0].error is None
    assert lines[0].raw == '{"id": "甲\u2028"}'
    assert lines[-1].value == {"id": 2}
    for line, part in zip(
        lines[1:-1], ["broken JSON", "UTF-8", "a list", "", "", "broken JSON"], strict=True
    ):
        assert line.value is None and line.error and part in line.error
        assert "expected" in line.error
    assert "0xd2" in (lines[2].error or "")


def test_a_file_of_none_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert list(iter_json_lines(tmp_path / "empty")) == []


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for read in (read_text, lambda path: list(iter_json_lines(path))):
        with pytest.raises(InputError, match="no such file"):
            read(tmp_path / "none")
        with pytest.raises(InputError, match="expected a file, got a folder"):
            read(tmp_path)
    (tmp_path / "gb").write_bytes("甲".encode("gb18030"))
    with pytest.raises(InputError, match="expected UTF-8, got byte 0xbc at position 0; convert it"):
        read_text(tmp_path / "gb")
    (tmp_path / "bom").write_bytes(b"\xef\xbb\xbf" + "甲\r\n乙".encode())
    assert read_text(tmp_path / "bom") == "甲\n乙"


def test_any_string_becomes_a_line_that_can_be_written() -> None:
    for text in ("甲\u2028\n", "\ud800", "😀\x00"):
        line = dump_json({"summary": text})
        assert json.loads(line) == {"summary": text}
        assert "\n" not in line and line.encode()


def test_atomic_write(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    with atomic_write(path) as file:
        file.write("甲\n")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_bytes() == "甲\n".encode()
    with pytest.raises(RuntimeError), atomic_write(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_bytes() == "甲\n".encode()
    assert os.listdir(tmp_path) == ["out.txt"]


def test_atomic_write_to_places_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got a folder"), atomic_write(tmp_path):
        pass
    nowhere = tmp_path / "none" / "file"
    with pytest.raises(InputError, match="does its folder exist"), atomic_write(nowhere):
        pass


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no such device here")
def test_atomic_write_to_a_device() -> None:
    with atomic_write("/dev/null") as file:
        file.write("x")
    assert not os.path.isfile("/dev/null")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.usefixtures("own_cache")
def test_training_files(tmp_path: Path) -> None:
    a = write(tmp_path / "a", {"id": 1, "text": SENTENCES, "summary": "丙"})
    b = write(tmp_path / "b", {"id": "x", "text": "甲，乙", "summary": "丁"})
    data = load_training([a, b], "judgments")
    assert data[0] == {"id": "1", "text": "原告：甲。\n\n乙", "summary": "丙"}
    assert data[1] == {"id": "x", "text": "甲，乙", "summary": "丁"}
    assert data.cache_files[0]["filename"].startswith(str(tmp_path))  # on disk, memory-mapped
    assert load_training([a, b], "texts").column_names == ["id", "text"]
    assert load_training([a], "summaries")[0] == {"id": "1", "summary": "丙"}
    write(b, {"id": "x", "text": "戊", "summary": "丁"})
    assert load_training([a, b], "judgments")["text"][1] == "戊"
    pairs = write(tmp_path / "c", {"id": 1, "source": "甲", "target": "乙"})
    assert load_training([pairs], "extracts")[0] == {"id": "1", "source": "甲", "target": "乙"}


@pytest.mark.usefixtures("own_cache")
def test_wrong_training_files(tmp_path: Path) -> None:
    a = write(tmp_path / "a", {"id": 1, "text": "甲", "summary": "丙"})
    b = write(tmp_path / "b", {"id": "1", "text": "甲", "summary": "丙"})
    with pytest.raises(RecordError, match="also in"):
        load_training([a, b], "judgments")
    with pytest.raises(RecordError, match=":1: source: expected this field"):
        load_training([a], "extracts")
    with pytest.raises(InputError, match="no such file"):
        load_training([tmp_path / "none"], "judgments")
    with pytest.raises(ConfigError, match="got 'judgement'"):
        load_training([a], "judgement")
    with pytest.raises(ConfigError, match="at least one file"):
        load_training([], "judgments")
