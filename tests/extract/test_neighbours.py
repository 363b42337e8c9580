"""Clauses of a sentence that go with their neighbour."""

from __future__ import annotations

import pytest

from spaces.extract.neighbours import (
    attributed,
    leaning,
    share_changes,
    share_conditions,
    share_leads,
    share_predicates,
    share_subjects,
    share_verdicts,
)
from spaces.extract.sharing import share_probabilities
from spaces.sections import SECTIONS

RULING = SECTIONS.index("ruling")


def test_a_lead_in_has_what_it_leads_to():
    texts = ["对于利息，", "因约定不明，", "不予支持。", "对于本金，", "判决如下：", "还款。"]
    sections = [4, 4, 4, 4, RULING, RULING]
    shared = share_leads([0.8, 0.1, 0.3, 0.6, 0.2, 0.7], texts, sections)
    assert shared.tolist() == [0.8, 0.8, 0.8, 0.6, 0.2, 0.7]
    assert share_leads([0.8, 0.1], ["对于利息，", "不付。"], [2, 2]).tolist() == [0.8, 0.1]
    dated = share_leads([0.8, 0.1, 0.2], ["2016年5月1日，", "乙借款。", "丙担保。"], [3] * 3)
    assert dated.tolist() == [0.8, 0.8, 0.2]
    assert share_leads([], [], []).tolist() == []


def test_a_duty_is_told_with_who_has_it():
    texts = ["乙作为保证人，", "承诺担责，", "应负连带责任。", "丙应还款，", "亦应付息。"]
    shared = share_subjects([0.1, 0.2, 0.9, 0.3, 0.8], texts, [4] * 5)
    assert shared.tolist() == [0.1, 0.9, 0.9, 0.8, 0.8]
    assert share_subjects([0.1, 0.9], ["乙已还款。", "应驳回。"], [4, 4]).tolist() == [0.1, 0.9]
    assert share_subjects([0.1, 0.9], ["乙未还款，", "应还款。"], [RULING] * 2).tolist() == [
        0.1,
        0.9,
    ]
    assert share_subjects([], [], []).tolist() == []


def test_what_leans_on_the_clause_before_it():
    texts = ["乙借款，", "应由本人偿还，", "但无力偿还，", "分别为丙、丁，", "乙承认。", "系亲属。"]
    assert leaning(texts, [2] * 6) == [False, True, True, True, False, False]
    assert leaning(texts, [RULING] * 6) == [False] * 6
    assert leaning(["乙打甲，", "造成甲受伤。"], [2, 2]) == [False, True]
    assert leaning(["乙借款，", "应诉。"], [2, 2]) == [False, False]
    assert leaning(["乙借款，", "应还。"], [2, 4]) == [False, False]
    # an answer too is told with who is meant
    assert share_subjects([0.1, 0.9, 0.8], texts[:3], [2] * 3).tolist() == [0.9, 0.9, 0.8]


def test_what_a_clause_is_about_stands_before_it():
    texts = ["故对逾期利息，", "乙应支付。", "关于诉讼费，", "商品有瑕疵，", "存在过错。"]
    assert leaning(texts, [4] * 5) == [False, True, False, True, False]
    assert leaning(texts[:2], [1, 1]) == [False, False]
    assert leaning(["甲在乙开设的网店，", "购买食品。"], [3, 3]) == [False, True]
    assert leaning(["经法院调解，", "丙公司赔偿甲。"], [4, 4]) == [False, True]
    assert leaning(["要求付租金，", "并支付赔偿金。"], [1, 1]) == [False, True]


def test_whose_words_the_court_tells():
    texts = ["至于被告抗辩的已还款的问题，", "乙主张无息，", "本院认为乙应还款。", "乙未还款。"]
    assert attributed(texts, [4] * 4) == [True, True, False, False]
    assert attributed(texts, [2] * 4) == [False] * 4


def test_a_condition_and_what_then_applies_go_together():
    texts = ["有遗嘱的，", "按照遗嘱继承；", "丙死亡后，", "其份额由丁继承。"]
    assert share_conditions([0.1, 0.8, 0.7, 0.2], texts, [4] * 4).tolist() == [0.8, 0.8, 0.7, 0.7]
    assert share_conditions([0.1, 0.8], texts[:2], [2, 2]).tolist() == [0.1, 0.8]
    assert share_conditions([], [], []).tolist() == []


def test_a_plea_that_the_court_weighs_is_told_with_the_outcome():
    texts = ["乙辩称存在欺诈，", "本院不予采信，", "乙应还款。", "对丙的请求予以支持。"]
    assert share_verdicts([0.9, 0.1, 0.2, 0.1], texts, [4] * 4).tolist() == [0.9, 0.9, 0.2, 0.1]
    assert share_verdicts([0.9, 0.1], texts[:2], [2, 4]).tolist() == [0.9, 0.1]


def test_a_claim_that_the_court_decides_far_behind_is_told_with_the_outcome():
    texts = ["原告要求赔偿损失，", "但未提供证据，", "故不予支持。", "原告要求退款，", "予以支持。"]
    shared = share_verdicts([0.9, 0.1, 0.2, 0.1, 0.6], texts, [4] * 5)
    assert shared.tolist() == [0.9, 0.1, 0.9, 0.6, 0.6]
    # what the court itself thinks is no plea, nor is what a party says in its own section
    own = ["本院认为原告要求过高，", "酌定一万元，", "予以支持。"]
    assert share_verdicts([0.9, 0.1, 0.2], own, [4] * 3).tolist() == [0.9, 0.1, 0.2]
    assert share_verdicts([0.9, 0.1, 0.2], texts[:3], [1] * 3).tolist() == [0.9, 0.1, 0.2]


def test_an_outcome_leans_on_what_it_decides():
    texts = ["原告要求退款，", "本院予以支持。", "不予支持。", "将货物售出，", "将钱收下。"]
    assert leaning(texts, [4] * 5) == [False, True, False, False, True]


@pytest.mark.parametrize(
    "outcome",
    [
        "本院难予支持。",
        "本院对此不予采信。",
        "难以支持。",
        "本院无法予以支持。",
        "不应得到支持。",
        "本院不能认定。",
        "依法应予支持。",
        "应当予以支持。",
        "实难采信。",
    ],
)
def test_an_outcome_has_many_words(outcome):
    texts = ["原告要求退款，", outcome]
    assert leaning(texts, [4, 4]) == [False, True]
    assert share_verdicts([0.9, 0.1], texts, [4, 4]).tolist() == [0.9, 0.9]


@pytest.mark.parametrize("other", ["驳回诉请。", "确认如下：", "原告支持。", "法院不应干预。"])
def test_other_words_are_no_outcome(other):
    assert leaning(["原告要求退款，", other], [4, 4]) == [False, False]


def test_a_claim_that_was_changed_is_told_as_changed():
    texts = ["还款并付利息。", "审理中变更诉讼请求为：", "返还押金。"]
    assert share_changes([0.8, 0.1, 0.9], texts, [1] * 3).tolist() == [0.8, 0.9, 0.9]
    assert share_changes([0.8, 0.9, 0.1], texts, [1] * 3).tolist() == [0.8, 0.9, 0.9]
    assert share_changes([0.8, 0.1, 0.9], texts, [3] * 3).tolist() == [0.8, 0.1, 0.9]


def test_what_a_sentence_says_of_its_subject_is_told_with_it():
    texts = ["乙死亡后，", "甲是其继承人，", "有权继承，", "应得一半。", "有权居住。"]
    shared = share_predicates([0.1, 0.8, 0.2, 0.1, 0.3], texts, [4] * 5)
    assert shared.tolist() == [0.1, 0.8, 0.8, 0.8, 0.3]  # 有权居住 is another sentence
    assert share_predicates([0.9, 0.1], ["被告辩称，", "应诉不便。"], [2, 2]).tolist() == [0.9, 0.1]
    assert share_predicates([0.9, 0.1], ["甲死亡，", "有权继承。"], [2, 3]).tolist() == [0.9, 0.1]
    ordered = share_predicates([0.9, 0.1], ["乙还款，", "应于十日内。"], [RULING] * 2)
    assert ordered.tolist() == [0.9, 0.1]
    shared = share_predicates([0.9, 0.1], ["甲称已付，", "不属于欠款。"], [4, 4])
    assert shared.tolist() == [0.9, 0.9]
    for other in ("应否赔偿。", "应收账款。", "系统故障。"):
        assert share_predicates([0.9, 0.1], ["甲违约，", other], [4, 4]).tolist() == [0.9, 0.1]
    assert share_predicates([], [], []).tolist() == []


def test_what_comes_with_its_neighbour_brings_its_bracket():
    texts = ["甲是继承人，", "有权继承（按法定，", "份额各半）。"]
    assert share_probabilities([0.9, 0.1, 0.1], texts, [4] * 3).tolist() == [0.9, 0.9, 0.9]
