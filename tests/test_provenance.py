"""Spans tile the summary, and a copied span is the judgment's own characters, whatever was
generated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.provenance import Extract, ScoredClause, Span, Summary, render

COPIED, GENERATED = "copied", "generated"


@dataclass
class Hypothesis:
    tokens: list[int]
    tags: list[int]
    positions: list[int]


class Pieces:
    """A tokenizer with the pieces it was given; the first five are special."""

    all_special_ids = (0, 1, 2, 3, 4)

    def __init__(self, *pieces: str) -> None:
        self.pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces)

    def convert_ids_to_tokens(self, ids: int) -> str:
        return self.pieces[ids]


def check(judgment: str, text: str, spans: list[Span]) -> None:
    """The contract: spans tile the text, copied ones are the judgment to the letter."""
    assert [s.start for s in spans] == [0, *(s.end for s in spans)][: len(spans)]
    assert (spans[-1].end if spans else 0) == len(text)
    for before, span in zip([None, *spans], spans, strict=False):
        assert span.start < span.end
        if span.kind == COPIED:
            assert judgment[span.source_start : span.source_end] == text[span.start : span.end]
        else:
            assert span.source_start is None and span.source_end is None
            assert before is None or before.kind == COPIED, "neighbouring generated spans are one"
    text.encode("utf-8")


def copy(judgment: str, *places: tuple[int, int], segments=None) -> tuple[str, list[Span]]:
    """Render one copied run over tokens at `places` of the extract."""
    extract = Extract.of(judgment, segments or [(0, len(judgment))])
    positions = list(range(1, len(places) + 1))
    hypothesis = Hypothesis([5] * len(places), [1] + [2] * (len(places) - 1), positions)
    return render(hypothesis, [(0, 0), *places, (0, 0)], extract, judgment, Pieces("x"))


def test_extract_joins_neighbours_and_finds_places() -> None:
    extract = Extract.of("甲，乙，丙，丁。", [(0, 2), (2, 4), (6, 8)])
    assert extract == Extract("甲，乙，丁。", ((0, 4), (6, 8)))
    assert list(extract.places(2, 5)) == [(2, 4), (6, 7)]
    assert list(extract.places(4, 4)) == []


def test_copied_and_generated_tokens() -> None:
    judgment = "本院认为：合法"
    hypothesis = Hypothesis([5, 6, 7, 8], [1, 2, 0, 0], [1, 2, -1, -1])
    offsets = [(0, 0), (0, 2), (2, 4), (0, 0)]
    pieces = Pieces("本院", "认为", "被告", ",")
    text, spans = render(hypothesis, offsets, Extract.of(judgment, [(0, 7)]), judgment, pieces)
    assert text == "本院认为被告，"
    assert spans == [Span(0, 4, COPIED, 0, 4), Span(4, 7, GENERATED)]
    check(judgment, text, spans)


def test_copied_characters_keep_their_form() -> None:
    judgment = "ＡＢＣ公司BigCo，￥１２"
    text, spans = copy(judgment, (0, 3), (3, 5), (5, 10), (10, 11), (11, 14))
    assert text == judgment
    assert spans == [Span(0, 14, COPIED, 0, 14)]


def test_white_space_controls_and_surrogates_are_left_out() -> None:
    judgment = "甲 乙\n\u3000丙\x00丁\ud800戊"
    text, spans = copy(judgment, (0, 1), (2, 3), (5, 6), (6, 10))
    assert text == "甲乙丙丁戊"
    assert [(s.source_start, s.source_end) for s in spans] == [
        (0, 1), (2, 3), (5, 6), (7, 8), (9, 10)
    ]  # fmt: skip
    check(judgment, text, spans)


def test_one_space_between_latin_letters_stays() -> None:
    assert copy("由 Big Co 付 5 元", (0, 1), (2, 5), (6, 8), (9, 10), (11, 12), (13, 14))[0] == (
        "由Big Co付5元"
    )


def test_a_run_over_the_border_of_two_clauses_is_two_spans() -> None:
    judgment = "甲，乙，丙，"
    text, spans = copy(judgment, (0, 2), (2, 4), segments=[(0, 2), (4, 6)])
    assert (text, spans) == ("甲，丙，", [Span(0, 2, COPIED, 0, 2), Span(2, 4, COPIED, 4, 6)])


def test_runs_that_are_neighbours_in_the_judgment_are_one_span() -> None:
    hypothesis = Hypothesis([5, 5], [1, 1], [1, 2])
    text, spans = render(
        hypothesis, [(0, 0), (0, 1), (1, 2)], Extract.of("甲乙", [(0, 2)]), "甲乙", Pieces("x")
    )
    assert (text, spans) == ("甲乙", [Span(0, 2, COPIED, 0, 2)])


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["判决", ":", "一", ",", "驳回"], "判决：一，驳回"),
        (["1", "6", ",", "5", "0", "6", "元"], "16,506元"),
        (["(", "2", "0", "1", "9", ")", "京"], "(2019）京"),
        (["请求", ":", "(", "1", ")", "付款", ";"], "请求：（1）付款；"),
        (["big", ",", "co"], "big,co"),
        (["原告", "?", "!"], "原告？！"),
    ],
)
def test_generated_punctuation_gets_its_full_width_back(pieces, expected) -> None:
    ids = list(range(5, 5 + len(pieces)))
    hypothesis = Hypothesis(ids, [0] * len(ids), [-1] * len(ids))
    text, spans = render(hypothesis, [], Extract("", ()), "", Pieces(*pieces))
    assert text == expected
    assert spans == [Span(0, len(expected), GENERATED)]


def test_special_and_empty_tokens_write_nothing() -> None:
    hypothesis = Hypothesis([1, 3, 5, 5], [0, 0, 0, 1], [-1, -1, -1, 0])
    text, spans = render(hypothesis, [(0, 0)], Extract("", ()), "", Pieces("字"))
    assert (text, spans) == ("字字", [Span(0, 2, GENERATED)])
    assert render(Hypothesis([], [], []), [], Extract("", ()), "", Pieces()) == ("", [])


@st.composite
def cases(draw):
    """A judgment, stretches of it as an extract, tokens with rising offsets, any hypothesis."""
    letters = st.sampled_from(
        list("甲乙，。：,:()12Ａａbc \n\t\u3000\x00\x1f\u200b\U0001f600\ud800㎡")
    )
    judgment = draw(st.text(letters, min_size=1, max_size=40))
    cuts = sorted(draw(st.sets(st.integers(0, len(judgment)), max_size=8)))
    extract = Extract.of(judgment, list(zip(cuts, cuts[1:], strict=False))[::2])
    ends = sorted(draw(st.lists(st.integers(0, len(extract.text)), max_size=24)))
    offsets = [(0, 0), *zip(ends, ends[1:], strict=False), (0, 0)]
    size = draw(st.integers(0, 12))
    positions: list[int] = []
    for _ in range(size):
        go_on = positions and 0 <= positions[-1] < len(offsets) - 1 and draw(st.booleans())
        positions.append(positions[-1] + 1 if go_on else draw(st.integers(-1, len(offsets) - 1)))
    tokens = draw(st.lists(st.integers(0, 11), min_size=size, max_size=size))
    return judgment, extract, offsets, Hypothesis(tokens, [0] * size, positions)


@given(cases())
def test_the_equality_holds_for_any_hypothesis(case) -> None:
    judgment, extract, offsets, hypothesis = case
    pieces = Pieces("被告", ",", ":", "(", "1", "a", "。")
    text, spans = render(hypothesis, offsets, extract, judgment, pieces)
    check(judgment, text, spans)


def test_records() -> None:
    summary = Summary(
        "甲乙",
        (Span(0, 1, COPIED, 4, 5), Span(1, 2, GENERATED)),
        (ScoredClause(0, 9, 0.25, True),),
        ("A warning.",),
    )
    assert json.loads(json.dumps(summary.to_dict())) == {
        "summary": "甲乙",
        "spans": [
            {"start": 0, "end": 1, "kind": "copied", "source_start": 4, "source_end": 5},
            {"start": 1, "end": 2, "kind": "generated"},
        ],
        "clauses": [{"start": 0, "end": 9, "score": 0.25, "kept": True}],
        "warnings": ["A warning."],
    }
