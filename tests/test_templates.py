from __future__ import annotations

import re
from collections import Counter

import pytest

from spaces.templates import template_summary

HEAD = (
    "原告：钱小满，男，汉族，住青山县。被告：郝大树，男，汉族，住青山县。"
    "原告钱小满与被告郝大树租赁合同纠纷一案，本院于2018年3月1日立案后，公开开庭进行了审理。"
)
CLAIM = (
    "原告钱小满向本院提出诉讼请求：1.判令被告支付租金8200元及利息（自2017年1月1日起计算）；"
    "2.本案诉讼费由被告承担。事实与理由：被告租用原告的水泵，至今未付租金。"
)
DEFENCE = "被告郝大树辩称，水泵有故障，租金应当减半。"
FACTS = "本院经审理查明，2016年5月原告将水泵两台出租给被告。上述事实有租赁单在卷佐证。"
REASONS = (
    "本院认为，依法成立的合同，对当事人具有法律约束力。原告与被告之间的租赁合同合法有效，"
    "郝大树未按约支付租金，已构成违约，应当承担违约责任。当事人对自己提出的主张有责任提供证据。"
)
LAWS = "依照《中华人民共和国合同法》第六十条、第二百二十六条之规定，判决如下："
RULING = (
    "一、被告郝大树于本判决生效之日起十日内支付原告钱小满租金8200元；"
    "二、驳回原告钱小满的其他诉讼请求。"
)
TAIL = (
    "如果未按本判决指定的期间履行给付金钱义务，应当依照《中华人民共和国民事诉讼法》第二百五十三条之规定，"
    "加倍支付迟延履行期间的债务利息。案件受理费50元，由被告负担。如不服本判决，可以上诉。审判员钟某"
)
JUDGMENT = HEAD + CLAIM + DEFENCE + FACTS + REASONS + LAWS + RULING + TAIL


def variants(count: int) -> list[str]:
    """Judgments that differ in the date only, with their summaries."""
    texts = [JUDGMENT.replace("3月1日", f"{n % 12 + 1}月{n % 28 + 1}日") for n in range(count)]
    return [summary for text in texts if (summary := template_summary(text))]


def test_the_parts_of_a_summary_come_in_order():
    summary = template_summary(JUDGMENT)
    assert summary
    parts = [
        "租赁合同",
        "支付租金8200元",
        "水泵有故障，租金应当减半",
        "已构成违约，应当承担违约责任",
        "合同法》第六十条、第二百二十六条",
        "判决",
        "被告",
        "支付原告租金8200元",
        "驳回原告的其他诉讼请求",
    ]
    places = [summary.find(part, 0) for part in parts]
    assert -1 not in places
    places[6] = summary.rfind("被告", 0, places[7])
    assert sorted(places) == places


def test_what_summaries_leave_out():
    for summary in variants(40):
        assert not re.search(
            "诉讼费|受理费|审判员|钱小满|郝大树|在卷|对自己提出|立案|自2017年", summary
        )


def test_phrases_vary_from_judgment_to_judgment_and_are_the_same_for_the_same():
    assert template_summary(JUDGMENT) == template_summary(JUDGMENT)
    summaries = variants(200)
    assert len(summaries) == 200
    openings = Counter(summary.split("。")[0] for summary in summaries)
    assert len(openings) >= 4
    assert openings.most_common(1)[0][0] == "原被告系租赁合同纠纷"
    assert openings.most_common(1)[0][1] < 150
    for choice in ("加倍支付", "十日内", "中华人民共和国合同法", "判决如下", "经查明"):
        assert 10 < sum(choice in summary for summary in summaries) < 190, choice


def test_long_judgments_are_summarized_in_another_manner():
    facts = "".join(f"{year}年原告向被告交付水泵一台。" for year in range(1950, 2016))
    laws = LAWS.replace(
        "之规定", "".join(f"、第二百三十{n}条" for n in "一二三四五六七八九") + "之规定"
    )
    text = JUDGMENT.replace(FACTS, "本院经审理查明，" + facts).replace(LAWS, laws)
    assert len(text) > 1500
    summary = template_summary(text)
    assert summary
    assert re.search("查明，.*交付水泵.*构成违约.*第六十条.*等规定，判决", summary)
    assert "十日内" not in summary
    assert len(summary) < 450


@pytest.mark.parametrize(
    "text",
    [
        "",
        "判决如下：",
        HEAD + CLAIM + REASONS,
        JUDGMENT.replace(CLAIM, "").replace(RULING, "一、驳回。"),
    ],
    ids=["empty", "only a cue", "no ruling", "no claim"],
)
def test_none_where_something_is_missing(text: str):
    assert template_summary(text) is None


def test_silence_of_the_defendant():
    silent = JUDGMENT.replace(DEFENCE, "被告郝大树未作答辩。")
    assert re.search("被告未(?:到庭|作)?答辩。", template_summary(silent) or "")


@pytest.mark.parametrize("colon", ["：", ":"])
def test_no_delimiter_is_doubled(colon: str):
    for summary in variants(30):
        assert not re.search("[，。；：:、]{2}", summary.replace("：", colon))
        assert summary.endswith("。")
