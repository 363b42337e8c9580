"""Plain text that was once pages: what needs no mending stays, and nothing but furniture goes."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spaces.documents.layout import close_up, is_page_number
from spaces.documents.mending import mend
from spaces.sentences import split_clauses

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "samples").glob("*.txt"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_clean_texts_stay(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert mend(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "　　原告张甲。\n\n　　被告李乙。  \n",
        "原告 被告 第三人\n甲 乙\n",
        "序号\n1\n2\n3\n",
        "- 1\n- 2\n",
        "1/2\n",
        # lines of one length that end sentences, rows of a table, and too few lines to tell
        "原告张甲向本院提出诉讼请求判令被告李乙归还借款本金。\n" * 5,
        "2017年3月5日    转账    50,000元    被告李乙    中国银行\n" * 5,
        "原告张甲向本院提出诉讼请求判令被告李乙归还借\n款本金及利息诉讼费用由被告李乙负担，另查明。\n",
    ],
)
def test_what_is_not_clearly_wrapped_stays(text) -> None:
    assert mend(text) == text


@pytest.mark.parametrize("width", [22, 28, 34, 40])
@pytest.mark.parametrize("indent", ["", "　　", "    "])
def test_wrapped_text_is_whole(sample, width, indent) -> None:
    paragraphs = sample.paragraphs * 3
    blocks = ["\n".join(sample.break_lines(indent + text, width)) for text in paragraphs]
    text = mend("\n".join(blocks) + "\n")
    expected = [clause.text.strip() for clause in split_clauses("\n".join(paragraphs))]
    assert [clause.text.strip() for clause in split_clauses(text)] == expected


def test_text_wrapped_by_count_of_characters(sample) -> None:
    text = "".join(sample.paragraphs[3:6])
    lines = [text[at : at + 38] for at in range(0, len(text), 38)]
    assert mend("\n".join(lines)) == text


def test_latin_words_stay_apart() -> None:
    text = "the quick brown fox jumps over the lazy\ndog and the quick brown fox jumps again\n" * 4
    assert mend(text) == text.replace("\n", " ").rstrip() + "\n"


@pytest.mark.parametrize("number", ["—{}—", "- {} -", "第{}页", "第 {} 页 共 3 页", "Page {} of 3"])
def test_page_numbers_and_headers(sample, number) -> None:
    """Also where a page border cuts a sentence, and where a header follows each number."""
    halves = [paragraph[:45] for paragraph in sample.paragraphs[3:6]]
    rests = [paragraph[45:] for paragraph in sample.paragraphs[3:6]]
    pages = [halves[0], f"{rests[0]}\n{halves[1]}", f"{rests[1]}\n{halves[2]}", rests[2]]
    whole = "\n".join(sample.paragraphs[3:6])
    seams = [f"\n\n{number.format(page)}\n{sample.court}\n\n" for page in (1, 2, 3)]
    for furnished in (seams, [seam.replace(sample.court, "") for seam in seams]):
        text = "".join(part for pair in zip(pages, [*furnished, ""], strict=True) for part in pair)
        assert mend(text) == whole


def test_form_feeds_are_page_borders(sample) -> None:
    pages = [f"{sample.court}\n{text}\n{n}\n" for n, text in enumerate(sample.paragraphs[3:6], 1)]
    assert mend("\f".join(pages)) == "\n".join(sample.paragraphs[3:6])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("民 事 判 决 书", "民事判决书"),
        ("　　民　事　判　决　书", "　　民事判决书"),
        ("审  判  长   闵清和", "审判长   闵清和"),
        ("二 〇 一 八 年 三 月", "二〇一八年三月"),
        ("书 记 员\u3000尹 小 棠", "书记员\u3000尹小棠"),
        ("甲 乙", "甲 乙"),
        ("原告 张 某 诉称，甲 乙 丙 到庭", "原告 张 某 诉称，甲 乙 丙 到庭"),
        ("a b c d", "a b c d"),
    ],
)
def test_spaced_titles(line, expected) -> None:
    assert close_up(line) == expected


# Pieces that come close to what the rules look for, put together at random.
PIECES = st.sampled_from(
    [
        "民 事 判 决 书",
        "—1—",
        "第 2 页 共 5 页",
        "3",
        "\f",
        "\n",
        "\n\n",
        "　　",
        " ",
        "，",
        "。",
        "：",
        "”",
    ]
    + [
        "原告张甲向本院提出诉讼请求判令被告归还借款",
        "甲 乙 丙",
        "2018",
        "ab",
        "- 4 -",
        "澜州市法院",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(st.lists(PIECES, max_size=6).map("".join), max_size=15).map("\n".join),
    # wrapped: any characters, in lines of nearly one width
    st.tuples(st.text("甲乙丙，。12 ", max_size=400), st.integers(19, 70)).map(
        lambda pair: "\n".join(pair[0][at : at + pair[1]] for at in range(0, len(pair[0]), pair[1]))
    ),
)


def bare(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example("—1—\n—2—\n" * 3)
def test_mended_once_is_mended(text) -> None:
    assert mend(mend(text)) == mend(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_only_furniture_is_lost(text) -> None:
    """What is left is the text in its order; what went are whole lines at the borders of pages."""
    rest = bare(mend(text))
    lines = [bare(line) for line in re.split("[\n\f]", text)]
    if "\f" not in text and not any(is_page_number(line) for line in text.split("\n")):
        assert rest == "".join(lines)
        return
    places = {0}  # in `rest`: where the lines so far may end
    for line in lines:
        page_number = is_page_number(line) or re.fullmatch(r"\d+(/\d+)?", line)
        stays = {place + len(line) for place in places if rest.startswith(line, place)}
        places = stays | places if page_number or lines.count(line) > 1 else stays
    assert len(rest) in places


def test_long_texts_take_little_time(sample) -> None:
    start = time.perf_counter()
    for text in (
        "\n".join(sample.break_lines("".join(sample.paragraphs) * 20, 30)),
        "甲 " * 20_000,
        "—1—\n" * 20_000,
        " \n" * 10_000,
        "。" * 20_000,
    ):
        mend(text)
    assert time.perf_counter() - start < 5
