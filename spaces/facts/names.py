"""Names of parties as they can be told from words without knowing the case: masked ones (张某1),
and organizations right behind 原告, 被告 or 第三人.
"""

from __future__ import annotations

import re

from spaces.facts.finding import Fact

__all__ = ["find_names"]

_MASKED = r"[\u4e00-\u9fff]某[某甲乙丙丁]?[0-9]{0,2}"
# 被告未向…公司 begins no name.
_NO_NAME = "[向与和对给应未支付在的由所按从将系为并其经到销]|通过|委托"
_ORGANIZATION = (
    rf"(?!人)(?:(?!{_NO_NAME})[\u4e00-\u9fff（）()]){{2,30}}?"
    "(?:公司|银行|支行|分行|信用社|合作社|委员会|事务所)"
)
_NAMED = re.compile(rf"(?:原告|被告|第三人)(?P<organization>{_ORGANIZATION})|(?P<masked>{_MASKED})")


def find_names(text: str) -> list[Fact]:
    """The names in a text, as facts of the kind "party" whose value is the name.

    >>> [name.text for name in find_names("原告大成公司诉称，被告李某2未付款，被告王五亦未付款。")]
    ['大成公司', '李某2']
    """
    found = []
    for match in _NAMED.finditer(text):
        group = "organization" if match["organization"] else "masked"
        start, end = match.span(group)
        found.append(Fact("party", start, end, match[group], match[group]))
    return found
