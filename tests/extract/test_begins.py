"""Where in a clause copying may begin."""

from __future__ import annotations

import time

import pytest

from spaces.extract.begins import bar_begins
from spaces.sections import SECTIONS

HEAD, REASONS = SECTIONS.index("head"), SECTIONS.index("reasons")
CONNECTING = (
    "故 因此 因而 现 综上 综上所述 据此 为此 但 并 且 而 另 同时 依法 本院 我方 特 法院 人民法院 "
    "请求 要求 申请 诉请 恳请 起诉 诉至 判令 判决 裁决 请求法院依法判令"
)
CUES = "请求 诉求 判令 判决 诉称 辩称 认为 查明 认定 如下 依照 依据 根据 提出"


def mark(text: str, section: int = REASONS) -> str:
    """The text with a bar before each letter that a run may begin at."""
    barred = bar_begins(text, section)
    return "".join(c if no else f"|{c}" for c, no in zip(text, barred, strict=True))


@pytest.mark.parametrize(
    "marked",
    [
        "|1|、|乙还款|。",
        "|（|2|）|、|乙还款|。",
        "|十|二|、|乙还款|。",
        "|第|一|，|乙还款|。",
        "|，|3|.|请|求|付息|；",
        "|故|、|乙应还款|。",
        "|甲诉求|、|乙还款|。",
        "|甲诉称|乙欠款请求|付息|。",  # each cue
        "|乙还款|，| |\n",
        "|第四人民法院已受理|。",  # no number of an item
        "|2019.3乙借款3000元|；",
        "|减去杨某1已付的2000元|，",
        "|甲、乙公司的丙还款|。",
        "|对于尚未退货的商品|，",
        "|乙还款",
    ],
)
def test_within_a_clause_copying_begins_behind_what_may_be_passed_over(marked):
    text = marked.replace("|", "")
    for section in range(HEAD + 1, len(SECTIONS)):
        assert mark(text, section) == marked
    assert mark(text, HEAD) == "".join(f"|{c}" for c in text)  # there it begins anywhere


@pytest.mark.parametrize("word", CONNECTING.split())
def test_behind_words_that_connect_or_ask(word):
    assert mark(f"{word}乙还款。") == "".join(f"|{c}" for c in word) + "|乙还款|。"
    if word not in CUES.split() and not word.endswith("判令"):
        assert mark(f"乙{word}丙还款。") == f"|乙{word}丙还款|。"  # not at the head


@pytest.mark.parametrize("cue", CUES.split())
def test_behind_the_words_that_a_cue_of_the_summary_stands_for(cue):
    assert mark(f"甲{cue}、乙还款。") == f"|甲{cue}|、|乙还款|。"
    assert mark(f"甲{cue}：") == f"|甲{cue}|："


def test_an_empty_clause_has_no_letter_to_begin_at():
    assert bar_begins("", REASONS) == bar_begins("", HEAD) == []


@pytest.mark.parametrize("part", ["甲", "，", " ", "1", "故", "判决", "称 ", "。\n", "请求，"])
def test_a_long_clause_takes_linear_time(part):
    text = (part * 200_000)[:200_000]
    start = time.perf_counter()
    for end in ("", "乙"):
        assert len(bar_begins(text + end, REASONS)) == len(text + end)
    assert time.perf_counter() - start < 3


def test_a_summary_copies_from_heads_and_marks_on(tiny_summarizer):
    behind = set()
    for times in (2, 3, 4):
        text = "本院认为，" + "合同借款由被告归还原告本金。" * times
        for span in tiny_summarizer.summarize(text).spans:
            if span.kind == "copied":
                behind.add(text[max(span.source_start - 1, 0) : span.source_start + 1])
    assert len(behind) > 1
    assert all(set("，。") & set(pair) or pair == "本" for pair in behind), behind


def test_no_copied_words_begin_with_the_mark_before_a_clause_that_leans(tiny_summarizer):
    begun = set()
    for times in (2, 3):
        text = "本院认为，" + "被告借款，但不归还。" * times
        for span in tiny_summarizer.summarize(text).spans:
            if span.kind == "copied":
                begun.add(text[span.source_start :][:2])
    assert begun
    assert "，但" not in begun
