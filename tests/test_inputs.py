"""Input files: JSON lines and JSON arrays give the same records, as streams."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces import inputs
from spaces.errors import InputError
from spaces.inputs import estimate_records, iter_records


def read(path, content: str | bytes):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [(line.number, line.value, line.error) for line in iter_records(path)]


RECORDS = [{"id": 1, "text": "甲，]["}, {"id": "b", "text": [{"sentence": '乙\n"'}]}, {}]


@pytest.fixture(params=[1, 7, 1 << 20])
def chunk(request, monkeypatch) -> None:
    monkeypatch.setattr(inputs, "_CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_its_records(tmp_path, indent) -> None:
    text = json.dumps(RECORDS, ensure_ascii=False, indent=indent)
    for content in (text, "\ufeff\n " + text + "\r\n\n"):
        lines = read(tmp_path / "a.json", content)
        assert [value for _, value, _ in lines] == RECORDS
        assert estimate_records(tmp_path / "a.json") is None


def test_numbers_are_lines(tmp_path) -> None:
    text = '[\n  {"id": 1},\n\n  {"id": 2,\n "text": ""}, {"id": 3}\n]'
    assert [number for number, _, _ in read(tmp_path / "a", text)] == [2, 4, 5]


def test_json_lines(tmp_path) -> None:
    text = "\n".join(json.dumps(record) for record in RECORDS) + "\n\n"
    assert [value for _, value, _ in read(tmp_path / "a", text)] == RECORDS
    assert estimate_records(tmp_path / "a") == 3


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("text", "good", "reason"),
    [
        ('[{"id": 1}, {"id": 2]', 1, "record 2 of the array: broken JSON"),
        ('[{"id": 1} {"id": 2}]', 1, 'expected "," or "]" after record 1 of the array, got \'{\''),
        ('[{"id": 1}', 1, "the file ends; what follows"),
        ('[{"id": 1},', 1, "record 2 of the array: broken JSON"),
        (
            '[{"id": 1}, 12345, {"id": 2}]',
            2,
            "record 2 of the array: expected an object, got 12345",
        ),
        ('[{"id": 1}]\n{"id": 2}]', 1, "expected nothing after the array, got '{'"),
        ("[", 0, "record 1 of the array: broken JSON"),
    ],
)
def test_broken_arrays(tmp_path, text, good, reason) -> None:
    if reason.startswith("expected nothing"):
        text = text.replace("[", "[\n", 1)  # else the first line is a record by itself
    lines = read(tmp_path / "a", text)
    assert sum(value is not None for _, value, _ in lines) == good
    errors = [error for _, _, error in lines if error]
    assert len(errors) == 1 and reason in errors[0]


def test_empty_files_and_arrays(tmp_path) -> None:
    for content in ("", "\n \n", "[]", " [\n] "):
        assert read(tmp_path / "a", content) == []


def test_a_first_line_that_is_a_list_breaks_only_itself(tmp_path) -> None:
    lines = read(tmp_path / "a", '["x"]\n{"id": 1}\n')
    assert lines[0][2] and lines[1] == (2, {"id": 1}, None)


def test_bytes_that_are_not_utf8_break_their_record(tmp_path) -> None:
    lines = read(tmp_path / "a", '[{"id": 1, "text": "甲"},\n'.encode("gb18030") + b'{"id": 2}]')
    assert "expected UTF-8" in lines[0][2]
    assert lines[1][1] == {"id": 2}


def test_missing_files_and_folders(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "no"):
        with pytest.raises(InputError, match=str(path)):
            list(iter_records(path))


values = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(values, max_size=6), st.sampled_from([None, 0, 3]), st.integers(1, 9))
def test_any_array(tmp_path_factory, records, indent, size) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "_CHUNK", size)
        lines = read(path, json.dumps(records, indent=indent))
    assert [value for _, value, _ in lines] == records
