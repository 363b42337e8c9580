"""What may stand behind a number: percent, measures, times, counted things.

One line per unit, its usual name first; other names of the line mean the same. A name with a
lookahead is none where another word begins: 3人 but not 3人民币.
"""

from __future__ import annotations

__all__ = ["COUNTERS", "PEOPLE", "UNIT", "canonical_unit"]

_COUNTERS = """
个
人(?!民) 名(?![称义下]) 位(?![于置]) 个人(?!账)
次(?![日月年要])
份 件 套 台(?![湾州]) 辆 间(?![接隔]) 层 户(?![籍口名]) 家(?![庭具属电中]) 栋 幢 处(?!理) 组(?!织)
股(?![东权份]) 瓶 盒 袋 箱 罐 桶 包(?![括含]) 张(?!某) 本(?![院案金判人次合])
枚 册 幅 棵 株 头 只(?![有能是需要])
期(?![间限]) 笔 页
"""
_MEASURES = """
美元 美金
港元 港币
欧元
日元
英镑
平方米 平米 ㎡ m2 m² 平方(?!公里|千米)
立方米 m³ 立方(?!公里)
平方公里 平方千米
亩
公顷
公里 千米 km KM
厘米 cm
毫米 mm
米(?!某)
公斤 千克 kg KG
吨
斤
毫升 ml ML
升(?!级)
克(?!隆) g(?![a-z])
毫克 mg
年(?!级)
个月 月
个星期 星期 周(?![岁某])
天 日(?![元常])
小时 个小时
分钟
时(?!间)
倍
级(?!人民)
岁 周岁
"""


def _table(text: str, alone: bool) -> dict[str, str]:
    """Each name, lookahead and all, with the first name of its line (or with itself)."""
    found = {}
    for line in text.split("\n"):
        names = line.split()
        for name in names:
            found[name] = name.partition("(")[0] if alone else names[0].partition("(")[0]
    return found


_PERSONS = {"名": "人", "位": "人", "个人": "人"}
_NAMES = _table(_MEASURES, alone=False) | _table(_COUNTERS, alone=True)
_CANONICAL = {name.partition("(")[0]: unit for name, unit in _NAMES.items()} | _PERSONS

# What 一 does not count (一次性, 一份借条), and what no single Chinese digit does (原被告五人).
COUNTERS = frozenset(name.partition("(")[0] for name in _table(_COUNTERS, alone=True))
PEOPLE = frozenset(["人", "名", "位", "个人", "次"])
UNIT = "|".join(sorted(_NAMES, key=lambda name: -len(name.partition("(")[0])))


def canonical_unit(name: str) -> str:
    """The unit a name means; matched by UNIT.

    >>> [canonical_unit(n) for n in ["㎡", "日", "名", "辆"]]
    ['平方米', '天', '人', '辆']
    """
    return _CANONICAL[name]
