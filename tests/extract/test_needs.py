"""Clauses that are not told without another of their sentence."""

from __future__ import annotations

import time

import numpy as np
import pytest

from spaces.extract.needs import leads_on, share_needs
from spaces.extract.sharing import share_probabilities
from spaces.sections import SECTIONS

HEAD, CLAIM, DEFENCE, FACTS, REASONS, RULING, TAIL = range(len(SECTIONS))
COURTS = (FACTS, REASONS)
SAID, UNSAID = "该批设备验收合格，", "不存在质量瑕疵。"
CONDITION, THEN = "租期届满后，", "丙拒绝搬离。"


def needs(given: list[float], *texts: str, section: int = REASONS) -> list[float]:
    return share_needs(given, texts, [section] * len(texts)).tolist()


# (needed, clause): what they are then
BOTH_OR_NEITHER = [
    ((0.05, 0.6), (0.05, 0.05)),  # the needed one improbable: neither
    ((0.05, 0.79), (0.05, 0.05)),
    ((0.1, 0.6), (0.6, 0.6)),  # it is not: both
    ((0.05, 0.8), (0.8, 0.8)),  # the clause nearly certain: both
]


@pytest.mark.parametrize(("given", "expected"), BOTH_OR_NEITHER)
@pytest.mark.parametrize(
    ("needed", "clause", "sections"),
    [
        (SAID, UNSAID, (DEFENCE, *COURTS)),
        (SAID, "无法正常使用。", COURTS),
        (SAID, "且丁公司已付款。", COURTS),
        (SAID, "其中设备款已付。", COURTS),
        (SAID, "与样品一致。", COURTS),
        (SAID, "违反安全标准。", COURTS),
        (SAID, "与设备故障存在因果关系。", COURTS),
        (SAID, "减去已付的二千元。", COURTS),
        (SAID, "即四万元。", COURTS),
        (SAID, "剩余设备已退还。", (DEFENCE, *COURTS)),
        ("根据丙的陈述，", "设备已损坏。", COURTS),
        (" 该批设备验收合格， ", " 不存在质量瑕疵。\n", COURTS),
        (CONDITION, THEN, COURTS),
        ("在不影响他人的前提下，", THEN, COURTS),
        ("丁公司付款但就违约金有异议，", THEN, COURTS),
        ("关于违约金，", "双方约定过高。", COURTS),
        ("其中就违约金部分，", "双方约定过高。", COURTS),
        ("丙主张设备已损坏，", "丁公司予以否认。", COURTS),
        ("至于丙提出的维修问题，", "丁公司予以否认。", COURTS),
    ],
)
def test_a_clause_is_told_with_what_stands_before_it(needed, clause, sections, given, expected):
    for section in sections:
        assert needs([*given], needed, clause, section=section) == [*expected]


@pytest.mark.parametrize(("given", "expected"), BOTH_OR_NEITHER)
@pytest.mark.parametrize(
    ("opener", "sections"),
    [
        ("因涉嫌职务侵占罪，", (HEAD,)),
        ("由于丁公司未举证，", (HEAD, CLAIM, DEFENCE, *COURTS)),
        ("虽双方签有补充协议，", (CLAIM, *COURTS)),
        ("如丁公司逾期，", COURTS),
        ("对于丙的请求，", COURTS),
        ("故关于维修费用，", COURTS),
        ("租赁期间，", COURTS),
        ("结合丙所述的事实，", COURTS),
        ("丁公司作为出租人，", COURTS),
        ("丁公司交货时虽已逾期，", (CLAIM, DEFENCE, *COURTS)),
        ("丙既主张合同成立，", COURTS),
        ("丙于5月6日在丁公司的网店，", (CLAIM, *COURTS)),
        ("丁公司辩称，", COURTS),
        (CONDITION, COURTS),
    ],
)
def test_an_opener_is_told_with_what_stands_behind_it(opener, sections, given, expected):
    for section in sections:
        assert needs([*given[::-1]], opener, THEN, section=section) == [*expected[::-1]]


@pytest.mark.parametrize(
    "texts",
    [
        (SAID[:-1] + "。", UNSAID),  # another sentence
        (SAID[:-1] + "；", UNSAID),
        ("丙主张设备已损坏。", "丁公司予以否认。"),
        ("租期届满后；", THEN),
        ("庭审中，", UNSAID),  # nobody to miss
        ("次日，", UNSAID),
        ("2019年3月5日，", UNSAID),
        ("根据《租赁合同》第六条，", UNSAID),
        (SAID, "未来另行协商。"),  # not those words
        (SAID, "已故者的份额另计。"),
        (SAID, "系统运行稳定。"),
        (SAID, "与原告无关。"),
        (SAID, "对此双方认可。"),
        (SAID, "为了周转而转售。"),
        (SAID, "应收款已结清。"),
        (SAID, "丁公司付款。"),
        (SAID, "即将到期。"),
        (SAID, "共同所有。"),
        ("本院认为丁公司违约，", "合同应予解除。"),  # the court's own words
    ],
)
def test_what_stands_by_itself_needs_nothing(texts):
    assert needs([0.05, 0.6], *texts) == [0.05, 0.6]


def test_what_leads_on_is_known_in_its_section_only():
    texts = ["由于丙未付款，", "对于租金，", "应予支持。", "因合同到期，", "由于丙未付款，"]
    kinds = [REASONS, REASONS, REASONS, RULING, REASONS]
    assert leads_on(texts, kinds) == [True, True, False, False, False]
    assert leads_on(texts[:2], [FACTS, REASONS]) == [False, False]
    assert leads_on([], []) == []


def test_nothing_is_asked_for_the_less_likely():
    assert needs([0.7, 0.6], SAID, UNSAID) == [0.7, 0.6]
    assert needs([0.7, 0.6], "丙主张设备已损坏，", "丁公司予以否认。") == [0.7, 0.6]
    assert needs([0.6, 0.7], "由于丁公司未举证，", THEN) == [0.6, 0.7]


@pytest.mark.parametrize(
    "texts",
    [
        ("由于丁公司未举证。", THEN),
        ("因此双方解约，", THEN),
        ("既有协议已失效，", THEN),
        ("如下费用已付，", THEN),
        ("对，", THEN),
    ],
)
def test_what_opens_nothing_needs_nothing(texts):
    assert needs([0.6, 0.05], *texts) == [0.6, 0.05]


@pytest.mark.parametrize(
    ("texts", "given", "sections"),
    [
        *(((SAID, UNSAID), (0.05, 0.6), [s] * 2) for s in (HEAD, CLAIM, RULING, TAIL)),
        *(((CONDITION, THEN), (0.05, 0.6), [s] * 2) for s in (HEAD, CLAIM, DEFENCE, RULING, TAIL)),
        *((("关于租金，", THEN), (0.05, 0.6), [s] * 2) for s in (HEAD, CLAIM, DEFENCE, RULING)),
        *(((CONDITION, THEN), (0.6, 0.05), [s] * 2) for s in (RULING, TAIL)),
        ((SAID, UNSAID), (0.05, 0.6), [FACTS, REASONS]),  # from one into the other
        ((CONDITION, THEN), (0.05, 0.6), [FACTS, REASONS]),
        ((CONDITION, THEN), (0.6, 0.05), [FACTS, REASONS]),
    ],
)
def test_other_sections_stay_as_they_are(texts, given, sections):
    assert share_needs(given, texts, sections).tolist() == [*given]


def test_an_earlier_clause_of_the_sentence_may_say_what_is_spoken_of():
    texts = ["丁公司交付设备，", "丙当场签收确认，", UNSAID]
    assert needs([0.6, 0.05, 0.6], *texts) == [0.6, 0.05, 0.6]
    assert needs([0.5, 0.05, 0.6], *texts) == [0.5, 0.05, 0.05]
    stopped = ["丁公司交付设备。", "丙当场签收确认，", UNSAID]
    assert needs([0.6, 0.05, 0.6], *stopped) == [0.6, 0.05, 0.05]
    # nothing is asked behind a frame, but of what stands between
    assert needs([0.05, 0.05, 0.6], "庭审中，", *texts[1:]) == [0.05, 0.05, 0.05]
    assert needs([0.05, 0.05, 0.6], texts[0], "庭审中，", texts[2]) == [0.05, 0.05, 0.05]


def test_what_something_holds_of_is_needed_within_a_sentence_too():
    texts = ["丁公司已付款，", "就违约金部分，", "双方约定过高。"]
    assert needs([0.7, 0.05, 0.6], *texts) == [0.7, 0.05, 0.05]
    assert needs([0.7, 0.1, 0.6], *texts) == [0.7, 0.6, 0.6]


def test_whose_words_a_sentence_tells_is_needed_far_behind():
    texts = ["丙主张设备已损坏，", "丁公司派人查看，", "丁公司予以否认。", "丁公司已付款。"]
    assert needs([0.2, 0.05, 0.6, 0.9], *texts) == [0.6, 0.05, 0.6, 0.9]
    assert needs([0.05, 0.05, 0.6, 0.9], *texts) == [0.05, 0.05, 0.05, 0.9]


def test_what_is_needed_has_needs_of_its_own():
    before = ["丁公司交付设备，", "且由丙担保，", "仍未获得付款。"]
    assert needs([0.2, 0.3, 0.6], *before) == [0.6, 0.6, 0.6]
    behind = ["由于丙未举证，", "鉴于证据不足，", "丁公司付款。"]
    assert needs([0.6, 0.2, 0.1], *behind) == [0.6, 0.6, 0.6]


def test_it_is_asked_of_all_clauses_that_are_kept_or_left_out():
    shared = share_probabilities([0.05, 0.6], [SAID, UNSAID], [REASONS] * 2)
    assert shared.tolist() == [0.05, 0.05]


def test_a_copy_is_given_back():
    assert share_needs([], [], []).tolist() == []
    given = np.array([0.05, 0.6], np.float32)
    shared = share_needs(given, [SAID, UNSAID], [REASONS] * 2)
    assert shared.dtype == np.float32
    assert given.tolist() != shared.tolist()


def test_the_court_itself_says_nothing_of_a_subject():
    """本院认为 is likely and names nobody."""
    texts = ["本院认为，", SAID, UNSAID]
    assert needs([0.9, 0.2, 0.6], *texts) == [0.9, 0.6, 0.6]
    assert needs([0.9, 0.05, 0.6], *texts) == [0.9, 0.05, 0.05]
    assert needs([0.9, 0.6], texts[0], UNSAID) == [0.9, 0.6]


@pytest.mark.parametrize(("given", "expected"), BOTH_OR_NEITHER)
@pytest.mark.parametrize(
    "halves",
    [
        ("丙主张设备已损坏，", "但未提交证据。"),
        ("丁公司辩称已付款，", "然而并无凭证。"),
        ("租金三万元予以支持，", "超出部分不予支持。"),
        ("租金应予支持；", "对过高部分不予支持。"),
    ],
)
def test_what_the_court_says_has_two_halves(halves, given, expected):
    for section in COURTS:
        assert needs([*given[::-1]], *halves, section=section) == [*expected[::-1]]
    assert needs([0.6, 0.05], *halves, section=CLAIM) == [0.6, 0.05]


def test_a_plea_that_nothing_is_said_against_stands_by_itself():
    assert needs([0.6, 0.05], "丙主张设备已损坏。", "但丁公司已付款。") == [0.6, 0.05]
    assert needs([0.6, 0.05], "予以支持。", "超出部分不予支持。") == [0.6, 0.05]


def test_what_is_refused_far_behind_is_told_with_what_is_granted():
    texts = ["租金予以支持，", "按月计三万元，", "超出部分及利息，", "于法无据，", "不予支持。"]
    assert needs([0.9, 0.3, 0.05, 0.1, 0.1], *texts) == [0.9, 0.3, 0.9, 0.1, 0.9]
    assert needs([0.6, 0.3, 0.05, 0.1, 0.1], *texts) == [0.05, 0.3, 0.05, 0.1, 0.1]
    parted = [*texts[:1], "按月计三万元。", *texts[2:]]
    assert needs([0.9, 0.3, 0.05, 0.1, 0.1], *parted) == [0.9, 0.3, 0.05, 0.1, 0.1]


def test_a_thing_that_is_pointed_to_is_named():
    texts = ["丙留有遗嘱。", "双方系兄弟。", "该遗嘱有效。"]
    assert needs([0.2, 0.1, 0.6], *texts) == [0.6, 0.1, 0.6]
    assert needs([0.05, 0.1, 0.9], *texts) == [0.9, 0.1, 0.9]
    # improbable: the clause stays all the same, since the thing may be known
    assert needs([0.05, 0.1, 0.6], *texts) == [0.05, 0.1, 0.6]
    assert needs([0.2, 0.1, 0.6], *texts, section=CLAIM) == [0.6, 0.1, 0.6]
    # named already, in the same clause or in another section, or too far away
    assert needs([0.2, 0.7, 0.6], texts[0], "遗嘱由丁见证。", texts[2]) == [0.2, 0.7, 0.6]
    assert needs([0.2, 0.6], texts[0], "丙的遗嘱有瑕疵但该遗嘱有效。") == [0.2, 0.6]
    assert share_needs([0.2, 0.6], texts[::2], [FACTS, REASONS]).tolist() == [0.2, 0.6]
    far = [texts[0], *["双方系兄弟。"] * 6, texts[2]]
    assert needs([0.2, *[0.1] * 6, 0.6], *far) == [0.2, *[0.1] * 6, 0.6]


@pytest.mark.parametrize("told", ["丙应该遗嘱公证。", "该事实清楚。", "该行的遗嘱有效。"])
def test_words_that_point_to_no_thing(told):
    texts = ["丙留有遗嘱，事实清楚，行的。", told]
    assert needs([0.2, 0.6], *texts) == [0.2, 0.6]


def test_a_chain_that_leans_is_left_out_from_its_beginning():
    """What was raised for the clause behind it is lowered with it."""
    texts = ["丁公司未根据裁判，", "及时撤销记录，", "致使丙受损，"]
    assert needs([0.05, 0.6, 0.6], *texts) == [0.05, 0.05, 0.05]


@pytest.mark.parametrize(
    "text", [SAID, "该设备损坏，", "仍不付款，", "由于丙，", CONDITION, "至于丙主张付款，"]
)
def test_a_long_judgment_takes_linear_time(text):
    given = np.random.default_rng(1).random(20_000)
    start = time.perf_counter()
    shared = share_needs(given, [text] * 20_000, [REASONS] * 20_000)
    assert time.perf_counter() - start < 4
    assert len(shared) == 20_000


@pytest.mark.parametrize("part", ["甲", "对于", "主张", "期间", "就", "2019年", "因"])
def test_a_long_clause_takes_linear_time(part):
    clause = (part * 100_000)[:100_000]
    start = time.perf_counter()
    for end in "，。":
        share_needs([0.05, 0.2, 0.6], [SAID, clause + end, UNSAID], [REASONS] * 3)
        share_needs([0.2, 0.6], [clause + end, UNSAID], [REASONS] * 2)
    assert time.perf_counter() - start < 2
