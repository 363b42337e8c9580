"""Marks and cues where two runs meet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spaces.generate.beam import Hypothesis
from spaces.generate.copying import BEGIN, INSIDE, OUTSIDE
from spaces.generate.joints import CLAUSES, NOTHING, SENTENCE, Joints
from spaces.generate.tokenizer import FIRST_SECTION
from spaces.sections import SECTIONS

# one piece per character and a few words, marks of half width as the tokenizer has them
WORDS = ["被告", "辩称", "经审理查明", "本院认为", "依照", "未答辩", "未到庭", "原告"]
WORDS += [
    "原告提出诉求",
    "原被告系",
    "原告与被告",
    "本院经审理认定",
    "本院认定",
    "本院确认",
    "事实如下",
    "根据",
    "按照",
    "请求",
    "纠纷",
    "公诉机关指控",
    "支持",
    "中华人民共和国",
    *"123.",
]
WORDS += [
    "庭审",
    "判决",
    "驳回",
    "综上",
    "综上所述",
    "因此",
    "并且",
    "诉",
    "一案",
    "欠款",
    "还款",
    "开庭",
    "如下",
    "判决如下",
    "规定",
    "诉讼请求",
    "理由",
    "且",
    "因",
    "第",
    "项",
    "三",
    "对",
    "、还",
    *"()“”?",
]
PIECES = [*"欠款元还张某甲乙丙故障车事中未一二。,;:、《》法向本院提出", *WORDS]


def hypothesis(*runs: str, truncated: bool = False) -> Hypothesis:
    """Each run is copied from somewhere, unless it begins with a plus sign: that is generated."""
    tokens, tags, positions = [], [], []
    where = 0
    for run in runs:
        generated = run.startswith("+")
        for k, piece in enumerate(run.lstrip("+").split()):
            tokens.append(PIECES.index(piece))
            tags.append(0 if generated else 1 if k == 0 else 2)
            positions.append(-1 if generated else where + k)
        where += 100
    return Hypothesis(tokens, tags, positions, score=-0.5, truncated=truncated)


def mended(*runs: str, **more) -> str:
    found = Joints(PIECES).mend(hypothesis(*runs, **more))
    assert len(found.tokens) == len(found.tags) == len(found.positions)
    return "".join(PIECES[i] for i in found.tokens)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("欠 款 ;", "+被告 辩称 :", "还 。"), "欠款。被告辩称:还。"),
        (("欠 款 ,", "+被告 未答辩 。"), "欠款。被告未答辩。"),
        (("欠 款 ,", "依照 法 。"), "欠款。依照法。"),
        (("欠 款 。", "+本院确认", "事实如下 :", "+本院认为 ,", "还 。"), "欠款。本院认为,还。"),
        (("欠 款 。", "+依照", "《 张 某 》", "+。 本院认为 ,", "还 。"), "欠款。本院认为,还。"),
        (("+原告与被告 。", "+原告提出诉求 :", "还 款 。"), "原告提出诉求:还款。"),
        (("+原告提出诉求 :", "向 本 院 提 出 请求 还 款 。"), "原告向本院提出请求还款。"),
        (("支持", "依照 《 中华人民共和国 法 》 。"), "支持。依照《中华人民共和国法》。"),
        (("支持", "+根据", "《 中华人民共和国 法 》 。"), "支持。根据《中华人民共和国法》。"),
        (
            ("欠 款 。", "+经审理查明 ,", "依照 《 中华人民共和国 法"),
            "欠款。依照《中华人民共和国法",
        ),
        (("本院认为 ,", "依照 法 。"), "本院认为,依照法。"),
        (("+经审理查明 ,", "本院认为 , 还 。"), "本院认为,还。"),
        (("+被告 辩称 ,", "被告 张 某 甲 辩称 , 还 。"), "被告张某甲辩称,还。"),
        (("+经审理查明 :", "+:", "欠 款 。"), "经审理查明:欠款。"),
        (("欠 款 。", "+经审理查明 。", "还 。"), "欠款。还。"),
        (("欠 款 。", "+经审理查明", ";", "还 。"), "欠款。经审理查明,还。"),
        (("欠 款 ,", "+经审理查明 。 本院认为 ,", ", 还 。"), "欠款。本院认为,还。"),
        (("欠 款 。", "+经审理查明 ,", "被告 甲 辩称 , 还 。"), "欠款。被告甲辩称,还。"),
        (("+经审理查明 :", ": 本院认为 , 还 。"), "本院认为,还。"),
        (("欠 款 。", "+被告 张 某 辩称 ,", "被告 甲 辩称 , 还 。"), "欠款。被告甲辩称,还。"),
        (("还 。 被告 甲 辩称 ,", "被告 乙 未到庭 。"), "还。被告乙未到庭。"),
        (("+原告提出诉求 ,", "被告 乙 未到庭 。"), "被告乙未到庭。"),
        # that the other one has not paid is what he says
        (("还 。 被告 甲 辩称 ,", "被告 乙 未 还 。"), "还。被告甲辩称,被告乙未还。"),
        (("+本院经审理认定 事实如下 :", "本院认为 , 还 。"), "本院认为,还。"),
        (("+本院认定 事实如下 :", "本院认为 , 还 。"), "本院认为,还。"),
        (("+原被告系", "原告 甲 欠 款 。"), "原告甲欠款。"),
        (("+原告与被告", "原告 甲 欠 款 。"), "原告甲欠款。"),
        (("欠 款 。 原告 ,", "原告 甲 还 。"), "欠款。原告甲还。"),
        (("甲 还 原告 ,", "原告 甲 欠 款 。"), "甲还原告,原告甲欠款。"),  # whom he paid
        (("欠 款 ,", "+。"), "欠款。"),
        (("欠 款 。", "还 款 ;"), "欠款。还款。"),
        # statutes that are not there, and words that end so
        (("欠 款 。", "+依照 。", "本院认为 , 还 。"), "欠款。本院认为,还。"),
        (("还 款 未 依照 。", "本院认为 , 还 。"), "还款未依照。本院认为,还。"),
        # openings that name no relation
        (("+原被告系", "欠 款 。", "甲 还 。"), "甲还。"),
        (("+原被告系", "欠 款 , 还 。"), "欠款,还。"),
        (("+原被告系", "欠 款 纠纷 。", "甲 还 。"), "原被告系欠款纠纷。甲还。"),
        (("+原告提出诉求 ,", "原告 请求 还 。"), "原告请求还。"),
        # what is concluded from nothing that is told
        (("被告 辩称 ,", "故 原告 还款 。"), "被告辩称,原告还款。"),
        (("+原告提出诉求 :", "因此 原告 还款 。"), "原告提出诉求:原告还款。"),
        (("本院认为 ,", "故 被告 还款 。"), "本院认为,被告还款。"),
        (("欠 款 ; 综上 ,", "被告 乙 未到庭 。"), "欠款。被告乙未到庭。"),
        # a claim of nothing, and what was broken off before the court speaks
        (("+原告提出诉求 :", "本院认为 , 还 。"), "本院认为,还。"),
        (("+原告提出诉求 :", "+经审理查明 ,", "欠 款 。"), "经审理查明,欠款。"),
        (("欠 款 。", "+原告", "本院认为 , 还 。"), "欠款。本院认为,还。"),
        (("欠 款 , 故 对 甲 未", "+本院认为 , 还 。"), "欠款。本院认为,还。"),
        (("欠 款 , 甲 未", "+本院认为 , 还 。"), "欠款。本院认为,还。"),
        (("欠 款 。", "综上", "+本院认为 , 还 。"), "欠款。综上本院认为,还。"),
        (("欠 款 。 综上 本院认为 , 还 。",), "欠款。综上本院认为,还。"),
        (("+原告与被告", "请求 还 款 。"), "原告请求还款。"),
        (("+被告 辩称 :", "欠 款 未", "+本院认为 , 还 。"), "被告辩称:欠款未。本院认为,还。"),
        (("+原告与被告", "向 丙 欠 款 。"), "原告与被告向丙欠款。"),
        # a party, and nothing of what it did
        (("本院认为 , 原告", ",", "乙 未 还 款 。"), "本院认为,乙未还款。"),
        (("欠 款 。 原告 , 甲 还 。",), "欠款。原告,甲还。"),
        (("欠 款 ; 综上所述 ,", "本院认为 , 还款 。"), "欠款。本院认为,还款。"),
        (
            ("欠 款 ;", "被告 张 某 甲 、 乙 、 丙 、 张 某 乙 未到庭 。"),
            "欠款。被告张某甲、乙、丙、张某乙未到庭。",
        ),
        # the number of an item that has no second, and marks behind marks, within a run too
        (("+被告 辩称 :", "1 、 欠 款 。", "本院认为 , 还 。"), "被告辩称:欠款。本院认为,还。"),
        (("被告 辩称 : 一 、 欠 款 。", "本院认为 , 还 。"), "被告辩称:欠款。本院认为,还。"),
        (("依照 法 :", "、 一 、 甲 还 。"), "依照法:一、甲还。"),
        (("依照 法 : 、 一 、 甲 还 。",), "依照法:一、甲还。"),
    ],
)
def test_joints_are_mended(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs) == expected


@pytest.mark.parametrize(
    "runs",
    [
        ("欠 款 , 被告 辩称 : 还 。",),  # the judgment's own text
        ("经审理查明 , 本院认为 , 还 。",),
        ("欠 款 ,", "还 款 。"),  # a sentence that goes on
        ("+被告 辩称 :", "欠 款 。"),
        ("被告 辩称 , 故 原告 还款 。",),
        ("被告 辩称 ,", "故 障 车 。"),  # another word
        ("被告 辩称 ,", "因此 事 还款 。"),
        # a lead-in, and no answer
        ("根据 法 ,", "被告 张 某 甲 、 乙 、 丙 、 张 某 乙 未到庭 。"),
        ("经审理查明 ,", "被告 张 某 甲 、 乙 、 丙 、 张 某 乙 未到庭 。"),
        ("欠 款 ,", "综上 , 还款 。"),
        ("依照 法 :", "一 、 甲 还 。"),  # a ruling keeps its numbers
        ("+被告 辩称 :", "1 . 3 元 欠 款 。", "本院认为 , 还 。"),
        ("+被告 辩称 :", "1 、 3 元 欠 款 。", "本院认为 , 还 。"),
        ("支持 依照 《 中华人民共和国 法 》 。",),
        ("还 。", "+经审理查明 ,", "根据 《 法 》 还 款 。"),  # a contract, not the statutes
        # what was found stands before the cue
        ("欠 款 本院认定 事实如下 :", "依照 《 中华人民共和国 法"),
    ],
)
def test_the_rest_is_left_alone(runs: tuple[str, ...]) -> None:
    before = hypothesis(*runs)
    assert Joints(PIECES).mend(before) == before


CLAIMED, THOUGHT = "+原告提出诉求 :", "+本院认为 , 还 。"
RULED = THOUGHT + " 判决 : 还 。"


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ((CLAIMED, "2 、 欠 款 ; 3 、 还款 。"), "原告提出诉求:欠款;还款。"),
        ((CLAIMED, "1 、 欠 款 ; 3 、 还款 。"), "原告提出诉求:欠款;还款。"),
        ((CLAIMED, "欠 款 ;", "2 , 还款 。"), "原告提出诉求:欠款;还款。"),
        ((CLAIMED, "1 . 欠 款 。"), "原告提出诉求:欠款。"),
        ((CLAIMED, "请求 2 . 欠 款 。"), "原告提出诉求:请求欠款。"),
        ((CLAIMED, "1 、 欠 款 ? 3 、 还款 。"), "原告提出诉求:欠款?还款。"),
        ((CLAIMED, "2 、 张 某 2 、 乙 还款 。"), "原告提出诉求:张某2、乙还款。"),
        ((CLAIMED, "请求 判决 : 2 、 还款 。"), "原告提出诉求:请求判决:还款。"),
        ((CLAIMED, "( 1 ) 欠 款 ; ( 3 ) 还款 。"), "原告提出诉求:欠款;还款。"),
        ((CLAIMED, "( 二 ) 、 欠 款 。"), "原告提出诉求:欠款。"),
        # no second beginning for one speaker, but for the next
        ((CLAIMED, "1 、 欠 款 ; 2 、 还款 ; 1 、 还 。"), "原告提出诉求:欠款;还款;还。"),
        (
            (CLAIMED, "1 、 欠 款 ; 2 、 还款 。", "被告 辩称 : 2 、 还 。"),
            "原告提出诉求:1、欠款;2、还款。被告辩称:还。",
        ),
        # of two lists the one that is whole stays
        (
            (CLAIMED, "一 、 欠 款 : 2 、 还款 , 3 、 还 ; 二 、 还款 。"),
            "原告提出诉求:一、欠款:还款,还;二、还款。",
        ),
    ],
)
def test_a_list_that_is_told_in_part_has_no_numbers(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs, RULED) == expected + "本院认为,还。判决:还。"


@pytest.mark.parametrize(
    "runs",
    [
        (CLAIMED, "1 、 欠 款 ; 2 、 还款 ; 3 、 还 。", THOUGHT),
        (CLAIMED, "1 、 欠 款 ;", "2 、 还款 。", THOUGHT),
        (CLAIMED, "( 一 ) 欠 款 ; ( 二 ) 还款 。", THOUGHT),
        (CLAIMED, "1 、 欠 款 2 、 还款 。", THOUGHT),  # without a mark before the second
        (CLAIMED, "欠 款 1 . 3 元 。", THOUGHT),
        (CLAIMED, "一 、 二 项 欠 款 。", THOUGHT),
        (CLAIMED, "第 一 , 欠 款 。", THOUGHT),
        (CLAIMED, "张 某 2 、 张 某 3 欠 款 。", THOUGHT),
        # a number that is spoken of
        (CLAIMED, "1 、 欠 款 ; 3 、 还款 。 第 三 项 还 。", THOUGHT),
        (CLAIMED, "一 、 欠 款 ; 三 、 还款 。 欠 一 、 三 项 。", THOUGHT),
        (CLAIMED, "1 、还 款 ; 3 、 还款 。", THOUGHT),  # not in whole tokens
        # two who answer
        (
            "被告 甲 辩称 : 1 、 欠 款 ; 2 、 还款 。",
            "被告 乙 辩称 : 1 、 欠 款 ; 2 、 还款 。",
            THOUGHT,
        ),
        (
            CLAIMED,
            "1 、 还款 ; 2 、 还 。",
            "本院认定 事实如下 : 1 、 欠 款 ; 2 、 未 还 。",
            THOUGHT,
        ),
        # what they said is told by the court
        ("本院认为 , 1 、 欠 款 。 2 、 被告 辩称 , 还款 。 3 、 还 。 判决 : 还 。",),
        # the ruling, and what may be one
        ("+判决如下 :", "二 、 还 。 三 、 还款 。"),
        ("规定 , 判决 二 、 还 。 三 、 还款 。",),
        ("本院认为 ,", "二 、 还 。"),
    ],
)
def test_other_numbers_stay(runs: tuple[str, ...]) -> None:
    before = hypothesis(*runs)
    assert Joints(PIECES).mend(before) == before


def test_a_ruling_is_known_without_its_cue() -> None:
    """Its numbers and brackets stay, and so does a word that a run of it ends with."""
    runs = hypothesis("被告 辩称 : 还 。", "二 、 还 ( 款 , 因", "还 。 判决 : 还 。")
    ruling = FIRST_SECTION + SECTIONS.index("ruling")
    assert Joints(PIECES).mend(runs, [0] * 100 + [ruling] * 200).tokens == runs.tokens
    other = Joints(PIECES).mend(runs, [0] * 300).tokens
    assert "".join(PIECES[i] for i in other) == "被告辩称:还。还款,还。判决:还。"


def test_what_stands_behind_a_number_that_is_dropped_begins_a_run() -> None:
    found = Joints(PIECES).mend(hypothesis(CLAIMED, "欠 ; 2 、 还款 。", THOUGHT))
    assert found.tags[:6] == [OUTSIDE, OUTSIDE, BEGIN, INSIDE, BEGIN, INSIDE]
    assert found.positions[:6] == [-1, -1, 100, 101, 104, 105]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("规定 ,", "+判决", "一 、 还 。"), "规定,判决如下:一、还。"),
        (("规定 , 判决", "、 一 、 还 。"), "规定,判决如下:一、还。"),
        (("规定 ,", "+判决", "、 驳回 请求 。"), "规定,判决如下:驳回请求。"),
        (("规定 ,", "+判决如下", "、 一 、 还 。"), "规定,判决如下:一、还。"),
        (("规定 ,", "+判决如下", "被告 还 。"), "规定,判决如下:被告还。"),
        (("+原告提出诉求", "被告 还 。"), "原告提出诉求:被告还。"),
        (("+原告提出诉求", "1 、 还 ; 2 、 还款 。"), "原告提出诉求:1、还;2、还款。"),
        (("原告 提 出 诉讼请求", "还 。"), "原告提出诉讼请求:还。"),
        (("+被告 辩称", "原告 还 。"), "被告辩称:原告还。"),
        (("欠 款 。 被告 张 某 辩称", "1 . 还 ; 2 . 还款 。"), "欠款。被告张某辩称:1.还;2.还款。"),
        # where a number stood
        (("原告 提 出 诉讼请求 1 、 还 。", THOUGHT), "原告提出诉讼请求:还。本院认为,还。"),
    ],
)
def test_a_cue_has_its_mark(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs) == expected


@pytest.mark.parametrize(
    "runs",
    [
        ("规定 ,", "+判决", "驳回 请求 。"),
        ("规定 ,", "+判决", "被告 还 。"),
        ("规定 ,", "+判决", ": 一 、 还 。"),
        ("请求 判决", "一 、 还 。"),
        ("规定 ,", "+判决如下", ": 一 、 还 。"),
        ("原告提出诉求 还 。",),  # the judgment's own text
        ("欠 款 。 被告 辩称", "理由 未 提 出 。"),
        ("对 被告 辩称", "还款 未 提 出 。"),  # of what he said
    ],
)
def test_no_mark_stands_where_nothing_is_announced(runs: tuple[str, ...]) -> None:
    before = hypothesis(*runs)
    assert Joints(PIECES).mend(before) == before


def test_the_mark_of_a_cue_counts_as_generated() -> None:
    found = Joints(PIECES).mend(hypothesis("规定 , 判决", "、 一 、 还 。"))
    assert found.tags == [BEGIN, INSIDE, INSIDE, OUTSIDE, OUTSIDE, BEGIN, INSIDE, INSIDE, INSIDE]
    assert found.positions == [0, 1, 2, -1, -1, 101, 102, 103, 104]
    # none without its pieces
    pieces = ["判决", "一", "、"]
    bare = Hypothesis([0, 1, 2], [1, 1, 2], [0, 5, 6], 0.0, truncated=True)
    assert Joints(pieces).mend(bare) == bare


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        # within a run too
        (("欠 款 ; 被告 张 某 辩称 : 还 。",), "欠款。被告张某辩称:还。"),
        (("欠 款 ; 被告 未 提 出 未答辩 。",), "欠款。被告未提出未答辩。"),
        (("欠 款 ; 本院认为 , 还 。",), "欠款。本院认为,还。"),
        (("欠 款 ; 公诉机关指控 甲 还 。",), "欠款。公诉机关指控甲还。"),
        (("欠 款 ; 判决如下 : 还 。",), "欠款。判决如下:还。"),
        # at a joint
        (
            ("欠 款 ,", "被告 张 某 甲 、 乙 、 丙 、 张 某 乙 辩称 : 还 。"),
            "欠款。被告张某甲、乙、丙、张某乙辩称:还。",
        ),
        (("欠 款 ,", "公诉机关指控 甲 还 。"), "欠款。公诉机关指控甲还。"),
        (("欠 款 ,", "本 院 依照 《 法 》 还 。"), "欠款。本院依照《法》还。"),
        (("欠 款 ,", "综上 , 本 院 依照 《 法 》 还 。"), "欠款。综上,本院依照《法》还。"),
    ],
)
def test_a_section_ends_in_a_stop(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs) == expected


@pytest.mark.parametrize(
    "runs",
    [
        ("依照 《 法 》 规定 ,", "判决如下 : 还 。"),
        ("依照 《 法 》 规定 , 判决如下 : 还 。",),
        ("欠 款 ; 还款 。",),
        ("欠 款 ; 被告 还 。",),
        ("综上 ,", "依照 《 法 》 还 。"),
        ("欠 款 ,", "本 院 还 。"),
    ],
)
def test_a_section_that_goes_on_takes_no_stop(runs: tuple[str, ...]) -> None:
    before = hypothesis(*runs)
    assert Joints(PIECES).mend(before) == before


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("+本院认为 ,", "本院认为 : 还 。"), "本院认为:还。"),
        (("本院认为 , 本院认为 , 还 。",), "本院认为,还。"),
        (("欠 款 。 被告 辩称 被告 辩称 : 还 。",), "欠款。被告辩称:还。"),
        (("被告 张 某 辩称 , 被告 张 某 辩称 , 还 。",), "被告张某辩称,还。"),
        (("本院认为 , 还 。 本院认为 , 还 。",), "本院认为,还。本院认为,还。"),
        (("被告 甲 辩称 , 被告 乙 辩称 , 还 。",), "被告甲辩称,被告乙辩称,还。"),
    ],
)
def test_a_cue_is_said_once(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs) == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("欠 款 , 故", "+。", "还 。"), "欠款。还。"),
        (("欠 款 。 故", "被告 还 。"), "欠款。被告还。"),
        (("欠 款 , 且", "依照 《 法 》 还 。"), "欠款。依照《法》还。"),
        (("欠 款 , 因", "乙 还 。"), "欠款,乙还。"),
        # what leads on, within a run or as its neighbour, and what is written
        (("欠 款 , 故 被告 还 。",), "欠款,故被告还。"),
        (("欠 款 , 故", "+被告 还 。"), "欠款,故被告还。"),
        (("欠 款 ,", "+故", "被告 还 。"), "欠款,故被告还。"),
        (("欠 款 事 故", "被告 还 。"), "欠款事故被告还。"),
        (("判决 : 欠 款 , 因", "被告 还 。"), "判决:欠款,因被告还。"),
    ],
)
def test_no_word_leads_to_what_is_not_there(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs) == expected


def test_a_word_leads_to_its_neighbour() -> None:
    """A run that begins where the last one ended is the judgment's own sentence."""
    run = hypothesis("欠 款 , 故 被告 还 。")
    parted = replace(run, tags=[BEGIN, *[INSIDE] * 3, BEGIN, INSIDE, INSIDE])
    assert Joints(PIECES).mend(parted) == parted


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("欠 款 ( 甲", "还 。 "), "欠款甲还。"),
        (("欠 款 。", "甲 ) 还 。"), "欠款。甲还。"),
        (("《 甲 乙", "法 还 。"), "甲乙法还。"),
        (("欠 “ 款", "还 。"), "欠款还。"),
        (("欠 款 。", "甲 ” 还 。"), "欠款。甲还。"),
        (("欠 款 。", "( 甲 ) 还 ) 。"), "欠款。(甲)还。"),
    ],
)
def test_a_bracket_without_its_partner_goes(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs) == expected


@pytest.mark.parametrize(
    "runs",
    [
        ("欠 款 ( 甲 )", "《 乙 》 “ 还 ” 。"),
        ("欠 款 ( 甲", "乙 ) 还 。"),  # the other one stands in another run
        ("欠 ” 款", "还 ” 。"),  # one mark for both
        ("欠 款 :", "1 ) 还 ; 2 ) 还款 。"),
        ("欠 ( 款 " + "甲 " * 40, "还 。"),  # far from the joint
        ("欠 ( 款 还 。",),  # the judgment's own
        ("判决 : 欠 款 ( 甲", "还 。"),
    ],
)
def test_other_brackets_stay(runs: tuple[str, ...]) -> None:
    before = hypothesis(*runs)
    assert Joints(PIECES).mend(before) == before


def test_what_is_put_in_place_counts_as_generated_and_the_rest_keeps_its_origin() -> None:
    found = Joints(PIECES).mend(hypothesis("欠 款 ;", "被告 辩称 :"))
    assert found.tags == [1, 2, 0, 1, 2, 0]
    assert found.positions == [0, 1, -1, 100, 101, -1]


def test_where_clauses_were_left_out_is_a_joint() -> None:
    whole = hypothesis("经审理查明 , 甲 欠 款 , 本院认为 , 还 。")
    gaps = [NOTHING] * 6 + [CLAUSES] + [NOTHING] * 4  # before 本院认为
    joints = Joints(PIECES)
    assert joints.mend(whole, gaps=[NOTHING] * 20) == whole
    found = joints.mend(whole, gaps=gaps)
    assert "".join(PIECES[i] for i in found.tokens) == "经审理查明,甲欠款。本院认为,还。"
    assert found.positions == [0, 1, 2, 3, 4, -1, 6, 7, 8, 9]
    empty = hypothesis("经审理查明 , 本院认为 , 还 。")
    found = joints.mend(empty, gaps=[NOTHING] * 2 + [CLAUSES] + [NOTHING] * 3)
    assert found.positions == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("还 。", "+二 、 驳回 请求 。 判决 :", "一 、 还 。"), "还。判决:一、还。"),
        (("请求 判决 还 。", "+二 、 驳回 请求 。", "依照 法 。"), "请求判决还。依照法。"),
        # the court's own, part of its ruling, or of a sentence
        (
            ("还 。", "一 、 还 。 二 、 驳回 请求 。 判决 : 还 。"),
            "还。一、还。二、驳回请求。判决:还。",
        ),
        (("还 。", "+判决 : 一 、 还 。 二 、 驳回 请求 。"), "还。判决:一、还。二、驳回请求。"),
        (("还 。", "+被告 辩称 , 请求 驳回 请求 。"), "还。被告辩称,请求驳回请求。"),
    ],
)
def test_no_order_is_written_before_the_ruling(runs: tuple[str, ...], expected: str) -> None:
    assert mended(*runs) == expected


@pytest.mark.parametrize(
    ("told", "left", "expected"),
    [
        ("甲 欠 款 , 乙 还款 。", SENTENCE, "甲欠款。乙还款。"),
        ("甲 欠 款 ; 乙 还款 。", SENTENCE, "甲欠款。乙还款。"),
        ("甲 欠 款 , 乙 还款 。", CLAUSES, "甲欠款,乙还款。"),
        ("甲 欠 款 , 乙 还款 。", NOTHING, "甲欠款,乙还款。"),
        # what leads to what follows goes on to do so
        ("本院认为 , 乙 还款 。", SENTENCE, "本院认为,乙还款。"),
        ("根据 甲 , 乙 还款 。", SENTENCE, "根据甲,乙还款。"),
        ("甲 : 乙 还款 。", SENTENCE, "甲:乙还款。"),
        ("甲 : 根据 法 , 乙 还款 。", SENTENCE, "甲:根据法,乙还款。"),
        ("庭审 中 , 乙 还款 。", SENTENCE, "庭审中,乙还款。"),
        ("欠 法 中 , 乙 还款 。", SENTENCE, "欠法中。乙还款。"),
        # a list, and what a bracket or a quotation holds, as long as the sentence
        ("甲 、 乙 还款 。", SENTENCE, "甲、乙还款。"),
        ("《 甲 欠 款 , 乙 还款 》 。", SENTENCE, "《甲欠款,乙还款》。"),
        (
            "《 甲 。 " + "欠款 " * 20 + ", 乙 还款 。",
            SENTENCE,
            "《甲。" + "欠款" * 20 + "。乙还款。",
        ),
    ],
)
def test_two_sentences_do_not_run_into_one(told: str, left: int, expected: str) -> None:
    run = hypothesis(told)
    second = run.tokens.index(PIECES.index("乙"))
    gaps = [left if i == second else NOTHING for i in range(len(run.tokens))]
    found = Joints(PIECES).mend(run, source=run.tokens, gaps=gaps)
    assert "".join(PIECES[i] for i in found.tokens) == expected
    changed = [i for i, position in enumerate(found.positions) if position < 0]
    assert changed == ([second - 1] if expected.count("。") > told.count("。") else [])


def test_a_run_that_goes_on_with_a_sentence_takes_no_stop() -> None:
    run = hypothesis("甲 欠 款 , 并且 还款 。")
    gaps = [SENTENCE if i == 4 else NOTHING for i in range(7)]
    assert Joints(PIECES).mend(run, source=run.tokens, gaps=gaps).tokens == run.tokens


def test_what_is_written_or_stands_before_ends_as_the_place_demands() -> None:
    source = [PIECES.index(piece) for piece in ["甲", "欠", "款", ",", "乙", "还款", ","]]
    back = Hypothesis(
        [*source[4:], *source[:3]], [1, 2, 2, 1, 2, 2], [4, 5, 6, 0, 1, 2], score=-0.5
    )
    found = Joints(PIECES).mend(back, source=source, gaps=[NOTHING] * 7)
    assert "".join(PIECES[i] for i in found.tokens) == "乙还款。甲欠款"
    written = hypothesis("+甲 欠 款 ,", "乙 还款 。")
    gaps = [SENTENCE if i == 100 else NOTHING for i in range(200)]
    assert Joints(PIECES).mend(written, source=source, gaps=gaps) == written


@pytest.mark.parametrize(
    ("between", "expected"),
    [("丙 。", "甲欠款。乙还款。"), ("丙 ,", "甲欠款,乙还款。"), ("", "甲欠款,乙还款。")],
)
def test_a_sentence_that_copying_passes_over_ends_too(between: str, expected: str) -> None:
    source = [PIECES.index(piece) for piece in f"甲 欠 款 , {between} 乙 还款 。".split()]
    places = [*range(4), *range(len(source) - 3, len(source))]
    tags = [BEGIN, *[INSIDE] * 3, BEGIN, *[INSIDE] * 2]
    run = Hypothesis([source[i] for i in places], tags, places, score=-0.5)
    found = Joints(PIECES).mend(run, source=source, gaps=[NOTHING] * len(source))
    assert "".join(PIECES[i] for i in found.tokens) == expected


def test_a_truncated_text_keeps_its_end_and_an_empty_one_stays_empty() -> None:
    assert mended("欠 款 ,", truncated=True) == "欠款,"
    assert Joints(PIECES).mend(hypothesis()) == hypothesis()


def test_pieces_without_a_stop_get_none() -> None:
    found = Joints(["欠", ",", "依照"]).mend(Hypothesis([0, 1, 2], [1, 2, 0], [0, 1, -1], 0.0))
    assert found.tokens == [0, 1, 2]


REASONS = FIRST_SECTION + SECTIONS.index("reasons")


def announced(section: str, *runs: str) -> str:
    """What becomes of two runs, the second of which is copied from that section."""
    segments = [0] * 100 + [FIRST_SECTION + SECTIONS.index(section)] * 100
    found = Joints(PIECES).mend(hypothesis(*runs), segments)
    return "".join(PIECES[i] for i in found.tokens)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("欠 款 ,", "还 款 。"), "欠款。本院认为,还款。"),
        (("欠 款", "还 款 。"), "欠款。本院认为,还款。"),
        (("+经审理查明 ,", "还 款 。"), "本院认为,还款。"),  # which reasons are not
        (("+本院认为 ,", "还 款 。"), "本院认为,还款。"),
        (("欠 款 ;", "本院认为 , 还 款 。"), "欠款。本院认为,还款。"),
        (("欠 款 ;", "依照 《 法 》"), "欠款。依照《法》"),
        # a rule that the reasons begin with might be the defendant's
        (("欠 款 ,", "根据 《 法 》"), "欠款。本院认为,根据《法》"),
        (("欠 款 ,", "按照 法 还 。"), "欠款。本院认为,按照法还。"),
        (("欠 款 。 依照 《 法 》 ,", "《 甲 法 》"), "欠款。依照《法》,《甲法》"),
        (("欠 款 。 依照 《 法 》 , 还 ,", "还 。"), "欠款。依照《法》,还。本院认为,还。"),
    ],
)
def test_reasons_are_announced_as_the_courts(runs: tuple[str, ...], expected: str) -> None:
    before = hypothesis(*runs)
    segments = [0] * 100 + [REASONS] * 100
    found = Joints(PIECES).mend(before, segments)
    assert "".join(PIECES[i] for i in found.tokens) == expected
    own = [i for i, position in enumerate(found.positions) if position < 0]
    assert all(found.tags[i] == OUTSIDE for i in own)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("欠 款 ,", "还 款 。"), "欠款。经审理查明,还款。"),
        (("+经审理查明 ,", "还 款 。"), "经审理查明,还款。"),
        (("欠 款 ;", "经审理查明 , 还 款 。"), "欠款。经审理查明,还款。"),
        (("欠 款 ;", "本院认为 , 还 款 。"), "欠款。本院认为,还款。"),
        (("欠 款 :", "还 款 。"), "欠款:还款。"),
        (("被告", "还 款 。"), "被告还款。"),
    ],
)
def test_facts_are_announced_as_found(runs: tuple[str, ...], expected: str) -> None:
    assert announced("facts", *runs) == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("欠 款 ;", "未 还 款 。"), "欠款。被告辩称:未还款。"),
        (("欠 款", "未 还 款 。"), "欠款未还款。"),  # a run goes on
        (("+被告 辩称 ,", "未 还 款 。"), "被告辩称,未还款。"),
        (("欠 款 ;", "被告 甲 辩称 , 还 。"), "欠款。被告甲辩称,还。"),
        (("欠 款 ;", "被告 甲 未到庭 。"), "欠款。被告甲未到庭。"),
        (("欠 款 。", "被告 甲 未答辩 。"), "欠款。被告甲未答辩。"),
    ],
)
def test_an_answer_is_announced_as_the_defendants(runs: tuple[str, ...], expected: str) -> None:
    assert announced("defence", *runs) == expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (("欠 款 ,", "一 、 还 款 。"), "欠款,原告提出诉求:一、还款。"),
        (("欠 款", "一 、 还 款 。"), "欠款。原告提出诉求:一、还款。"),
        (("原告 请求 ,", "一 、 还 款 。"), "原告请求,一、还款。"),
        (("欠 款 ,", "原告 请求 还 款 。"), "欠款,原告请求还款。"),
        # many plaintiffs, and what they ask
        (
            ("欠 ,", "原告 " + "张 某 、 " * 6 + "请求 : 还 。"),
            "欠,原告" + "张某、" * 6 + "请求:还。",
        ),
    ],
)
def test_a_claim_is_announced_as_one(runs: tuple[str, ...], expected: str) -> None:
    assert announced("claim", *runs) == expected


def test_a_text_that_begins_with_the_claim_announces_it() -> None:
    """Else it would begin as if somebody had ordered it."""
    segments = [FIRST_SECTION + SECTIONS.index("claim")] * 100
    found = Joints(PIECES).mend(hypothesis("被告 还 款 。"), segments)
    assert "".join(PIECES[i] for i in found.tokens) == "原告提出诉求:被告还款。"
    asked = hypothesis("原告 请求 还 款 。")
    assert Joints(PIECES).mend(asked, segments).tokens == asked.tokens
    found = hypothesis("被告 还 款 。")
    assert Joints(PIECES).mend(found, [REASONS] * 100).tokens == found.tokens


def test_in_a_criminal_judgment_nobody_claims() -> None:
    segments = [0] * 100 + [FIRST_SECTION + SECTIONS.index("claim")] * 100
    joints, runs = Joints(PIECES), hypothesis("欠 款 ,", "一 、 还 款 。")

    def text(found: Hypothesis) -> str:
        return "".join(PIECES[i] for i in found.tokens)

    assert text(joints.mend(runs, segments, prosecuted=True)) == "欠款。公诉机关指控:一、还款。"
    announced = hypothesis("欠 款 。", "+原告提出诉求 :", "一 、 还 款 。")
    assert text(joints.mend(announced, prosecuted=True)) == "欠款。公诉机关指控:一、还款。"
    assert text(joints.mend(announced)) == "欠款。原告提出诉求:一、还款。"
    # the judgment's own words are left
    copied = hypothesis("原告提出诉求 : 还 款 。")
    assert joints.mend(copied, prosecuted=True).tokens == copied.tokens
    known = hypothesis("欠 款 ,", "公诉机关指控 还 款 。")
    assert text(joints.mend(known, segments)) == "欠款。公诉机关指控还款。"


def test_a_finding_cut_short_before_the_reasons_is_announced() -> None:
    segments = [0] * 100 + [FIRST_SECTION + SECTIONS.index("facts")] * 100
    found = Joints(PIECES).mend(
        hypothesis("欠 款 。", "原告 甲 还 ,", "+本院认为 , 还 。"), segments
    )
    assert "".join(PIECES[i] for i in found.tokens) == "欠款。经审理查明,原告甲还。本院认为,还。"


def test_what_a_defendant_says_is_not_announced_as_found() -> None:
    """The run breaks off before the source says that he answers."""
    runs = hypothesis("欠 款 ,", "被告 甲 。")
    source = [PIECES.index(piece) for piece in [*["欠"] * 100, "被告", "甲", "辩称", ",", "还"]]
    segments = [0] * 100 + [FIRST_SECTION + SECTIONS.index("facts")] * 5
    joints = Joints(PIECES)
    assert joints.mend(runs, segments, source).tokens == runs.tokens
    assert len(joints.mend(runs, segments).tokens) == len(runs.tokens) + 2  # the cue


def test_a_run_that_goes_on_into_the_reasons_is_parted_there() -> None:
    found = Joints(PIECES).mend(hypothesis("欠 款 。 还 款 。"), [0] * 3 + [REASONS] * 3)
    assert "".join(PIECES[i] for i in found.tokens) == "欠款。本院认为,还款。"
    assert found.tags == [BEGIN, INSIDE, INSIDE, OUTSIDE, OUTSIDE, BEGIN, INSIDE, INSIDE]
    assert found.positions == [0, 1, 2, -1, -1, 3, 4, 5]


CASE, OPENING = "原告 诉 被告 欠款 纠纷 一案 ,", "原告诉被告欠款纠纷一案。"
ASKED = "+原告提出诉求 : 还款 。"


def source_of(text: str) -> list[int]:
    return [PIECES.index(piece) for piece in text.split()]


@pytest.mark.parametrize(
    ("head", "told", "expected"),
    [
        (CASE + " 开庭 。", ASKED, OPENING),
        # a part of a clause, and none
        ("张 某 、 " + CASE, ASKED, ""),
        ("原告 张 某 。", ASKED, ""),
        # what the judgment does not say
        (CASE, "+原被告系 还款 纠纷 。 原告提出诉求 : 还款 。", OPENING),
        (CASE, "+原告与被告 。 原告提出诉求 : 还款 。", OPENING),
        (
            "张 某 。 原告 张 某 、 原告 乙 诉 被告 欠款 纠纷 一案 ,",
            ASKED,
            "原告张某、原告乙诉被告欠款纠纷一案。",
        ),
        # two clauses without a mark
        ("原告 张 某 被告 乙 原告 张 某 诉 被告 欠款 纠纷 一案 ,", ASKED, ""),
        # what says so by itself
        (CASE, "+原被告系 欠款 纠纷 。", ""),
        (CASE, ASKED + " 本院认为 , 欠款 纠纷 。", OPENING),
    ],
)
def test_a_text_says_what_the_case_is_about(head: str, told: str, expected: str) -> None:
    source, given = source_of(head), hypothesis(told)
    found = Joints(PIECES).mend(given, [FIRST_SECTION] * len(source), source)
    text = "".join(PIECES[i] for i in found.tokens)
    if not expected:
        assert found == given
        return
    opening, rest = text[: text.index("。") + 1], text[text.index("。") + 1 :]
    assert (opening, rest[:6]) == (expected, "原告提出诉求")
    count = found.tokens.index(PIECES.index("。"))
    first = found.positions[0]
    assert found.tags[: count + 1] == [BEGIN, *[INSIDE] * (count - 1), OUTSIDE]
    assert found.positions[: count + 1] == [*range(first, first + count), -1]
    assert found.tokens[:count] == source[first : first + count]
    # 原告 alone, copied from that clause, does not tell it; more of it does
    copied = given.positions[:1] + [first] + given.positions[2:]
    subject = replace(given, tags=[OUTSIDE, BEGIN, *given.tags[2:]], positions=copied)
    assert Joints(PIECES).mend(subject, [FIRST_SECTION] * len(source), source).positions[0] == first
    # where an aside was left out a run begins
    gaps = [CLAUSES if i == first + 2 else NOTHING for i in range(len(source))]
    parted = Joints(PIECES).mend(given, [FIRST_SECTION] * len(source), source, gaps)
    assert parted.tags[:4] == [BEGIN, INSIDE, BEGIN, INSIDE]
    assert parted.tokens == found.tokens


def test_behind_what_the_case_is_about_it_is_said_who_speaks() -> None:
    head, facts = source_of("原告 诉 被告 欠 款 纠纷 一案 ,"), source_of("被告 还款 。")
    source = head + facts
    segments = [FIRST_SECTION] * len(head)
    segments += [FIRST_SECTION + SECTIONS.index("facts")] * len(facts)
    places = range(len(head), len(source))
    run = Hypothesis([source[i] for i in places], [BEGIN, INSIDE, INSIDE], [*places], score=-0.5)
    found = Joints(PIECES).mend(run, segments, source)
    text = "".join(PIECES[i] for i in found.tokens)
    assert text == "原告诉被告欠款纠纷一案。经审理查明,被告还款。"
    # a cause that the source does not name, but later one that it does
    given = hypothesis("+原被告系 还款 纠纷 。 本院认为 , 原被告系 欠 款 纠纷 。")
    text = "".join(PIECES[i] for i in Joints(PIECES).mend(given, segments, source).tokens)
    assert text == "原告诉被告欠款纠纷一案。本院认为,原被告系欠款纠纷。"


@pytest.mark.parametrize(
    ("speaker", "expected"),
    [("第三人", "欠款;丙未还款。"), ("被告", "欠款。被告辩称:丙未还款。")],
)
def test_a_third_partys_answer_is_not_announced_as_the_defendants(speaker, expected) -> None:
    """The source says who speaks, before what is copied of it."""
    pieces = [*PIECES, "第三人", "述称"]
    told = [speaker, "述称", ",", "丙", "未", "还", "款", "。"]
    source = [pieces.index(piece) for piece in [*["欠"] * 100, *told]]
    segments = [0] * 100 + [FIRST_SECTION + SECTIONS.index("defence")] * len(told)
    runs = hypothesis("欠 款 ;", "丙 未 还 款 。")
    runs = replace(runs, positions=[p if p < 100 else p + 3 for p in runs.positions])
    found = Joints(pieces).mend(runs, segments, source)
    assert "".join(pieces[i] for i in found.tokens) == expected
