"""Rows of the generator's training data."""

from __future__ import annotations

import numpy as np

from spaces.generate.tokenizer import CLS, SEP
from spaces.outline import outline
from spaces.pairs import encode_pair, pick, read_rows, supported, weak_rows, whole, write_rows
from spaces.sections import SECTIONS


def test_a_row_in_tokens_has_the_section_of_each_token(tiny_tokenizer, judgment) -> None:
    row = {"sources": [whole(outline(judgment))], "target": "驳回原告的其他诉讼请求。"}
    pair = encode_pair(row, tiny_tokenizer, 10_000)
    (source,) = pair.sources
    assert (source.ids[0], source.ids[-1]) == (CLS, SEP)
    assert len(source.ids) == len(source.segments)
    assert (source.segments[0], source.segments[-1]) == (0, 0)
    segments = list(source.segments[1:-1])
    assert segments == sorted(segments)  # sections never come back
    told = {SECTIONS[segment - 2] for segment in source.segments[1:-1]}
    assert {"head", "claim", "defence", "facts", "reasons", "ruling"} <= told


def test_a_long_source_is_cut_and_still_ends(tiny_tokenizer, judgment) -> None:
    row = {"sources": [whole(outline(judgment))], "target": "驳回。"}
    (source,) = encode_pair(row, tiny_tokenizer, 20).sources
    assert len(source.ids) == len(source.segments) == 20
    assert source.ids[-1] == SEP


def test_picked_clauses_are_those_above_the_threshold(tiny_tokenizer, judgment) -> None:
    clauses = outline(judgment)
    scores = np.zeros(len(clauses))
    scores[[2, 5]] = 0.9
    picked = pick(clauses, scores, tiny_tokenizer, threshold=0.5, max_tokens=500)
    assert picked == [[clauses[i].text, clauses[i].section] for i in (2, 5)]


CASE = """原告：{0}某甲，男。被告：{0}某乙，男。
原告{0}某甲与被告{0}某乙民间借贷纠纷一案，本院立案后公开开庭进行了审理，现已审理终结。
原告{0}某甲向本院提出诉讼请求：判令被告归还借款本金{1}000元及利息。
事实和理由：被告因经营需要向原告借款，到期后经多次催要至今没有归还。
被告{0}某乙辩称，借款属实，但已经归还一部分，现经济困难，请求分期归还。
经审理查明，被告于2016年3月5日向原告借款{1}000元，约定月利率百分之一，借款期限六个月。
借款到期后，被告没有归还，原告诉至本院。以上事实有借条及当事人陈述在案为凭。
本院认为，合法的借贷关系受法律保护。被告向原告借款的事实清楚，被告应当按约定归还借款并支付利息。
被告辩称已经归还一部分，没有提交证据，本院不予采信。
依照《中华人民共和国合同法》第二百零六条、第二百零七条之规定，判决如下：
被告{0}某乙于本判决生效之日起十日内归还原告{0}某甲借款本金{1}000元及利息。
案件受理费50元，由被告负担。
"""


def test_weak_rows_teach_copying_among_clauses_that_do_not_matter(tiny_tokenizer) -> None:
    cases = [CASE.format(name, amount) for name, amount in zip("张李王赵", "3579", strict=True)]
    found = list(
        weak_rows(
            [cases[0], "没有判决的文书。", *cases[1:]],
            tiny_tokenizer,
            count=3,
            max_tokens=900,
            seed=1,
        )
    )
    assert [row["kind"] for row in found] == ["weak"] * 3
    assert not any(row["held_out"] for row in found)
    for row in found:
        source = "".join(text for text, _ in row["sources"][0])
        assert "判决" in row["target"] and "归还" in row["target"]
        assert "归还原告借款本金" in source
        assert len(source) > len(row["target"]) / 2
    again = weak_rows([cases[0]], tiny_tokenizer, count=3, max_tokens=900, seed=1)
    assert next(again) == found[0]


def test_rows_on_disk(tmp_path) -> None:
    rows = [{"id": "甲", "sources": [[["原告", 1]]], "target": "驳回"}]
    write_rows(tmp_path / "rows.jsonl", rows)
    assert read_rows(tmp_path / "rows.jsonl") == rows


SOURCE = [
    ["原告诉称，", 1],
    ["被告借款后至今没有归还。", 1],
    ["本院认为，", 4],
    ["借款应当归还。", 4],
]


def test_what_the_source_gives_no_ground_for_is_not_learned() -> None:
    target = "原告诉称：被告至今没有归还，且已出国。被告辩称：生意失败。本院认为，借款应当归还。"
    assert supported(target, SOURCE, 0.6) == (
        "原告诉称：被告至今没有归还，本院认为，借款应当归还。"
    )
    assert supported(target, SOURCE, 0.0) == target
    assert supported("驳回上诉。", SOURCE, 0.6) == ""
