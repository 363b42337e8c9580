from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.sentences import Clause, ends_sentence, split_clauses

MARKS = "\n。；：，！？;:,!?”’」』）)】》“（《、. 　\t\r\u200b\x00"


def texts(text: str) -> list[str]:
    return [clause.text for clause in split_clauses(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("没有标点", ["没有标点"]),
        ("原告：张某。", ["原告：", "张某。"]),
        ("他说：“还钱。”法院查明，属实；", ["他说：", "“还钱。”", "法院查明，", "属实；"]),
        ("（以下简称甲公司；）与乙", ["（以下简称甲公司；）", "与乙"]),
        ("共16,506元,15:45到", ["共16,506元,", "15:45到"]),
        ("共１６，５０６元：１", ["共１６，５０６元：", "１"]),
        ("第1，2条", ["第1，2条"]),
        ("判决如下：1、还款", ["判决如下：", "1、还款"]),
        ("元，2017年", ["元，", "2017年"]),
        ("本案\n\n　　现已审结。 \n驳回", ["本案\n\n　　", "现已审结。 \n", "驳回"]),
        ("真的？！是。……\n好", ["真的？！", "是。……\n", "好"]),
        ("。，\n甲，乙", ["。，\n甲，", "乙"]),
        ("，。！", ["，。！"]),
        (" \n\t", [" \n\t"]),
        ("hello, world; ok", ["hello, ", "world; ", "ok"]),
        ("😀，😀。", ["😀，", "😀。"]),
        ("\ue000，\U00020000。", ["\ue000，", "\U00020000。"]),
        ("甲\r\n乙", ["甲\r\n", "乙"]),
    ],
)
def test_split(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_clause_is_its_place() -> None:
    assert split_clauses("甲，乙") == [Clause("甲，", 0, 2), Clause("乙", 2, 3)]


@settings(deadline=None)  # the machine may be busy
@given(st.text() | st.text(alphabet=MARKS + "甲乙12１a😀"))
def test_clauses_tile_the_text(text: str) -> None:
    clauses = split_clauses(text)
    assert "".join(clause.text for clause in clauses) == text
    position = 0
    for clause in clauses:
        assert clause.start == position < clause.end
        assert text[clause.start : clause.end] == clause.text
        position = clause.end
    assert position == len(text)


@settings(deadline=None)  # the machine may be busy
@given(st.text(alphabet=MARKS + "甲12"))
def test_no_clause_of_marks_alone(text: str) -> None:
    if any(character.isalnum() for character in text):
        assert all(any(c.isalnum() for c in clause) for clause in texts(text))
    else:
        assert len(split_clauses(text)) <= 1


def test_splitting_again_changes_nothing_in_the_middle() -> None:
    text = "原告甲与被告乙租赁合同纠纷一案，本院立案后，公开开庭进行了审理。本案现已审理终结。"
    assert [texts(piece) for piece in texts(text)] == [[piece] for piece in texts(text)]


@pytest.mark.parametrize("piece", ["，", " ", "。”", "甲", "1,", "甲，", "（"])
def test_long_texts_take_linear_time(piece: str) -> None:
    started = time.perf_counter()
    text = piece * 100_000
    assert "".join(texts(text)) == text
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("clause", "ends"),
    [
        ("未还。", True),
        ("“还钱！”", True),
        ("（还否?）\u3000", True),
        ("原告：张三\n ", True),
        ("未还；", False),
        ("第二\n条", False),
        ("。未还", False),
        ("", False),
    ],
)
def test_what_ends_a_sentence(clause: str, ends: bool) -> None:
    assert ends_sentence(clause) == ends


def test_the_end_of_a_sentence_is_found_in_linear_time() -> None:
    start = time.perf_counter()
    assert not ends_sentence("\r\n" * 200_000 + "甲欠款，")
    assert time.perf_counter() - start < 1
