"""What is read of a judgment: roles for names, no asides, and only its own characters."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.sentences import split_clauses
from spaces.wording import Wording

HEADER = "原告：张大明，男。被告：李小军，男。原告张大明与被告李小军借款合同纠纷一案。"


def read(text: str, start: int = 0, end: int | None = None) -> str:
    pieces = Wording(text).pieces(start, len(text) if end is None else end)
    return "".join(text[a:b] for a, b in pieces)


def read_behind(sentence: str, header: str = HEADER) -> str:
    return read(header + sentence, len(header))


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("李小军向原告张大明借款。", "被告向原告借款。"),
        ("原告（反诉被告）张大明起诉。", "原告起诉。"),
        ("利息（计算至2017年2月15日）由李小军付。", "利息由被告付。"),
        ("利息(暂计至起诉之日)未付。", "利息未付。"),
        ("（一）驳回。", "（一）驳回。"),
        ("《张大明（又名张小明明）传》是书。", "《张大明（又名张小明明）传》是书。"),
        ("本金（张大明所付部分）未还。", "本金未还。"),
        ("被告张大明应当还款。", "被告张大明应当还款。"),
        # what would read as something else with the role in place
        ("原张大明的房屋。", "原张大明的房屋。"),
        ("反诉张大明。", "反诉张大明。"),
        ("赔偿张大明人身损害。", "赔偿张大明人身损害。"),
        ("赔偿原告张大明人民币5元。", "赔偿原告人民币5元。"),
        # what the role would say twice
        ("原告张大明的原告主体资格适格。", "原告主体资格适格。"),
        ("李小军的被告身份，张大明的被告。", "被告身份，原告的被告。"),
    ],
)
def test_how_a_sentence_is_read(sentence: str, expected: str) -> None:
    assert read_behind(sentence) == expected


def test_what_an_order_is_reckoned_by_stays() -> None:
    before = "借款（按合同约定的利率计息）未还。判决如下："
    order = "被告付利息（按合同约定的利率计算），还款（扣除已还的一万元）（限十日内付清）。"
    expected = "被告付利息（按合同约定的利率计算），还款（扣除已还的一万元）。"
    assert read(before + order) == "借款未还。判决如下：" + expected
    for instead in ("（或折价赔偿五千元）", "（被告已经支付一千元）", "（以实际余额为准）"):
        assert read(f"判决如下：被告返还设备{instead}。").endswith(f"设备{instead}。")
    for period in ("（计算至2018年1月21日）", "（自2017年2月1日起）", "（利息截止2017年9月7日）"):
        assert read(f"判决如下：付利息970元{period}。").endswith(f"970元{period}。")
        assert read(f"付利息970元{period}。判决如下：") == "付利息970元。判决如下："
    assert read("判决如下：判处缓刑（缓刑考验期从判决确定之日起计算）。") == "判决如下：判处缓刑。"


def test_a_term_of_a_sum_is_no_aside() -> None:
    assert read("应付2000元[5000元-（1500元×2）]。") == "应付2000元[5000元-（1500元×2）]。"
    assert read("应付2000元（1500元加500元）。") == "应付2000元。"
    assert read("王某××（系原告的同事）借款。") == "王某××借款。"


def test_nobody_is_beaten_into_an_appellee() -> None:
    header = "上诉人：张大明。被上诉人：李小军。一案。"
    assert read_behind("张大明被李小军打伤。", header) == "上诉人被被上诉人打伤。"
    assert read_behind("李小军被张大明打伤。", header) == "被上诉人被张大明打伤。"


def test_only_a_role_that_one_party_has_is_read() -> None:
    two = "原告：张大明。被告：李小军、王五。原告张大明与被告李小军、王五合同纠纷一案。"
    assert read_behind("李小军欠张大明，王五担保。", two) == "李小军欠原告，王五担保。"
    assert read_behind("李小军欠张大明。二被告未到庭。") == "李小军欠原告。二被告未到庭。"


def test_a_name_with_its_place_is_read_as_one_role() -> None:
    header = "原告：张大明，男。被告：江北县大成有限公司（以下简称大成公司）。二人合同纠纷一案。"
    assert read_behind("张大明与被告江北大成公司签约。", header) == "原告与被告签约。"
    for other in ("江北大成公司盖章。", "原大成公司的房屋。", "被告江北大成公司江南分公司。"):
        assert read_behind(other, header) == other


def test_a_sum_that_runs_on_from_a_name_is_read_by_itself() -> None:
    header = "原告：王某1，男。被告：李某1、李某2。原告王某1与被告李某1、李某2合同纠纷一案。"
    assert read_behind("应赔偿原告王某1105316元。", header) == "应赔偿原告105316元。"
    assert read_behind("应支付王某113929.5元。", header) == "应支付原告13929.5元。"
    # one of two: nothing can be put in the place of the name
    assert read_behind("应支付李某1500元。", header) == "应支付李某1500元。"
    assert read_behind("王某11到庭。王某1500元。", header) == "王某11到庭。原告500元。"
    assert read_behind("王某15到庭。王某1500元。", header) == "王某15到庭。王某1500元。"


def test_a_role_is_taken_from_its_own_place_or_the_declaration() -> None:
    text = HEADER + "李小军与原告张大明。"
    declared, _, own, _ = Wording(text).pieces(len(HEADER), len(text))
    assert declared == (text.index("被告"), text.index("被告") + 2)
    assert own == (len(HEADER) + 4, len(HEADER) + 6)


def test_an_edit_across_a_border_is_not_made() -> None:
    text = HEADER + "李小军还款。"
    assert read(text, len(HEADER) + 1) == "小军还款。"
    assert read(text, len(HEADER), len(HEADER) + 2) == "李小"


def test_text_without_parties_is_read_as_it_is() -> None:
    assert read("经审理查明，合同有效。") == "经审理查明，合同有效。"
    assert Wording("").pieces(0, 0) == []


PIECES = [
    "原告",
    "被告",
    "：",
    "（",
    "）",
    "《",
    "》",
    "、",
    "，",
    "。",
    "\n",
    "张三",
    "李某",
    "一案",
    "合同纠纷",
    "与",
]
PIECES += [
    "大成公司",
    "（以下简称大成）",
    "（计算至付清之日）",
    "原告：张三，男。",
    "被告：李某，女。",
    "人",
    "原",
]


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=80).map("".join)),
    st.data(),
)
def test_pieces_are_places_of_the_judgment(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    wording = Wording(text)
    pieces = wording.pieces(start, end)
    assert all(0 <= a < b <= len(text) for a, b in pieces)
    inside = [e for e in wording.edits if start <= e.start and e.end <= end]
    left_out = sum(e.end - e.start for e in inside)
    assert sum(b - a for a, b in pieces) == end - start - left_out + sum(e.length for e in inside)
    for before, after in zip(wording.edits, wording.edits[1:], strict=False):
        assert before.end <= after.start


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=80).map("".join))
def test_clauses_tile_the_whole_where_no_edit_crosses(text: str) -> None:
    wording = Wording(text)
    clauses = [(c.start, c.end) for c in split_clauses(text)]
    crossing = any(not any(a <= e.start and e.end <= b for a, b in clauses) for e in wording.edits)
    covered = "".join(text[a:b] for a, b in clauses) == text
    if covered and not crossing:
        parts = [piece for a, b in clauses for piece in wording.pieces(a, b)]
        whole = wording.pieces(0, len(text))
        assert "".join(text[a:b] for a, b in parts) == "".join(text[a:b] for a, b in whole)
