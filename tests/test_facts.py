from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.facts import Fact, describe_missing, find_facts, missing_facts

D = Decimal
REPOSITORY = Path(__file__).parents[1]


def values(text: str, kind: str | None = None) -> list:
    return [fact.value for fact in find_facts(text) if kind in (None, fact.kind)]


@pytest.mark.parametrize(
    ("written", "yuan"),
    [
        ("一万元", "10000"),
        ("10000元", "10000"),
        ("10,000元", "10000"),
        ("10，000元", "10000"),
        ("1,234,567.89元", "1234567.89"),
        ("1万元", "10000"),
        ("1.5万元", "15000"),
        ("1.23456万元", "12345.6"),
        ("人民币壹万元整", "10000"),
        ("47500.52元", "47500.52"),
        ("５万元", "50000"),
        ("５万", None),
        ("3 万元", "30000"),
        ("二十万元", "200000"),
        ("两万三千元", "23000"),
        ("三万五元", "35000"),
        ("一百零五元", "105"),
        ("十五元", "15"),
        ("3万5千元", "35000"),
        ("2万4500元", "24500"),
        ("10万零500元", "100500"),
        ("一百二十万零五百元", "1200500"),
        ("1亿2000万元", "120000000"),
        ("壹亿壹仟贰佰万元", "112000000"),
        ("壹仟贰佰叁拾肆元伍角陆分", "1234.56"),
        ("壹佰元零伍分", "100.05"),
        ("5元5角", "5.5"),
        ("20余万元", "200000"),
        ("20万余元", "200000"),
        ("三十多万元", "300000"),
        ("￥300,000.00", "300000"),
        ("￥300,000.00元", "300000"),
        ("人民币5000", "5000"),
        ("伍拾万圆整", "500000"),
        ("50块钱", "50"),
        ("三元区", None),
        ("100万美元", None),
        ("一元旦", None),
    ],
)
def test_amounts_have_their_value_in_yuan(written, yuan):
    facts = [fact for fact in find_facts(f"应付{written}，") if fact.kind == "amount"]
    assert [fact.value for fact in facts] == ([] if yuan is None else [D(yuan)])
    if yuan is not None:
        assert facts[0].text == written


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2017年5月1日", (2017, 5, 1)),
        ("２０１７年５月１日", (2017, 5, 1)),
        ("2017 年 5 月 1 日", (2017, 5, 1)),
        ("二〇一七年五月一日", (2017, 5, 1)),
        ("二○一七年十二月三十一日", (2017, 12, 31)),
        ("二Ο一七年十一月二十日", (2017, 11, 20)),
        ("2017-05-01", (2017, 5, 1)),
        ("2017.5.1", (2017, 5, 1)),
        ("2017/5/1", (2017, 5, 1)),
        ("2017年5月", (2017, 5, None)),
        ("2017年5月份", (2017, 5, None)),
        ("2017年元月1日", (2017, 1, 1)),
        ("2017年", (2017, None, None)),
        ("2017年度", (2017, None, None)),
        ("17年5月1日", (2017, 5, 1)),
        ("98年5月", (1998, 5, None)),
        ("5月1日", (None, 5, 1)),
        ("2017年5月1号", (2017, 5, 1)),
    ],
)
def test_dates(written, value):
    (fact,) = find_facts(f"于{written}，")
    assert (fact.kind, fact.text, fact.value) == ("date", written, value)


def test_days_that_share_a_month():
    assert values("2019年4月26日、28日至30日") == [(2019, 4, 26), (2019, 4, 28), (2019, 4, 30)]
    assert values("2019年4月26日，十日内") == [(2019, 4, 26), (D(10), "天")]


@pytest.mark.parametrize("text", ["2017年13月", "2017-13-01", "3年6个月", "0001年"])
def test_no_such_date(text):
    assert all(v[1] is None for v in values(text, "date"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("《中华人民共和国合同法》第一百零九条第一款", [("合同法", "109")]),
        ("《合同法》第109条", [("合同法", "109")]),
        ("《合同法》第六条、第八条、第十条", [("合同法", a) for a in ("6", "8", "10")]),
        ("《合同法》第六、八、十条", [("合同法", a) for a in ("6", "8", "10")]),
        ("《合同法》第二百零六、二百零七条", [("合同法", "206"), ("合同法", "207")]),
        ("《合同法》第107,108条", [("合同法", "107"), ("合同法", "108")]),
        ("《合同法》第4条第6条", [("合同法", "4"), ("合同法", "6")]),
        ("《合同法》六十条", [("合同法", "60")]),
        ("《合同法》第六条第一款第（二）项、第八条", [("合同法", "6"), ("合同法", "8")]),
        ("《合同法》、《担保法》第六条", [("合同法", None), ("担保法", "6")]),
        ("《公司法》（2018年修正）第三条", [("公司法", "3")]),
        ("《公司法（2018修正）》第三条", [("公司法", "3")]),
        (
            "《公司法》（以下简称《公司法》）第三条",
            [("公司法", None), ("公司法", None), ("公司法", "3")],
        ),
        ("《刑法》第一百三十三条之一", [("刑法", "133之1")]),
        ("《刑法》第一百三十三条之规定", [("刑法", "133")]),
        ("依照合同法第六条、民法典第七条", [("合同法", "6"), ("民法典", "7")]),
        ("《合同法》第六条。第七条", [("合同法", "6"), ("", "7")]),
        ("《合同法》第六条，违反本法第七条", [("合同法", "6"), ("合同法", "7")]),
        ("《合同法》第六条，合作协议第七条", [("合同法", "6"), ("", "7")]),
        (
            "《关于适用〈中华人民共和国婚姻法〉若干问题的解释（二）》第二十四条",
            [("关于适用婚姻法若干问题的解释（二）", "24")],
        ),
        ("关于适用《担保法》若干问题的解释第二十条", [("担保法若干问题的解释", "20")]),
        ("《员工手册》《借款合同》", []),
        ("《借款合同》第五条", [("借款合同", "5")]),
        ("第一项、第二项，第3327882号商标，第三人", []),
    ],
)
def test_statutes(text, expected):
    assert values(text, "statute") == expected
    assert values(text, "number") == []


def test_an_article_includes_its_law_and_its_paragraph():
    text = "依照《合同法》（2001年修正）第六条第一款、第八条规定"
    assert [fact.text for fact in find_facts(text)] == [
        "《合同法》（2001年修正）第六条第一款",
        "第八条",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("月利率2%", [(D(2), "%")]),
        ("月利率１．５％", [(D("1.5"), "%")]),
        ("月利率15‰", [(D("1.5"), "%")]),
        ("百分之二十四", [(D(24), "%")]),
        ("百分之百", [(D(100), "%")]),
        ("百分之零点五", [(D("0.5"), "%")]),
        ("日万分之五", [(D("0.05"), "%")]),
        ("月息2分", [(D(2), "%")]),
        ("月利率一分五厘", [(D("1.5"), "%")]),
        ("月息5厘", [(D("0.5"), "%")]),
        ("三分之一", [(D(1), "3分之")]),
        ("继承1/3", [(D(1), "3分之")]),
        ("89.5㎡", [(D("89.5"), "平方米")]),
        ("89.5平方米", [(D("89.5"), "平方米")]),
        ("十日内", [(D(10), "天")]),
        ("三年", [(D(3), "年")]),
        ("6个月", [(D(6), "个月")]),
        ("十倍", [(D(10), "倍")]),
        ("3名", [(D(3), "人")]),
        ("100万美元", [(D(1000000), "美元")]),
        ("借款30万", [(D(300000), "")]),
        ("借款三十万", [(D(300000), "")]),
        ("余款1200未付", [(D(1200), "")]),
        ("一次性、一审、二被告、一人有限公司、原被告五人", []),
        ("（2018）京0105民初1273号", []),
        ("法释〔2015〕18号", []),
        ("1、判令支付；2.解除；3）驳回；（4）返还", []),
        ("1、2017年", [(2017, None, None)]),
        ("1.2017年", [(2017, None, None)]),
        ("车牌粤A12345，账号6222****1234，张某1，被告2", []),
        ("捡拾时", []),
        ("5人民币", [(D(5), "")]),
    ],
)
def test_other_numbers(text, expected):
    assert values(text) == expected


STATED = [
    ("1万元", "借款10000元"),
    ("10000元", "借款壹万元整"),
    ("10000元", "医疗费10000、误工费200元"),
    ("1200", "误工费1200元"),
    ("30万", "借款300000元"),
    ("2017年5月", "2017年5月3日"),
    ("2017年", "二〇一七年五月三日"),
    ("5月3日", "2017年5月3日"),
    ("2017年5月3日", "2017年2月1日出具借条，同年5月3日还款"),
    ("《合同法》第八条", "《中华人民共和国合同法》第六条、第八条"),
    ("《合同法》", "《中华人民共和国合同法》第六条"),
    ("《中华人民共和国合同法》第8条", "合同法第六条、第八条"),
    ("《民诉法》第64条", "《中华人民共和国民事诉讼法》第六十四条"),
    ("《婚姻法解释二》第24条", "《最高人民法院关于适用〈婚姻法〉若干问题的解释（二）》第二十四条"),
    ("《关于民事诉讼证据的若干规定》第二条", "最高人民法院《民事诉讼证据规定》第二条"),
    ("《合同法》第六条", "违反了第六条"),
    ("月利率1.5%", "月利率15‰"),
    ("十日内", "10日内"),
    ("100㎡", "面积100.00平方米"),
]


@pytest.mark.parametrize(("summary", "judgment"), STATED)
def test_stated_in_another_form(summary, judgment):
    assert find_facts(summary)
    assert missing_facts(summary, judgment) == []


MISSING = [
    ("1万元", "借款1000元"),
    ("1万元", "借款本金1万股"),
    ("5000元", ""),
    ("2017年5月3日", "2017年5月"),
    ("2017年5月3日", "2016年5月3日"),
    ("2017年6月", "2017年5月"),
    ("《合同法》第八条", "《合同法》第六条"),
    ("《合同法》第八条", "《劳动合同法》第八条"),
    ("《刑法》第八条", "《刑事诉讼法》第八条"),
    ("《刑法》第一百三十三条", "《刑法》第一百三十三条之一"),
    ("《担保法》", "《合同法》第六条"),
    ("月利率2%", "月利率2.5%"),
    ("十日内", "十五日内"),
    ("100平方米", "100亩"),
]


@pytest.mark.parametrize(("summary", "judgment"), MISSING)
def test_not_stated(summary, judgment):
    assert len(missing_facts(summary, judgment)) == 1


def test_missing_facts_have_their_place_in_the_summary():
    summary = "判决：被告偿还原告借款1万元及利息（月利率３％）。"
    (fact,) = missing_facts(summary, "借款10000元，月利率2%")
    assert fact == Fact("number", 21, 23, "３％", (D(3), "%"))
    assert summary[fact.start : fact.end] == fact.text


def test_sentences_for_what_is_missing():
    summary = "2017年5月借款5000元，5000元未还，月利率2%。依照《合同法》第六条、第八条，《担保法》"
    assert describe_missing(missing_facts(summary, "")) == [
        "The date 2017年5月 stands in the summary but not in the judgment.",
        "The amount 5000元 stands in the summary but not in the judgment.",
        "The number 2% stands in the summary but not in the judgment.",
        "The statute article 《合同法》第六条 stands in the summary but not in the judgment.",
        "The statute article 《合同法》第八条 stands in the summary but not in the judgment.",
        "The statute 《担保法》 stands in the summary but not in the judgment.",
    ]


PIECES = st.sampled_from(
    [
        *"0159０５一二十百千万亿零〇壹拾两.,，、点年月日号元角分",
        *"条款第之《》（）()%‰-/×*A余个人至 \n。",
        "《合同法》",
        "第六条",
        "百分之",
    ]
    + ["人民币", "￥", "2017年", "分之", "平方米", "息", "某", "原告", "\u0661", "²", "\ud800", "𝟙"]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_facts_in_order_without_overlap(text):
    last = 0
    for fact in find_facts(text):
        assert last <= fact.start < fact.end
        assert text[fact.start : fact.end] == fact.text
        last = fact.end
        if fact.kind == "amount":
            assert fact.value.is_finite() and fact.value >= 0
    assert missing_facts(text, text) == []
    describe_missing(missing_facts(text, ""))


def chinese(number: int) -> str:
    """The plain way to write 0 < number < 10**8, one digit after the other."""
    if number >= 10000:
        high, low = divmod(number, 10000)
        return (
            chinese(high) + "万" + ("零" if 0 < low < 1000 else "") + (chinese(low) if low else "")
        )
    text = ""
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            text += "零一二三四五六七八九"[digit] + name
        elif text and number % unit and not text.endswith("零"):
            text += "零"
    return text


@given(st.integers(min_value=1, max_value=10**8 - 1))
@settings(max_examples=100, deadline=None)
def test_chinese_and_arabic_amounts_agree(number):
    capital = chinese(number).translate(
        str.maketrans("一二三四五六七八九十百千", "壹贰叁肆伍陆柒捌玖拾佰仟")
    )
    forms = [f"{number}元", f"{number:,}元", f"{chinese(number)}元", f"人民币{capital}元整"]
    assert [values(form) for form in forms] == [[D(number)]] * len(forms)


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "111,",
        "一",
        "一亿",
        "《",
        "《中",
        "第",
        "第1、",
        "第一、",
        "第一条、",
        "（2018）",
        "a",
        "×",
    ]
    + ["2017年", "1月1日、1日、", "十分之", "一点", "1 ", "《法》（", "支付10,000元，"],
)
def test_time_grows_with_the_length_only(piece):
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        start = time.process_time()
        find_facts(text)
        return time.process_time() - start

    # 32 times the text: 32 times the time, where quadratic work would take 1,024 times. The least
    # of several, and at least what a machine can measure while others use it.
    few = max(min(seconds(2_000) for _ in range(3)), 0.01)
    assert min(seconds(64_000) for _ in range(2)) < 200 * few


def test_importing_is_light():
    code = "import sys, spaces.facts; print({'torch', 'jieba', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_a_name_that_the_judgment_lacks_is_missing() -> None:
    judgment = "原告：大成有限公司。被告：李某1。被告李某1向原告大成有限公司借款5000元。"
    assert missing_facts("原告大成有限公司诉被告李某1借款5000元。", judgment) == []
    summary = "原告大有公司诉被告李某2，借款5000元。"
    missing = missing_facts(summary, judgment)
    assert [(fact.kind, fact.text) for fact in missing] == [
        ("party", "大有公司"),
        ("party", "李某2"),
    ]
    assert [summary[fact.start : fact.end] for fact in missing] == ["大有公司", "李某2"]
    assert describe_missing(missing)[0] == (
        "The name 大有公司 stands in the summary but not in the judgment."
    )
