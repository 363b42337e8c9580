"""The clauses that say why: reasons and the list of statutes."""

from __future__ import annotations

import pytest

from spaces.extract.grounds import find_reasons, find_ruling, find_statutes, find_told
from spaces.sections import SECTIONS

FACTS, REASONS, RULING = map(SECTIONS.index, ("facts", "reasons", "ruling"))
TEXTS = [
    "经审理查明，",
    "乙借款。",
    "本院认为，",
    "根据《甲法》第一条，",
    "借款应还。",
    "综上所述，",
    "依照《甲法》第二条、",
    "第三条，",
    "和《乙法》第四条的规定，",
    "判决如下：",
    "乙还款。",
    "依照《丙法》可以上诉。",
]
KINDS = [FACTS] * 2 + [REASONS] * 8 + [RULING] * 2


def test_statutes_are_the_last_list_before_the_ruling() -> None:
    assert find_ruling(KINDS) == 10
    assert find_statutes(TEXTS, KINDS) == [6, 7, 8]
    assert find_statutes(TEXTS[:6], KINDS[:6]) == [3]
    assert find_statutes(TEXTS[10:11], KINDS[10:11]) == []


def test_reasons_are_neither_form_nor_statutes_nor_facts() -> None:
    assert find_reasons(TEXTS, KINDS) == [4]


def test_what_only_announces_a_section_tells_nothing_of_it_nor_what_a_party_says() -> None:
    texts = ["被告辨称，", "其主张已还款。", "经审理查明：", "本院认定事实如下：", "事实清楚，"]
    texts.append("原告主张乙借款。")
    assert find_told(texts, [2, 2, 3, 3, 3, 3], "defence") == [1]
    assert find_told(texts, [2, 2, 3, 3, 3, 3], "facts") == [4]
    assert find_told([], [], "facts") == []


@pytest.mark.parametrize("texts, kinds", [([], []), (["乙还款。"], [RULING])])
def test_what_is_not_there_is_not_found(texts: list[str], kinds: list[int]) -> None:
    assert find_reasons(texts, kinds) == find_statutes(texts, kinds) == []
    assert find_ruling([]) is None
