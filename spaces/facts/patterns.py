"""The expressions `spaces.facts.finding` reads with, for text that `narrow` has seen.

Every repetition is bounded or has nothing behind it, so a search takes linear time.
"""

from __future__ import annotations

import re

from spaces.facts.laws import LAWS
from spaces.facts.numerals import CHINESE_DIGIT, NUMERAL
from spaces.facts.units import UNIT

__all__ = [
    "AFTER_LAW",
    "AND",
    "ANOTHER",
    "BEGIN",
    "BROKEN",
    "INTEREST",
    "ITEM",
    "MARKER",
    "MEASURE",
    "MORE_DAYS",
    "ONE_NUMERAL",
    "OPENING",
    "PERCENT",
    "SCALE",
    "THAT_LAW",
    "YUAN",
]

_S = r"[ \t\u3000\xa0]{0,2}"
ONE_NUMERAL = re.compile(NUMERAL)
# Article numbers have no separators: 第107,108条 are two.
_ORDINAL = rf"(?:[0-9]{{1,4}}|(?:{CHINESE_DIGIT}|[十百千]){{1,8}})"
_MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九元])"
_DAY = r"(?:3[01]|[12][0-9]|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_YEAR = (
    rf"(?:[0-9]{{4}}|[零〇○ΟОOo0一二三四五六七八九]{{4}}|[0-9]{{2}}(?={_S}年{_S}{_MONTH}{_S}月))"
)
_SUN = r"[日号](?![码牌楼院])"
MORE_DAYS = re.compile(rf"{_S}[、和及与至到-]{_S}(?P<d>{_DAY}){_S}日(?!内)")  # 5月3日、8日
BEGIN = re.compile(
    rf"""
      (?P<end>。)
    | (?P<law>《[^《》\n]{{0,60}}(?:《[^《》\n]{{0,60}}》[^《》\n]{{0,60}})?》)
    | (?P<bare>{"|".join(sorted(LAWS, key=len, reverse=True))})(?={_S}第)
    | (?P<ordinal>第)(?=第?{_S}{_ORDINAL})
    | (?P<case>[（(〔\[【]{_S}(?:19|20)[0-9]{{2}}{_S}[）)〕\]】][^，。；：、\s（）()]{{0,25}}?号)
    | (?P<part>(?P<whole>[百千万]|{CHINESE_DIGIT}|十|(?<![0-9.])[0-9]{{1,2}})分之
        (?P<top>{NUMERAL}|百))
    | (?<![0-9./])(?P<ratio>(?P<top2>[0-9]{{1,2}})/(?P<whole2>[0-9]{{1,2}})(?![0-9./]))
    | (?<![0-9])(?P<iso>(?P<y2>(?:19|20)[0-9]{{2}})(?P<mark>[-./])(?P<m2>1[0-2]|0?[1-9])(?P=mark)
        (?P<d2>3[01]|[12][0-9]|0?[1-9])(?![0-9]))
    | (?<![0-9])(?P<date>(?P<y>{_YEAR}){_S}年度?
        (?:{_S}(?P<m>{_MONTH}){_S}月份?(?:{_S}(?P<d>{_DAY}){_S}{_SUN})?)?)
    | (?<![0-9.一二三四五六七八九十])
        (?P<month>(?P<m1>{_MONTH}){_S}月份?(?:{_S}(?P<d1>{_DAY}){_S}{_SUN})?)
    | (?P<money>(?:人民币|RMB|[￥¥]){_S})?(?P<number>{NUMERAL})
    | (?P<code>[A-Za-z][0-9A-Za-z×*_-]*|[×*]{{2,}}[0-9A-Za-z×*]*
        |(?:某|[原被]告人?|继承人|第三人|证据)[0-9](?![0-9.,元万]))
    """,
    re.VERBOSE,
)
# 元旦 三元区 are no money.
YUAN = re.compile(
    rf"""{_S}[余多]?(?P<scale>[十百千万亿]{{0,3}})[余多]?{_S}(?:人民币)?
    (?:元(?![旦素宝区桥村镇路街月])|圆|圓|块钱)[整正]?
    (?:零?(?P<jiao>[0-9]|{CHINESE_DIGIT})角)?(?:零?(?P<fen>[0-9]|{CHINESE_DIGIT})分(?![之钟公]))?[整正]?""",
    re.VERBOSE,
)
PERCENT = re.compile(rf"{_S}(?P<sign>[%‰])|{_S}个百分点")
# 月息2分, 月利率1分5厘: percent a month.
INTEREST = re.compile(rf"(?:分(?![之钟公])(?:(?P<li>[0-9]|{CHINESE_DIGIT})厘)?|(?P<only>厘)(?!米))")
MEASURE = re.compile(rf"{_S}[余多]?(?P<scale>[十百千万亿]{{0,3}})[余多]?{_S}(?P<unit>{UNIT})")
SCALE = re.compile(r"[余多](?P<scale>[十百千万亿]{1,3})")
# 1、支付 2)支付 (3); where a digit follows, 1、2 or 1、2017年, what stands before decides.
MARKER = re.compile(rf"[、.]{_S}(?P<more>[0-9])?|[)）]")
OPENING = " \t\n\u3000。；;：:，,、（(“"
BROKEN = re.compile(r"[A-Za-z*]|××")
# Behind a title: the rest of an interpretation's name, an edition.
AFTER_LAW = re.compile(
    rf"(?P<kind>(?:若干问题)?的?(?:司法)?(?:解释|意见)(?:{_S}[（(][一二三四五六][）)])?)?"
    rf"(?P<gap>{_S}(?:[（(][^（）()\n]{{0,20}}[修订试版号年][^（）()\n]{{0,20}}[）)])?{_S}[的中之]?)"
    rf"(?P<article>第(?={_S}{_ORDINAL})|(?={_ORDINAL}{_S}条))?"
)
ITEM = re.compile(
    rf"(?P<mark>第{{0,2}}){_S}(?P<n>{_ORDINAL}){_S}(?P<article>条(?:之(?P<sub>[一二三四五六七八九十]))?"
    rf"(?:{_S}第?{_S}[（(]?{_ORDINAL}[）)]?{_S}[款项目](?:、(?=第?[（(]?{_ORDINAL}[）)]?[款项目]))?){{0,6}})?"
)
AND = re.compile(rf"{_S}(?:[、，,和及与或至到]|以及){_S}(?=第|{_ORDINAL})")
THAT_LAW = re.compile(r"(?:该|本|此|同|上述|前述)(?:法|条例|规定|解释|办法)$")
ANOTHER = re.compile(r"(?:法|条例|规定|解释(?:[（(].[）)])?|办法|合同|协议书?|章程|裁决书?)$")
