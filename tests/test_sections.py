"""Sections are opened by the courts' formulas, in the courts' order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.sections import SECTIONS, find_sections


def sections(*clauses: str) -> list[str]:
    return [SECTIONS[i] for i in find_sections(clauses)]


def test_a_whole_judgment() -> None:
    judgment = {
        "原告：张三，男。": "head",
        "本院受理后向被告送达了举证通知书。": "head",
        "原告张三向本院提出诉讼请求：": "claim",
        "判令被告还款并承担诉讼费100元。": "claim",
        "被告李四辩称，": "defence",
        "钱已还清。": "defence",
        "经审理查明，": "facts",
        "某市法院曾作出判决：驳回起诉。": "facts",
        "审判员王五另案审理。": "facts",
        "本院认为，": "reasons",
        "被告辩称没有依据。": "reasons",
        "依照《中华人民共和国民法典》第一条之规定，判决如下：": "reasons",
        "驳回原告的诉讼请求。": "ruling",
        "案件受理费50元，由原告负担。": "tail",
        "审判员赵六": "tail",
    }
    assert sections(*judgment) == list(judgment.values())


def test_criminal_defenders_named_in_the_head_open_nothing() -> None:
    clauses = ["被告人张三。", "辩护人赵六，律师。", "某检察院指控：", "辩护人提出，张三坦白。"]
    assert sections(*clauses) == ["head", "head", "claim", "defence"]


def test_a_section_may_be_missing() -> None:
    assert sections("原告诉称，", "本院认为，") == ["claim", "reasons"]
    rules = "依照《某法》第一条规定，判决如下："
    assert sections("原告诉称，", rules, "驳回。") == ["claim", "reasons", "ruling"]


def test_a_ruling_in_the_clause_of_its_formula() -> None:
    assert sections("本院认为，", "判决如下：驳回起诉。") == ["reasons", "ruling"]


def test_the_first_clause_of_a_ruling_is_no_tail() -> None:
    clauses = ["本院认为，", "判决如下：", "驳回起诉，案件受理费10元。", "书记员王五"]
    assert sections(*clauses) == ["reasons", "reasons", "ruling", "tail"]


@pytest.mark.parametrize(
    "formula",
    ["经查询，", "当事人在举证期限内未提交。", "判决已生效。", "天气晴。"],
)
def test_what_opens_nothing(formula: str) -> None:
    assert sections("原告诉称，", formula) == ["claim", "claim"]


@pytest.mark.parametrize(
    "formula", ["本院经审理认定：", "本院认定如下：", "本院经审理认定的事实与所诉一致。"]
)
def test_what_the_court_established_is_found(formula: str) -> None:
    assert sections("被告辩称，", formula, "双方系兄弟。") == ["defence", "facts", "facts"]
    assert sections("交警部门事故责任认定：", "被告全责。") == ["head", "head"]


@pytest.mark.parametrize("formula", ["本院审查认为，", "本院经审查后认为，", "本院综合认为，"])
def test_what_the_court_thinks_opens_the_reasons(formula: str) -> None:
    assert sections("经审理查明，", formula, "应予支持。") == ["facts", "reasons", "reasons"]


def test_an_answer_behind_evidence_is_no_finding() -> None:
    judgment = {
        "原告诉称，": "claim",
        "原告为证明其主张提交如下证据：": "facts",
        "借条一份。": "facts",
        "被告李四辩称，": "defence",
        "借款已还清。": "defence",
        "本院对上述证据予以采信。": "facts",
        "经审理查明，": "facts",
        "被告曾辩称未收到借款。": "facts",
        "本院认为，": "reasons",
    }
    assert sections(*judgment) == list(judgment.values())


def test_what_a_defendant_makes_of_evidence_is_no_finding() -> None:
    clauses = ["被告辩称，", "根据原告提供的证据显示，", "合同未成立。", "经审理查明，"]
    assert sections(*clauses) == ["defence", "defence", "defence", "facts"]


@pytest.mark.parametrize(
    "argued",
    [
        "原告未提交证据证明其损失。",
        "原告应当举证证明。",
        "从原告提交的证据显示，",
        "三、仲裁裁决认定事实清楚，",
        "举证责任在原告，",
    ],
)
def test_who_argues_with_evidence_finds_nothing(argued: str) -> None:
    """As long as findings follow; a text without them has the court's own words there."""
    told = ["被告辨称，", "未签合同。", argued, "请求驳回。"]
    assert sections(*told, "经审理查明，", "已签合同。") == ["defence"] * 4 + ["facts"] * 2
    assert sections(*told, "本院认为，", "应还。")[-2:] == ["reasons"] * 2
    if "提交" in argued:
        assert sections(*told[:3], "判决如下：")[2] == "facts"


@pytest.mark.parametrize("announced", ["本院认定事实如下：", "经审理查明，", "本院确认以下事实："])
def test_evidence_weighed_before_the_findings_is_no_reason(announced: str) -> None:
    weighed = ["被告辩称，", "已还。", "原告提交了证据。", "本院认为，", "收条真实。"]
    found = ["defence"] * 2 + ["facts"] * 3
    assert sections(*weighed, announced, "借五万。", "本院认为，") == [
        *found,
        "facts",
        "facts",
        "reasons",
    ]
    # the last reasons are reasons, whatever they say of facts
    assert sections(*weighed, announced, "借五万。")[-4:] == ["reasons"] * 4
    told = sections(*weighed, "本院认为从查明的事实来看，", "应还。", "本院认为，")
    assert told[-5:] == ["reasons"] * 5


@pytest.mark.parametrize(
    "told",
    [
        ["本院认为，", "被告应赔偿。", "本院查明的事实足以证明，", "综上，本院认为，"],
        ["本院认为，", "被告应赔偿。", "原告的损失本院确认如下：", "医疗费1万元。", "本院认为，"],
        ["本院认为，", "另案判决载明：", "“经审理查明，借款属实。”", "本院认为，"],
    ],
)
def test_what_the_reasons_say_of_facts_leaves_them_reasons(told: list[str]) -> None:
    assert sections("被告辩称，", "经审理查明，", *told)[2:] == ["reasons"] * len(told)


def test_who_argues_is_in_the_claim_or_the_defence() -> None:
    absent = ["原告诉称，", "欠款。", "被告经传唤未到庭，", "也未提交证据。", "经审理查明，"]
    assert sections(*absent)[3] == "facts"
    supplied = ["被告辩称，", "已付。", "供应商提交的证据如下：", "经审理查明，"]
    assert sections(*supplied)[2] == "facts"
    # 查明 in the reasons announces no findings
    told = ["被告辩称，", "未签。", "被告未提交证据。", "原告提交了借条。", "本院认为，"]
    assert sections(*told, "根据查明的事实，")[2:4] == ["facts"] * 2


def test_neither_answered_nor_brought_evidence() -> None:
    clauses = ["原告诉称，", "被告李四未答辩亦未举证。", "本院经审理认定事实如下："]
    assert sections(*clauses) == ["claim", "defence", "facts"]


def test_what_the_head_says_to_be_examined_is_no_finding() -> None:
    judgment = {
        "甲诉乙侵害商标权纠纷一案，": "head",
        "经审查，": "head",
        "本案案由应为不正当竞争纠纷。": "head",
        "原告起诉称：": "claim",
        "乙应赔偿20万元。": "claim",
        "经审理查明，": "facts",
        "原告诉称，": "facts",
    }
    assert sections(*judgment) == list(judgment.values())


def test_what_the_head_says_of_answers_is_no_defence() -> None:
    judgment = {
        "甲诉乙借款合同纠纷一案，": "head",
        "被告未提交书面答辩状。": "head",
        "原告向本院提出诉讼请求：": "claim",
        "被告辩称，": "defence",
        "按原告诉称：": "defence",
    }
    assert sections(*judgment) == list(judgment.values())


def test_a_first_answer_behind_findings_is_one() -> None:
    judgment = {
        "原告诉称，": "claim",
        "原告提交证据借条一份。": "facts",
        "本院对借条的真实性予以确认。": "facts",
        "被告李四辩称，": "defence",
        "借款已还清。": "defence",
        "经审理查明，": "facts",
        "被告辩称：": "facts",
        "本院认为，": "reasons",
    }
    assert sections(*judgment) == list(judgment.values())


@given(st.lists(st.text(max_size=30)))
def test_sections_go_back_from_evidence_to_its_answer_only(clauses: list[str]) -> None:
    found = find_sections(clauses)
    assert len(found) == len(clauses)
    assert set(found) <= set(range(len(SECTIONS)))
    for before, after in pairwise(found):
        assert before <= after or (SECTIONS[before], SECTIONS[after]) == ("facts", "defence")


@pytest.mark.parametrize(
    "courts",
    [
        ["原告主张还款，", "本院予以支持。"],
        ["本案中，", "借条真实。"],
        ["被告辩称已还款，", "本院不予采信。"],
        ["其诉请于法有据。"],
    ],
)
def test_reasons_that_nothing_opens_begin_where_the_court_decides(courts: list[str]) -> None:
    told = ["原告向本院提出诉讼请求：", "还款。", "被告辩称，", "已还款。", *courts]
    rests = ["综上，", "依照《甲法》第一条，", "判决如下：", "还款。"]
    found = ["claim"] * 2 + ["defence"] * 2 + ["reasons"] * len(courts)
    assert sections(*told, *rests) == [*found, *["reasons"] * 3, "ruling"]
    # where something opens them, or nothing is ordered, nothing is guessed
    assert sections(*told, "本院认为，", *rests)[4] != "reasons"
    assert sections(*told)[4] != "reasons"


@pytest.mark.parametrize(
    "partys",
    [
        ["借款合法有效，", "请求驳回。"],
        ["本案中，", "我方已还款。"],
        ["被告丙辩称，", "本案中，", "应由乙还款。"],
        ["应由乙偿还。"],
    ],
)
def test_what_a_party_says_opens_no_reasons(partys: list[str]) -> None:
    told = ["原告诉称，", "欠款。", "被告乙辩称，", "已还款。", *partys]
    found = sections(*told, "依照《甲法》第一条，", "判决如下：", "还款。")
    assert found[4:] == ["defence"] * len(partys) + ["reasons"] * 2 + ["ruling"]


def test_where_nobody_answers_what_judges_is_the_courts() -> None:
    told = ["原告向本院提出诉讼请求：", "被告应当支付货款。", "合同合法有效。", "被告应偿还。"]
    rests = ["依照《甲法》第一条，", "判决如下：", "还款。"]
    assert sections(*told, *rests) == ["claim"] * 2 + ["reasons"] * 4 + ["ruling"]
    facts = ["经审理查明：", "双方签订合同。", "乙未还款。", *rests]
    assert sections(*told[:2], *facts)[2:] == ["facts"] * 3 + ["reasons"] * 2 + ["ruling"]


def test_who_speaks_of_the_plaintiff_and_of_us_is_a_defendant() -> None:
    told = ["原告请求判令乙付款。", "设备已损坏，", "我公司要求搬离，", "原告阻止。", "故不付款。"]
    assert sections(*told, "本院认为，") == ["claim", *["defence"] * 4, "reasons"]
    assert sections(*told[:3], "乙阻止。", "本院认为，")[:4] == ["claim"] * 4
    answered = [*told[:4], "被告辩称，", "不付款。"]
    assert sections(*answered) == ["claim"] * 4 + ["defence"] * 2


def test_what_a_bank_has_looked_into_is_no_finding() -> None:
    assert sections("被告辩称，", "经查原告在我行有贷款，") == ["defence"] * 2
    assert sections("被告辩称，", "经查原告有贷款，") == ["defence", "facts"]


@pytest.mark.parametrize(
    "claims",
    [
        ["原告甲公司诉称，", "我公司与被告签订合同，", "被告未付款。", "请求判令付款。"],
        ["原告提出诉讼请求：", "判令被告付款。", "仲裁委依法裁决驳回原告的请求。"],
        ["原告提出诉讼请求：", "判令被告付款。", "原告与被告签订合同，", "我公司依约付款。"],
    ],
)
def test_a_plaintiff_who_says_we_makes_no_defence(claims: list[str]) -> None:
    assert sections(*claims, "本院认为，") == ["claim"] * len(claims) + ["reasons"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (["借条系伪造。", "请求本院依法驳回原告的诉讼请求。"], ["defence"] * 2),
        (
            ["被告丙经本院依法传唤未到庭。", "本院认定如下事实：", "借款。"],
            ["defence", *["facts"] * 2],
        ),
        (["本案原告无借条。", "我方已还款。"], ["defence"] * 2),
        (["已还款。", "原告的诉讼请求本院不予支持。"], ["defence", "reasons"]),
    ],
)
def test_who_turns_to_this_court_is_not_the_court(told: list[str], expected: list[str]) -> None:
    before = ["原告诉称，", "根据《借款合同》约定，", "被告应还款。", "被告辩称，", "已还款。"]
    found = sections(*before, *told, "依照《合同法》第一条，", "判决如下：", "驳回。")
    assert found == ["claim"] * 3 + ["defence"] * 2 + expected + ["reasons"] * 2 + ["ruling"]
