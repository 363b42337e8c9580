"""Clauses that belong together share a probability."""

from __future__ import annotations

import numpy as np
import pytest

from spaces.extract.answers import share_answers, share_cues, share_defaults
from spaces.extract.sharing import (
    drop_claims,
    drop_pleas,
    hold_lists,
    hold_questions,
    share_brackets,
    share_causes,
    share_grounds,
    share_opening,
    share_probabilities,
    share_withdrawals,
)
from spaces.outline import outline
from spaces.sections import SECTIONS


def shared(*clauses: tuple[str, float]) -> list[float]:
    texts, scores = zip(*clauses, strict=True)
    return share_brackets(np.array(scores), texts).tolist()


def test_the_clause_that_opens_a_bracket_decides_for_all_of_it():
    assert shared(
        ("偿还利息（按6%，", 0.9), ("自今日起，", 0.1), ("至清偿止）。", 0.2), ("驳回。", 0.3)
    ) == [
        0.9,
        0.9,
        0.9,
        0.3,
    ]
    assert shared(("依《合同法，", 0.1), ("担保法》，", 0.9)) == [0.1, 0.1]


def test_brackets_within_brackets_and_closed_ones():
    assert shared(("甲（乙“丙，", 0.9), ("丁”，", 0.1), ("戊），", 0.2), ("己。", 0.3)) == [
        *[0.9] * 3,
        0.3,
    ]
    assert shared(("甲（乙），", 0.9), ("丙。", 0.1)) == [0.9, 0.1]


def test_a_bracket_that_is_never_closed_binds_nobody():
    assert shared(("甲（乙，", 0.9), ("丙，", 0.1), ("丁。", 0.2)) == [0.9, 0.1, 0.2]
    far = [("丙，", 0.1)] * 30
    assert shared(("甲（乙，", 0.9), *far, ("丁）", 0.2)) == [0.9, *[0.1] * 30, 0.2]


def test_nothing_is_changed_in_place_and_nothing_is_fine():
    scores = np.array([0.9, 0.1], dtype=np.float32)
    assert share_brackets(scores, ["（", "）"]).dtype == np.float32
    assert scores.tolist() == [np.float32(0.9), np.float32(0.1)]
    assert share_brackets(np.zeros(0), []).tolist() == []


RULING = 5
DEFENCE = SECTIONS.index("defence")


def test_who_answered_has_an_answer():
    texts = ["被告乙辩称，", "已还款。", "不付息。", "被告丙辩称：", "不知情。", "本院认为，"]
    sections = [2, 2, 2, 2, 2, 4]
    shared = share_cues([0.8, 0.1, 0.3, 0.6, 0.2, 0.7], texts, sections)
    assert shared.tolist() == [0.8, 0.1, 0.8, 0.6, 0.6, 0.7]
    # and an answer the name of who gave it
    assert share_cues([0.2, 0.9, 0.1], texts[:3], sections[:3]).tolist() == [0.9, 0.9, 0.1]
    # that another did not appear is no answer of his
    texts = ["被告乙辩称，", "没有意见。", "被告丙未到庭。"]
    assert share_cues([0.8, 0.1, 0.6], texts, [2, 2, 2]).tolist() == [0.8, 0.8, 0.6]
    silent = share_cues([0.8, 0.1], ["被告辩称，", "本院认为，"], [2, 4])
    assert silent.tolist() == [0.8, 0.1]


def test_no_list_is_announced_of_which_nothing_is_told():
    texts = ["原告的损失本院认定如下：", "医疗费五元，", "共计九元。"]
    assert hold_lists([0.9, 0.1, 0.8], texts, [4] * 3).tolist() == [0.1, 0.1, 0.8]
    assert hold_lists([0.9, 0.95, 0.8], texts, [3] * 3).tolist() == [0.9, 0.95, 0.8]
    assert hold_lists([0.9, 0.1, 0.8], texts, [1] * 3).tolist() == [0.9, 0.1, 0.8]
    assert hold_lists([0.9, 0.1], texts[:2], [4, RULING]).tolist() == [0.9, 0.1]
    assert hold_lists([0.9, 0.1], ["损失如下", texts[1]], [4] * 2).tolist() == [0.9, 0.1]
    assert hold_lists([0.9], texts[:1], [4]).tolist() == [0.9]


def test_what_is_said_to_be_found_is_told():
    texts = ["本院经审理认定事实如下：", "双方系夫妻。", "乙借款。", "本院认为，"]
    assert share_cues([0.8, 0.1, 0.2, 0.9], texts, [3, 3, 3, 4]).tolist() == [0.8, 0.1, 0.8, 0.9]
    assert share_cues([0.1, 0.8], ["经审理查明，", "乙借款。"], [3, 3]).tolist() == [0.8, 0.8]


def test_the_ruling_and_what_opens_it_come_together():
    texts = ["本院认为，", "依《民法典》判决如下：", "一、被告还款；", "二、驳回。"]
    sections = [4, 4, RULING, RULING]
    assert share_opening([0.1, 0.2, 0.6, 0.3], texts, sections).tolist() == [0.1, 0.6, 0.6, 0.3]
    assert share_opening([0.1, 0.9, 0.6, 0.3], texts, sections).tolist() == [0.1, 0.9, 0.9, 0.3]


def test_statutes_are_told_from_their_beginning():
    texts = [
        "根据《甲法》，",
        "应还。",
        "依照《乙法》第一条，",
        "《丙法》第二条，",
        "判决如下：",
        "还。",
    ]
    sections = [4, 4, 4, 4, 4, RULING]
    shared = share_grounds([0.1, 0.1, 0.2, 0.9, 0.3, 0.8], texts, sections)
    assert shared.tolist() == [0.1, 0.1, 0.9, 0.9, 0.3, 0.8]
    alone = share_grounds([0.1, 0.2, 0.9], ["依照《乙法》，", "判决如下：", "还。"], [4, 4, RULING])
    assert alone.tolist() == [0.1, 0.2, 0.9]
    assert share_grounds([], [], []).tolist() == []


def test_nothing_opens_a_ruling_that_is_not_there_or_stands_first():
    assert share_opening([0.1, 0.9], ["应予支持。", "驳回。"], [4, RULING]).tolist() == [0.1, 0.9]
    assert share_opening([0.1, 0.9], ["判决如下：", "驳回。"], [RULING] * 2).tolist() == [0.1, 0.9]
    assert share_opening([0.1], ["判决如下："], [4]).tolist() == [0.1]


def test_the_rules_on_the_clauses_of_a_judgment():
    clauses = outline(
        "本院认为，依《民法典》，判决如下：一、被告还款（按年利率6%，自今日起）；二、驳回。"
    )
    assert [clause.text for clause in clauses[-3:]] == [
        "一、被告还款（按年利率6%，",
        "自今日起）；",
        "二、驳回。",
    ]
    scores = np.linspace(0.1, 0.5, len(clauses))
    scores[-3:] = [0.8, 0.2, 0.3]
    texts, sections = [c.text for c in clauses], [c.section for c in clauses]
    shared = share_probabilities(scores, texts, sections)
    assert shared[-4:].tolist() == [0.8, 0.8, 0.8, 0.3]  # 判决如下：, the bracket, the last item
    assert (shared[:-4] == scores[:-4]).all()


def test_a_claim_told_again_among_the_facts_is_left_out() -> None:
    claim = "请求判令被告归还借款五万元；"
    # the costs are not in the claim as it was told
    facts = [
        "被告未还款。",
        "原告诉至本院，",
        claim,
        "诉讼费由被告承担。",
        "另查明，",
        "被告归还五千元。",
    ]
    texts = [claim, *facts]
    sections = [SECTIONS.index(name) for name in ("claim", *["facts"] * 6)]
    found = drop_claims([0.9] * 7, texts, sections)
    assert found.tolist() == [0.9, 0.9, 0.9, 0.0, 0.9, 0.9, 0.9]
    assert share_probabilities([0.9] * 7, texts, sections)[3] == 0


def test_findings_of_an_earlier_suit_stay() -> None:
    texts = ["请求还款五万元。", "原告曾诉至本院，", "请求确认租赁关系。"]
    facts = SECTIONS.index("facts")
    assert drop_claims([0.9] * 3, texts, [1, facts, facts]).tolist() == [0.9] * 3


def test_a_ruling_is_told_with_a_reason_and_what_was_asked():
    texts = ["请求判令还款。", "利息另计。", "本院认为，", "借款属实。", "应当归还。"]
    texts += ["综上，", "依照《民法典》第六百七十五条，", "判决如下：", "乙还款。"]
    sections = [1, 1, 4, 4, 4, 4, 4, 4, RULING]
    given = [0.1, 0.2, 0.3, 0.05, 0.15, 0.2, 0.7, 0.6, 0.8]
    shared = share_causes(given, texts, sections)
    assert shared.tolist() == [0.8, 0.2, 0.3, 0.05, 0.8, 0.2, 0.7, 0.6, 0.8]
    assert share_causes(given[:8], texts[:8], sections[:8]).tolist() == given[:8]
    assert share_causes([0.8], ["乙还款。"], [RULING]).tolist() == [0.8]
    # a judgment that is told of in the claim asks nothing
    texts = ["某法院作出民事判决书。", "利息另计。", "乙还款。"]
    assert share_causes([0.2, 0.1, 0.8], texts, [1, 1, RULING]).tolist() == [0.2, 0.1, 0.8]
    texts[1] = "请求判令还款。"
    assert share_causes([0.2, 0.1, 0.8], texts, [1, 1, RULING]).tolist() == [0.2, 0.8, 0.8]


def test_what_each_party_answered_is_told_with_the_ruling():
    texts = [
        "被告甲辩称，",
        "无息。",
        "已还。",
        "有据。",
        "被告乙辩称，",
        "非担保人。",
        "被告丙未答辩。",
    ]
    texts += ["庭后来过。", "经审理查明，", "有约。", "驳回。"]
    sections = [*[DEFENCE] * 8, 3, 3, RULING]
    given = [0.5, 0.2, 0.3, 0.1, 0.1, 0.15, 0.1, 0.7, 0.1, 0.2, 0.8]
    expected = [0.5, 0.8, 0.8, 0.1, 0.1, 0.8, *given[6:]]
    assert share_answers(given, texts, sections).tolist() == expected
    assert share_answers(given[:-1], texts[:-1], sections[:-1]).tolist() == given[:-1]
    labels = np.array([1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1], dtype=np.uint8)
    assert share_answers(labels, texts, sections).tolist() == [1, 1, 1, *[0] * 4, 1, 0, 0, 1]
    given[5] = 0.05  # an answer that is not worth telling
    assert share_answers(given, texts, sections)[5] == 0.05
    many = [f"被告{name}辩称，" for name in "甲乙丙丁戊"]
    texts = [text for cue in many for text in (cue, "已还。")] + ["驳回。"]
    shared = share_answers([0.2] * 10 + [0.8], texts, [DEFENCE] * 10 + [RULING])
    assert shared.tolist() == [0.2] * 10 + [0.8]
    # and it is one of the rules: the cue comes along
    texts = ["被告甲辩称，", "借款已还。", "本院认为，", "借款应还。", "判决如下：", "被告甲还款。"]
    found = share_probabilities([0.1, 0.1, 0.1, 0.9, 0.1, 0.9], texts, [2, 2, 4, 4, 4, 5])
    assert found[:2].tolist() == [0.9, 0.9]


def test_who_did_not_answer_is_told_with_the_ruling():
    texts = ["被告甲辩称，", "借款已还。", "被告乙未到庭，", "亦未答辩。", "被告丙未答辩。\n"]
    texts += ["被告丁未提交书面答辩状，", "但当庭称已还。", "驳回。"]
    given = [0.1, 0.3, 0.1, 0.1, 0.2, 0.1, 0.1, 0.8]
    sections = [*[DEFENCE] * 7, RULING]
    shared = share_defaults(given, texts, sections)
    assert shared.tolist() == [0.1, 0.3, 0.8, 0.1, 0.8, 0.1, 0.1, 0.8]
    assert share_defaults(given[:7], texts[:7], sections[:7]).tolist() == given[:7]
    # what stands in the head says who came to the hearing
    texts = ["被告乙未到庭。", "驳回。"]
    assert share_defaults([0.1, 0.8], texts, [0, RULING]).tolist() == [0.1, 0.8]
    # and it is one of the rules
    texts = ["被告甲未答辩。", "本院认为，", "借款应还。", "判决如下：", "被告甲还款。"]
    scores = [0.1, 0.1, 0.9, 0.1, 0.9]
    assert share_probabilities(scores, texts, [DEFENCE, 4, 4, 4, RULING])[0] == 0.9


def test_questions_in_dispute_are_told_as_such_or_not_at_all():
    texts = ["争议焦点为：", "1、是否违约；", "2、应否赔偿。", "是否违约要看约定。", "乙违约。"]
    given = [0.1, 0.6, 0.05, 0.7, 0.9]
    assert hold_questions(given, texts, [4] * 5).tolist() == [0.1, 0.1, 0.05, 0.7, 0.9]
    assert hold_questions(given, texts, [2] * 5).tolist() == given


def test_a_claim_is_told_with_what_says_that_it_was_given_up_or_changed():
    claim, facts = SECTIONS.index("claim"), SECTIONS.index("facts")
    texts = [
        "请求判令还款五万元，",
        "支付利息。",
        "庭审中原告放弃利息的请求，",
        "经审理查明，",
        "变更诉讼请求。",
    ]
    sections = [claim] * 3 + [facts] * 2
    given = [0.8, 0.3, 0.1, 0.2, 0.1]
    assert share_withdrawals(given, texts, sections).tolist() == [0.8, 0.3, 0.8, 0.2, 0.1]
    for words in ("放弃举证的权利，", "被告变更了地址，"):
        assert share_withdrawals(given, [*texts[:2], words, *texts[3:]], sections).tolist() == given
    # nothing is asked
    assert share_withdrawals([0.1, 0.9], ["放弃诉讼请求。", "还款。"], [claim] * 2).tolist() == [
        0.1,
        0.9,
    ]
    # what is asked instead comes with it
    texts = ["请求判令还款五万元。", "后变更诉讼请求为：", "还款四万元。", "另查明。"]
    shared = share_probabilities([0.8, 0.1, 0.1, 0.1], texts, [claim] * 4)
    assert shared.tolist() == [0.8, 0.8, 0.8, 0.1]


@pytest.mark.parametrize(
    ("plea", "dropped"),
    [
        (["原告主张乙已还款，", "乙未尽责。"], True),
        (["二被告认为租金过高。"], True),
        (["原告主张乙已还款，", "本院不予采信。"], False),
        (["原告主张乙已还款，", "但未举证。"], False),
        (["被告认为属实，", "双方无异议。"], False),
        (["乙主张已还款。"], False),
        (["原告于5月向被告主张权利。"], False),
        (["原告多次主张债权，", "被告未还款。"], False),
        (["原告主张的费用有票据，", "应予支持。"], False),
        (["原告认为产品有问题后，", "向工商局反映。"], False),
    ],
)
def test_what_a_party_says_and_nothing_is_said_of_is_no_finding(plea, dropped):
    texts = ["经审理查明：", *plea, "乙借款五万元。"]
    given = [0.9] * len(texts)
    expected = [0.9, *[0.0 if dropped else 0.9] * len(plea), 0.9]
    assert drop_pleas(given, texts, [3] * len(texts)).tolist() == expected
    assert drop_pleas(given, texts, [2] * len(texts)).tolist() == given
