"""Names of laws: the short one of a title, and whether two names mean the same law.

People write 《合同法》 for 《中华人民共和国合同法》, 《民诉法》 for 《民事诉讼法》, and for
《最高人民法院关于适用〈中华人民共和国婚姻法〉若干问题的解释（二）》 they write 《婚姻法解释二》.
An abbreviation keeps the order of the characters and the last one, and drops what every such title
has.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["LAWS", "is_law", "same_law", "short_name"]

# Laws that judgments cite, also without 《》. No one of them is an abbreviation of another name,
# although 合同法 is part of 劳动合同法.
_CITED = """
民法典 民法通则 民法总则 合同法 物权法 担保法 侵权责任法 婚姻法 继承法 收养法 民事诉讼法 民诉法
刑法 刑事诉讼法 行政诉讼法 行政处罚法 行政许可法 行政复议法 行政强制法 国家赔偿法 治安管理处罚法
道路交通安全法 道路交通安全法实施条例 劳动法 劳动合同法 劳动合同法实施条例 劳动争议调解仲裁法
社会保险法 工伤保险条例 职工带薪年休假条例 工资支付暂行规定 就业促进法 安全生产法 公司法
合伙企业法 企业破产法 保险法 证券法 票据法 商业银行法 招标投标法 建筑法 消费者权益保护法
食品安全法 食品安全法实施条例 产品质量法 广告法 电子商务法 反不正当竞争法 商标法 专利法 著作权法
土地管理法 农村土地承包法 城市房地产管理法 城乡规划法 村民委员会组织法 环境保护法
老年人权益保障法 妇女权益保障法 未成年人保护法 仲裁法 拍卖法 海商法 信托法 药品管理法 教育法
物业管理条例 诉讼费用交纳办法
"""
LAWS = tuple(_CITED.split())
_ABBREVIATIONS = {"民诉法"}
_FULL = frozenset(LAWS) - _ABBREVIATIONS

_LAW = re.compile(
    r"(?:法|法典|条例|规定|解释|办法|通则|总则|细则|批复|公约)$"
    r"|^(?:最高|国务院|关于|[^，。]{2,12}部).*(?:意见|通知|纪要|答复|决定)$"
)
_STATE = re.compile(
    r"中[华国]?人民共和国?|共和国|最高人民法院|最高人民检察院|最高法院?|最高院|[\s〈〉<>＜＞《》]"
)
_TWICE = re.compile("法法$")  # slips of judgments: 担保法法, 中人民共和国
# 《…》（2017年修正） （试行） (法释〔2015〕18号), not （二）.
_EDITION = re.compile(r"[（(][^（）()]*(?:[0-9]{4}|[修试订版号])[^（）()]*[）)]")
_BRACKETED = re.compile(r"[（(][^（）()]*[）)]$")
_FILLER = re.compile(
    r"关于(?:适用|审理|贯彻执行)?|若干问题|若干|问题|具体应用|适用法律|法律|纠纷|案件|司法|适用|的|[（）()、]"
)


def short_name(title: str) -> str:
    """The title without state, court, nested brackets and edition.

    >>> short_name("中华人民共和国民事诉讼法（2017年修正）")
    '民事诉讼法'
    >>> short_name("最高人民法院关于适用〈中华人民共和国婚姻法〉若干问题的解释（二）")
    '关于适用婚姻法若干问题的解释（二）'
    """
    return _TWICE.sub("法", _EDITION.sub("", _STATE.sub("", title)))


def is_law(title: str) -> bool:
    """Whether a title in 《》 is that of a law or rule, rather than of a contract or book.

    >>> [is_law(t) for t in ["合同法", "劳动争议解释（三）", "借款合同", "员工手册"]]
    [True, True, False, False]
    """
    return bool(_LAW.search(_BRACKETED.sub("", _EDITION.sub("", title.strip()))))


@lru_cache(maxsize=10_000)
def same_law(one: str, other: str) -> bool:
    """Whether two short names can mean the same law; an unknown law ("") can be any.

    >>> [same_law("民诉法", "民事诉讼法"), same_law("合同法", "劳动合同法"), same_law("", "刑法")]
    [True, False, True]
    >>> same_law("婚姻法解释二", "关于适用婚姻法若干问题的解释（二）")
    True
    """
    a, b = sorted((_FILLER.sub("", one), _FILLER.sub("", other)), key=len)
    if a == b or not one or not other:
        return True
    if not a or a in _FULL or a[-1] != b[-1]:
        return False
    rest = iter(b)
    return all(char in rest for char in a)
