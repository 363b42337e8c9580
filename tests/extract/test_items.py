"""Items of the ruling and of the claim are told whole or not at all."""

from __future__ import annotations

import pytest

from spaces.extract.items import share_orders, share_requests
from spaces.extract.sharing import share_probabilities

CLAIM, RULING = 1, 5


def test_an_item_of_the_ruling_is_told_whole_or_not_at_all():
    scores = share_orders(
        [0.9, 0.1, 0.1, 0.3, 0.2, 0.1],
        [
            "一、被告乙还款10元，",
            "并付利息；",
            "二、驳回其余诉讼请求，",
            "原告另行主张。",
            "如果未付，",
            "加倍。",
        ],
        [RULING] * 6,
    )
    assert scores.tolist() == [0.9, 0.9, 0.3, 0.3, 0.2, 0.2]


def test_no_item_is_missing_before_another():
    texts = ["一、还款；", "二、付费；", "三、清偿；", "四、驳回。", "如果未付，加倍。"]
    shared = share_orders([0.1, 0.1, 0.3, 0.5, 0.2], texts, [RULING] * 5)
    assert shared.tolist() == [0.5, 0.5, 0.5, 0.5, 0.2]
    assert share_orders([0.1, 0.2, 0.7], texts[:3], [RULING] * 3).tolist() == [0.7, 0.7, 0.7]
    long = [texts[0], "二、" + "甲" * 400, texts[2]]
    assert share_orders([0.7, 0.1, 0.7], long, [RULING] * 3).tolist() == [0.7, 0.1, 0.7]


def test_no_numbered_item_that_orders_more_is_missing_behind_another():
    texts = ["一、还款；", "二、付息；", "三、驳回其余请求。", "四、丙清偿。", "如未付，加倍。"]
    shared = share_orders([0.7, 0.1, 0.2, 0.1, 0.1], texts, [RULING] * 5)
    assert shared.tolist() == [0.7, 0.7, 0.7, 0.7, 0.1]
    assert share_orders([0.2, 0.1, 0.7], texts[:3], [RULING] * 3).tolist() == [0.7] * 3
    # without numbers nobody knows what is an order
    bare = ["被告还款。", "被告付息。", "刑期自今日起算。"]
    assert share_orders([0.7, 0.1, 0.1], bare, [RULING] * 3).tolist() == [0.7, 0.1, 0.1]
    long = [texts[0], "二、" + "甲" * 400, "三、丙清偿。"]
    assert share_orders([0.7, 0.1, 0.2], long, [RULING] * 3).tolist() == [0.7, 0.1, 0.7]


def test_without_numbers_each_sentence_is_an_item():
    texts = ["准许离婚；", "婚生子由原告抚养，", "被告付抚养费。", "驳回。"]
    assert share_orders([0.9, 0.1, 0.6, 0.2], texts, [RULING] * 4).tolist() == [0.9, 0.6, 0.6, 0.2]


def test_other_sections_and_long_items_share_nothing():
    texts = ["一、被告乙，", "还款。"]
    assert share_orders([0.9, 0.1], texts, [4, 4]).tolist() == [0.9, 0.1]
    assert share_orders([0.9, 0.1], texts, [4, RULING]).tolist() == [0.9, 0.1]
    assert share_orders([0.9, 0.1], [texts[0], "甲" * 400], [RULING] * 2).tolist() == [0.9, 0.1]


REQUESTS = ["请求：", "1.判令甲赔偿，", "同时乙连带；", "2、诉讼费，", "由甲承担。", "补充。"]


def test_a_request_is_told_whole_or_not_at_all():
    scores = share_requests([0.1, 0.2, 0.9, 0.2, 0.1, 0.3], REQUESTS, [CLAIM] * 6)
    assert scores.tolist() == [0.1, 0.9, 0.9, 0.2, 0.2, 0.3]
    assert share_requests([], [], []).tolist() == []


def test_the_likeliest_request_comes_whole_with_the_ruling():
    shared = share_probabilities([0.1, 0.2, 0.1, 0.9], [*REQUESTS[:3], "驳回。"], [1, 1, 1, RULING])
    assert shared.tolist() == [0.1, 0.9, 0.9, 0.9]


@pytest.mark.parametrize(
    ("texts", "sections"),
    [
        (["1.判令甲赔偿，", "乙" * 60], [CLAIM] * 2),  # a long one is a list of its own
        (["判令甲赔偿，", "乙连带。"], [CLAIM] * 2),  # no number
        (["1.判令甲赔偿，", "被告辩称，"], [CLAIM, 2]),
        (["1.甲陈述，", "乙陈述。"], [2, 2]),
        (["1.判令甲赔偿；", "乙连带。"], [CLAIM] * 2),
    ],
)
def test_what_is_no_request_of_its_own_shares_nothing(texts, sections):
    assert share_requests([0.9, 0.1], texts, sections).tolist() == [0.9, 0.1]
