"""A judgment as the models read it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spaces.outline import outline
from spaces.sections import SECTIONS
from spaces.sentences import split_clauses

JUDGMENT = (
    "原告：钱立冬，男。\n被告：大有商贸有限公司（以下简称大有公司），住所地某市。\n"
    "原告钱立冬与被告大有公司买卖合同纠纷一案，本院受理后进行了审理。\n"
    "钱立冬向本院提出诉讼请求：判令大有公司退还货款3000元。\n大有公司辩称，货物没有问题。\n"
    "本院认为，大有公司应当退款。依照《中华人民共和国合同法》第一百零七条，判决如下：\n"
    "大有公司退还钱立冬货款3000元。\n案件受理费50元，由大有公司负担。\n"
)


def test_clauses_are_those_of_the_judgment() -> None:
    found = outline(JUDGMENT)
    expected = [(clause.start, clause.end) for clause in split_clauses(JUDGMENT)]
    assert [(clause.start, clause.end) for clause in found] == expected


def test_names_are_read_as_roles_and_every_piece_is_the_judgments() -> None:
    found = outline(JUDGMENT)
    read = "".join(clause.text for clause in found)
    assert "原告向本院提出诉讼请求：判令被告退还货款3000元。" in read
    assert "被告退还原告货款3000元。" in read
    assert "以下简称" not in read
    for clause in found:
        assert clause.text == "".join(JUDGMENT[a:b] for a, b in clause.pieces)


def test_each_clause_has_its_section() -> None:
    sections = {clause.text.strip(): SECTIONS[clause.section] for clause in outline(JUDGMENT)}
    assert sections["判令被告退还货款3000元。"] == "claim"
    assert sections["货物没有问题。"] == "defence"
    assert sections["被告应当退款。"] == "reasons"
    assert sections["被告退还原告货款3000元。"] == "ruling"
    assert sections["案件受理费50元，"] == "tail"


@given(st.text(alphabet="原告被：，。（）《》张某诉判决如下\n x1", max_size=80))
def test_any_text_is_outlined(text: str) -> None:
    found = outline(text)
    assert "".join(text[clause.start : clause.end] for clause in found) == text
    for clause in found:
        assert clause.text == "".join(text[a:b] for a, b in clause.pieces)
        assert 0 <= clause.section < len(SECTIONS)
