"""Who is whom. Every text is invented; a swapped party is the worst thing that can happen here."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.bearers import find_sole_parties
from spaces.declarations import find_declarations
from spaces.parties import find_mentions, find_parties

HEADER = "原告：张大明，男。被告：李小军，男。原告张大明与被告李小军借款合同纠纷一案，已审结。"


def named(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(party.role, party.names) for party in find_parties(text)]


def mentioned(text: str) -> list[str]:
    """The mentions behind the first 一案, each with the role of its party."""
    start = text.find("一案")
    return [
        f"{text[m.start : m.end]}={m.party.role}"
        for m in find_mentions(text, find_parties(text))
        if m.start > start
    ]


def sole(text: str) -> list[str]:
    return [party.names[0] for party in find_sole_parties(text, find_parties(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("原告张大明与被告李小军买卖合同纠纷一案", ["原告 张大明", "被告 李小军"]),
        ("原告张大明诉被告李小军、王五离婚纠纷一案", ["原告 张大明", "被告 李小军", "被告 王五"]),
        ("原告：张大明，男。\n被告：王五、李小军。", ["原告 张大明", "被告 王五", "被告 李小军"]),
        ("原告（反诉被告）：张大明。被告（反诉原告）：李小军。", ["原告 张大明", "被告 李小军"]),
        ("被告人赵六，男，1980年生。指控被告人赵六犯盗窃罪一案", ["被告人 赵六"]),
        (
            "上诉人（原审被告）：王五，女。被上诉人（原审原告）：赵六，男。",
            ["上诉人 王五", "被上诉人 赵六"],
        ),
        (
            "原告钱七。\n被告某市公安局大江分局，住所地某路1号。\n第三人孙八。",
            ["原告 钱七", "被告 某市公安局大江分局", "第三人 孙八"],
        ),
        (
            "原告大成（北京）贸易有限公司与被告王五保险合同纠纷一案",
            ["原告 大成（北京）贸易有限公司", "被告 王五"],
        ),
        (
            "原告周九诉被告大成人寿保险有限公司人身保险合同纠纷一案",
            ["原告 周九", "被告 大成人寿保险有限公司"],
        ),
        # a rare surname, known by what stands around it
        ("原告：浮一凡，男。被告：布日古德，男，蒙古族。", ["原告 浮一凡", "被告 布日古德"]),
        # sentences, no declarations
        ("被告认为，合同无效。原告要求赔偿。一案", []),
        ("申请人提起第三人撤销之诉纠纷一案", []),
    ],
)
def test_parties_of_header_and_introduction(text: str, expected: list[str]) -> None:
    assert [f"{party.role} {party.names[0]}" for party in find_parties(text)] == expected


def test_short_names_belong_to_one_party() -> None:
    text = "原告：大成有限公司（以下简称大成公司）。被告：大成集团（以下简称“大成集团”）。一案"
    assert named(text)[0] == ("原告", ("大成有限公司", "大成公司"))
    both = "原告：大成甲有限公司（以下简称大成公司）。被告：大成乙有限公司（简称大成公司）。"
    assert named(both) == [("原告", ("大成甲有限公司",)), ("被告", ("大成乙有限公司",))]
    generic = "原告：大成有限公司（以下简称公司）。被告：王五（以下简称乙方）。"
    assert [names for _, names in named(generic)] == [("大成有限公司",), ("王五",)]


def test_a_short_name_declared_again_is_the_same_party() -> None:
    text = (
        "原告：王五。被告：大成有限公司（以下简称大成公司）。原告王五与被告大成公司租赁合同纠纷一案"
    )
    assert named(text)[1] == ("被告", ("大成有限公司", "大成公司"))
    assert sole(text) == ["王五", "大成有限公司"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("张大明向被告李小军借款。", ["张大明=原告", "被告李小军=被告"]),
        ("原告（反诉被告）张大明到庭。", ["原告（反诉被告）张大明=原告"]),
        ("被告张大明到庭。", []),  # not what he is declared to be
        ("反诉被告张大明、反诉原告李小军到庭。", []),
        ("原审原告张大明不服。", []),
        ("李小军某称，李小军甲称。", []),
        ("李小军2017年3月还款。", ["李小军=被告"]),
        ("原告起诉，被告无异议。", []),
    ],
)
def test_mentions(sentence: str, expected: list[str]) -> None:
    assert mentioned(HEADER + sentence) == expected


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("李某", "李某某驾车，李某1、李某甲、李某×同乘。"),
        ("王军", "证人王军伟，系邻居。当日王军伟在场。"),
        ("王军", "其邻居、王军伟、赵六在场。王军伟作证。"),
        ("阳某", "欧阳某在场。"),
        ("方正", "对方正在装修。"),
        ("高明", "价格明显提高明显不合理。"),
        ("李某某", "证人李某某证实。李某某持刀。"),  # which of the two?
        ("大成公司", "大成公司上海浦东新区分公司盖章。大成公司江北支行放款。"),
        ("大成公司", "江北县大成公司盖章。"),
        ("农行某行", "农行某行江北支行放款。"),
    ],
)
def test_a_name_inside_another_is_no_mention(name: str, sentence: str) -> None:
    text = f"原告：赵大海，男。被告：{name}。原告赵大海与被告{name}合同纠纷一案，"
    assert named(text)[1] == ("被告", (name,))
    assert mentioned(text + sentence) == ([] if name == "李某某" else mentioned(text)), (
        "the introduction's own mentions only"
    )


PLACED = "原告：张大明，男。被告：江北县大成建设有限公司（以下简称大成公司）。二人合同纠纷一案。"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("张大明与被告江北大成公司签约。", ["张大明=原告", "被告江北大成公司=被告"]),
        ("被告江北县大成公司未到庭。", ["被告江北县大成公司=被告"]),
        ("被告（反诉原告）江北大成公司辩称。", ["被告（反诉原告）江北大成公司=被告"]),
        ("被告：江北大成公司。", ["被告：江北大成公司=被告"]),
        # without the role word it may be another of the place: none, and none in the midst of it
        ("江北大成公司盖章。", []),
        ("江北县大成公司盖章。", []),
        # another's role, another place, a branch
        ("原告江北大成公司。", []),
        ("反诉被告江北大成公司。", []),
        ("被告江南县大成公司。", []),
        ("被告江北大成公司江南分公司。", []),
        ("大成公司盖章。", ["大成公司=被告"]),
        ("张大明到江北后，大成公司付款。", ["张大明=原告", "大成公司=被告"]),
    ],
)
def test_a_short_name_behind_the_place_of_the_full_one(sentence: str, expected: list[str]) -> None:
    assert mentioned(PLACED + sentence) == expected


def test_a_party_named_like_a_place_keeps_its_name() -> None:
    text = "原告：江北，男。被告：江北县大成建设有限公司（以下简称大成公司）。二人合同纠纷一案。"
    assert mentioned(text + "原告江北大成公司。") == ["原告江北=原告", "大成公司=被告"]
    longer = text.replace("原告：江北，男", "原告：江北大成公司")
    assert mentioned(longer + "原告江北大成公司起诉。") == ["原告江北大成公司=原告"]
    assert mentioned(longer + "被告江北大成公司辩称。") == []


NUMBERED = "原告：王某1，男。被告：李某2，男。原告王某1与被告李某2借款合同纠纷一案。"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("赔偿原告王某1105316元。", ["原告王某1=原告"]),
        ("支付王某1250.00元、李某212,000.5元。", ["王某1=原告", "李某2=被告"]),
        ("支付王某13万元，李某20.5万元。", ["王某1=原告", "李某2=被告"]),
        ("王某12017年借款。", []),
        ("王某160%。", []),
        ("王某1012元。", []),  # a sum begins with no 0, and 王某10 is not known
        ("王某10元。", []),
        ("王某11到庭。", []),
        ("被告王某1500元。", []),
        # another who can be meant: nobody knows
        ("法定代理人王某到庭。支付王某1500元。", []),
        ("案外人王某15到庭。支付王某1500元。", []),
    ],
)
def test_a_sum_runs_on_from_a_numbered_name(sentence: str, expected: list[str]) -> None:
    assert mentioned(NUMBERED + sentence) == expected


def test_a_sum_behind_one_of_two_numbered_names() -> None:
    eleven = NUMBERED.replace("王某1", "王某11")
    assert mentioned(eleven + "支付王某111500元。") == ["王某11=原告"]
    assert mentioned(eleven + "支付王某1105316元。") == []
    both = NUMBERED.replace("与", "、王某11与")
    assert mentioned(both + "支付王某111500元。") == []  # 111500 or 1500?
    assert mentioned(both + "支付王某12500元。") == ["王某1=原告"]
    assert mentioned(both + "王某11、王某1到庭。") == ["王某11=原告", "王某1=原告"]


def test_all_parties_count_for_longer_names_whoever_is_replaced() -> None:
    text = "原告：王军。被告：王军伟、李四。原告王军与被告王军伟、李四合同纠纷一案。王军伟未到庭。"
    assert mentioned(text) == ["王军伟=被告"]


def test_a_name_called_both_ways_is_nobody() -> None:
    text = HEADER + "原告李小军称，原告李小军又称，李小军还称。"
    assert not [m for m in mentioned(text) if "李小军" in m]
    slip = HEADER + "被告李小军称。被告李小军又称。被告李小军还称。原告李小军称。"
    assert mentioned(slip) == ["被告李小军=被告"] * 3


def test_two_suits_in_one_make_nobody_sure() -> None:
    text = "原告（被告）：张大明。被告（原告）：大成有限公司。二人劳动争议纠纷一案"
    assert find_parties(text) == []
    merged = HEADER + "另，原告李小军与被告张大明劳动合同纠纷一案，合并审理。"
    assert find_parties(merged) == []


@pytest.mark.parametrize(
    "sign",
    [
        "二被告均未到庭。",
        "三被告连带清偿。",
        "两名被告到庭。",
        "各被告无异议。",
        "被告一、李小军辩称。",
        "被告李小军、王五共同还款。",
        "被告王五辩称，未借款。",
        "被告：王五，男，住某市。",
        "被告赵六，女。",
        "本院追加孙八为本案共同被告。",
        "原告撤回对被告李小军的起诉。",
        "原告申请撤回对李小军的诉讼。",
        "其他被告未到庭。",
        "二被告人到庭。",
    ],
)
def test_a_sign_of_more_defendants_leaves_none_alone(sign: str) -> None:
    assert sole(HEADER) == ["张大明", "李小军"]
    assert sole(HEADER + sign) == ["张大明"]


@pytest.mark.parametrize(
    "harmless",
    [
        "证据二被告无异议。",
        "被告李小军、原告张大明到庭。",
        "被告李小军、委托代理人赵六到庭。",
        "被告一直未还。",
    ]
    + ["被告一次性还款。", "被告李小军辩称。", "第三，被告应当还款。"],
)
def test_what_is_no_sign(harmless: str) -> None:
    assert sole(HEADER + harmless) == ["张大明", "李小军"]


@pytest.mark.parametrize(
    "declared",
    [
        "被告：李某，男。被告：李某，女。张三明与李某借款合同纠纷一案",
        "张三明与被告李某、李某借款合同纠纷一案",
    ],
)
def test_two_whose_names_were_made_the_same_are_two(declared: str) -> None:
    text = f"原告：张三明，男。{declared}，被告李某付款，被告李某连带清偿。"
    assert [p.names[0] for p in find_sole_parties(text, find_parties(text))] == ["张三明"]


def test_a_masked_name_that_is_told_again_is_one() -> None:
    text = "原告李某与被告大成公司纠纷一审判决书\n原告李某，居民。\n被告大成公司。\n"
    text += "原告李某与被告大成公司合同纠纷一案"
    assert {p.names[0] for p in find_sole_parties(text, find_parties(text))} == {"李某", "大成公司"}


@pytest.mark.parametrize(
    "introduction",
    [
        "原告张大明与被告李小军等买卖合同纠纷一案",
        "原告张大明与被告李小军等五人买卖合同纠纷一案",
        "原告张大明与被告李小军、王五买卖合同纠纷一案",
        "原告张大明与被告李小军、阿不都热合曼买卖合同纠纷一案",
        "原告张大明，男。被告李小军，男。被告人王五，男。三人买卖合同纠纷一案",
    ],
)
def test_more_are_declared_than_can_be_read(introduction: str) -> None:
    assert sole(introduction) == ["张大明"]


def test_a_cause_nobody_listed_makes_no_second_party() -> None:
    text = "原告：张大明。被告：大成有限公司。原告张大明与被告大成有限公司闻所未闻之事纠纷一案"
    assert sole(text) == ["张大明", "大成有限公司"]


def test_declarations_say_what_is_not_sure() -> None:
    text = "原告张大明与被告李小军等买卖合同纠纷一案"
    assert [(d.name, d.role, d.sure) for d in find_declarations(text)] == [
        ("张大明", "原告", True),
        ("李小军", "被告", True),
        ("等", "被告", False),
    ]


PIECES = [
    "原告",
    "被告",
    "被告人",
    "第三人",
    "上诉人",
    "被上诉人",
    "：",
    "（",
    "）",
    "、",
    "，",
    "。",
    "\n",
    "张三",
]
PIECES += [
    "王某1",
    "500元",
    "江北大成公司",
    "李某",
    "李某某",
    "大成公司",
    "分公司",
    "（以下简称大成）",
    "与",
    "诉",
    "合同纠纷",
    "一案",
    "等",
    "和",
    "二",
    "反诉",
]


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=80).map("".join))
)
def test_whatever_the_text_places_are_true(text: str) -> None:
    parties = find_parties(text)
    for party in parties:
        assert text[party.declared : party.declared + len(party.role)] == party.role
        assert len(set(party.names)) == len(party.names)
    names = [name for party in parties for name in party.names]
    assert len(set(names)) == len(names)
    mentions = find_mentions(text, parties)
    for mention in mentions:
        assert text[: mention.end].endswith(mention.party.names)
    for before, after in zip(mentions, mentions[1:], strict=False):
        assert before.end <= after.start
    alone = find_sole_parties(text, parties)
    assert set(alone) <= set(parties)
    assert len({party.role for party in alone}) == len(alone)


@pytest.mark.parametrize(
    "text",
    ["原告" * 20_000, "（" * 60_000, "（）" * 20_000, "\n" * 60_000, "原告 " * 20_000]
    + ["原告：" * 20_000, "被告张三、" * 12_000, "追加" * 30_000, "撤回对" * 20_000]
    + ["原告纠纷" * 15_000, HEADER + "李小军" * 20_000, HEADER + "证人李小军" * 12_000]
    + [HEADER + "李小军（以下简称李某）" * 5_000, PLACED + "江北大成公司" * 9_000]
    + [NUMBERED + "王某15元" * 10_000, NUMBERED + "王某1" + "5" * 60_000]
    + [NUMBERED + "某1" * 30_000],
    ids=lambda text: text[-6:],
)
def test_long_texts_take_time_in_proportion(text: str) -> None:
    started = time.process_time()
    parties = find_parties(text)
    find_mentions(text, parties)
    find_sole_parties(text, parties)
    assert time.process_time() - started < 5  # quadratic would be minutes; this is under one second
