"""Where a judgment declares who is 原告, 被告, 第三人: its header and its introduction.

The header has a line or sentence for each party (`被告：张某，男，…`), the introduction all of
them in one (`原告张某与被告李某借款合同纠纷一案`). What stands there in place of a name but cannot
be read with certainty is given too, as not sure: no name to go by, yet somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spaces.causes import CAUSES

__all__ = ["MASKS", "ROLES", "SURNAMES", "Declaration", "find_declarations", "is_name", "kind_of"]

MASKS = "某×xXＸ*＊"  # what stands for letters of a name that is not to be read
ROLES = "被告人|原告|被告|第三人|被上诉人|上诉人"  # a pattern
# 《百家姓》 without what is rare and common as another word, and surnames of two characters.
SURNAMES = (
    "[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗"
    "凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹"
    "狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞"
    "万支柯昝管卢莫房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉钮龚程嵇邢裴陆荣翁荀羊惠甄曲家封芮储靳邴糜松井段富巫"
    "乌焦巴牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾甘厉祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰鄂索咸籍赖卓蔺屠"
    "蒙池乔阴胥苍闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍却璩桑桂濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾"
    "鱼容古易慎戈廖庾终居衡步耿满弘匡国文寇广禄阙东欧利蔚越夔隆师巩聂晁勾敖融冷辛阚那简饶曾沙养鞠丰巢关蒯查"
    "荆红游竺权逯盖益桓公兰付肖闫邸覃佟粟冼岳帅亢候郄门苑麦仝佘涂雒代荔向阳敬揭官苟尧练原展晋楚沐冶战钮泮官母仉羌商第朴佘阿]"
)
_BRACKET = r"[（(](?P<also>[^（）()\n]{1,30})[）)]"
_NAMES = r"[^，,。：:；;（）()\n]"
# 被告：张某，男 · 被告（反诉原告）张某。 · 被告：李某、王某 At the beginning of a line or sentence.
_HEADER = re.compile(
    rf"(?:^|[。；;\n])[ \t\u3000\xa0]{{0,8}}(?P<role>{ROLES})(?:(?<=原告)人)?(?:{_BRACKET})?"
    rf"(?P<colon>[ \u3000]?[：:][ \u3000]{{0,4}})?"
    rf"(?P<names>{_NAMES}{{2,120}}(?:[（(][\u4e00-\u9fa5]{{2,6}}[）)]{_NAMES}{{2,30}})?)"
    r"(?=[，,。；;（(\n]|$)"
)
_INTRODUCTION = re.compile(rf"(?:{ROLES})[^。；;\n]{{2,600}}?(?:一案|纠纷|争议)")
# The end of an introduction, from the cause on; anchored, since 保险 and 合同 occur in names too.
_CAUSE = re.compile(
    r"(?:其[他它]|发生|之间|因|的|为|关于|等|[一二三四五六七八九十两]?人)?"
    rf"(?:(?:{'|'.join(sorted(CAUSES, key=len, reverse=True))})[、和及与]?){{1,3}}(?:权益)?"
    r"(?:纠纷|争议|一案)$"
)
_PART = re.compile(
    rf"(?P<role>{ROLES})(?:(?<=原告)人)?(?:{_BRACKET})?[ \u3000]*[：:]?(?P<names>.+)", re.DOTALL
)
_SEXES = ("，男", "，女", ",男", ",女")
_DECLARED = 6000  # characters within which a judgment says who its parties are
# Brackets behind a name, not part of it.
_REMARK = re.compile(
    r"[（(](?:以?下|简称|反诉|本诉|原审|一审|又名|曾用名|系|身份|统一)[^（）()\n]{0,200}[）)]"
)
_MORE = re.compile(r"(?<![高中初平同])等(?:共?[一二三四五六七八九十百\d]+(?:名|个|位)?人?)?$")
_GENERIC = re.compile(
    rf"[某×xXＸ*＊]+|[一二两三四五各]?(?:{ROLES})[一二三四五]?|申请人|[甲乙丙丁]方|中小企业"
    r"|(?:该|本|我|我们|总|分|支|子)?"
    r"(?:公司|银行|支行|分行|单位|企业|集团|学校|医院|商店|商场|超市|酒店|物业)"
)
# What is taken for a name when a judgment leaves the usual form.
_NO_NAME = re.compile(
    "[：:“”《》]|出生|日生|[男女]$|汉族|[现户]|^住|本院|[诉辩述]称|答辩|立案|受理|委托|到庭"
    "|^[对未向因及]|犯.*罪|到案|人$|被告|原告|认为|撤销之诉?$|^之间|^(?:原审|一审|二审|反诉|本诉|之间|双方)$"
)
_PERSON = re.compile(
    rf"{SURNAMES}[\u4e00-\u9fa5×xXＸ*＊]{{1,3}}[甲乙丙丁0-9０-９A-Za-z]{{0,2}}"
    r"|[\u4e00-\u9fa5]?[某×xXＸ*＊]{1,2}[\u4e00-\u9fa5]?[0-9０-９A-Za-z]{0,2}"
    r"|[\u4e00-\u9fa5]{1,10}·[\u4e00-\u9fa5·]{1,20}|[\u4e00-\u9fa5]\d{1,2}"
)
_ORGANIZATION = re.compile(
    r".{1,38}(?:公司|集团|超市|餐厅|财政厅|办公室|工作室|中转库"
    r"|[行厂店社局府会所院校心馆部站场园处队村组学吧庄城户坊矿摊铺台库])"
)


_MASKED = re.compile(f"[{MASKS}]")
_PERSONAL = re.compile("[^，,。；;\n]{2,40}[，,][男女]")
# Where the form leaves no doubt that a name stands, it may be one without a known surname.
_FOREIGN = re.compile(r"[\u4e00-\u9fa5]{2,12}(?<![一案他它])")


class Declaration(NamedTuple):
    """`name` is declared to be `role`; `text[place:place + len(role)] == role`. sure: it can be
    gone by.
    """

    name: str
    role: str
    place: int
    sure: bool


def find_declarations(text: str) -> list[Declaration]:
    """What the first characters of a judgment declare, each name once, header first.

    A name that is declared to be two things is not sure. One that is made unreadable (程某某) and
    stands twice in the header, each time with a sex, or in one list, is that of two.

    >>> text = "原告：张某甲，男。张某甲与被告李四等买卖合同纠纷一案"
    >>> for name, role, place, sure in find_declarations(text):
    ...     print(name, role, place, sure)
    张某甲 原告 0 True
    李四 被告 13 True
    等 被告 13 False
    """
    text = text[:_DECLARED]
    found: dict[str, Declaration] = {}
    contradicted: set[str] = set()
    more: list[Declaration] = []
    header = list(_header(text))
    more += _namesakes([one for one in header if _PERSONAL.match(text, one.place)])
    for declared in header:
        _note(declared, found, contradicted, more)
    for number, introduction in enumerate(_introductions(text)):
        more += _namesakes(introduction) if number == 0 else []
        for declared in introduction:
            if not declared.sure:
                longer = (n for n, d in found.items() if declared.name.startswith(n) and d.sure)
                if next(longer, None):
                    continue  # the name, and a cause that is not in the list
            # a second introduction may be that of another case
            if number == 0 or declared.name in found:
                _note(declared, found, contradicted, more)
    return [
        declared._replace(sure=declared.sure and declared.name not in contradicted)
        for declared in [*found.values(), *more]
    ]


def _namesakes(declared: Sequence[Declaration]) -> list[Declaration]:
    """Those with a masked name that another before them has, of the same role."""
    masked = [one for one in declared if _MASKED.search(one.name) and _PERSON.fullmatch(one.name)]
    return [
        one._replace(sure=False)
        for i, one in enumerate(masked)
        if any((one.name, one.role) == (other.name, other.role) for other in masked[:i])
    ]


def _note(
    declared: Declaration,
    found: dict[str, Declaration],
    contradicted: set[str],
    more: list[Declaration],
) -> None:
    if declared.name == "等":
        more.append(declared)
    elif kind_of(found.setdefault(declared.name, declared).role) != kind_of(declared.role):
        contradicted.add(declared.name)


def _header(text: str) -> Iterator[Declaration]:
    end = text.find("一案")
    for match in _HEADER.finditer(text, 0, end if end >= 0 else 3000):
        usual = match["colon"] is not None or text.startswith(_SEXES, match.end())
        names = list(_read_names(match["names"], usual=usual))
        if re.search(ROLES, match["names"]) or not (usual or all(sure for _, sure in names)):
            continue  # a sentence
        certain = not _is_second_role(match["also"])
        for name, sure in names:
            yield Declaration(name, match["role"], match.start("role"), sure and certain)


def _introductions(text: str) -> Iterator[list[Declaration]]:
    text = _REMARK.sub(lambda match: " " * len(match.group()), text)
    for match in _INTRODUCTION.finditer(text):
        usual = _CAUSE.search(match.group()) is not None
        starts = [m.start() for m in re.finditer(rf"(?<![（(])(?:{ROLES})", match.group())]
        found = []
        for start, end in zip(starts, [*starts[1:], len(match.group())], strict=True):
            part = _PART.match(match.group()[start:end])
            if part is None:
                continue
            certain = not _is_second_role(part["also"])
            names = re.split("[诉与]", _CAUSE.split(part["names"])[0])[0]
            first, *rest = re.split("[，,]", names)
            place = match.start() + start
            for name, sure in _read_names(first, usual=usual and len(first) < 4):
                found.append(Declaration(name, part["role"], place, sure and certain))
            for name, sure in _read_names("、".join(rest), usual=False):
                if sure:  # not his address
                    found.append(Declaration(name, part["role"], place, certain))
            if part["names"][len(names) :].startswith("等"):
                found.append(Declaration("等", part["role"], place, False))
        yield found


def _is_second_role(also: str | None) -> bool:
    """原告（被告）张某, where both sides have sued, is called either; 原告（反诉被告） is not."""
    return also is not None and re.match(ROLES, also) is not None


def _read_names(names: str, *, usual: bool) -> Iterator[tuple[str, bool]]:
    """`张某、李某和王某等` -> 张某 李某 王某 等, each with whether it is sure; 和 divides no
    organization's name.
    """
    for piece in re.split("[、，,]|以及|及其?", names):
        name = re.sub(r"\s", "", piece)
        more = _MORE.search(name)
        name = re.sub(r"(?:之间|因|为|其[他它]|共同)$", "", name[: more.start()] if more else name)
        name = re.sub(r"[（(][^（）()]*[）)]$", "", name)
        parts = name.split("和")
        for part in parts if len(name) < 10 and all(map(_is_plain_name, parts)) else [name]:
            if is_name(part):
                yield (
                    part,
                    _is_plain_name(part) or (usual and _FOREIGN.fullmatch(part) is not None),
                )
        if more:
            yield "等", False


def kind_of(role: str) -> str:
    """Civil judgments write 被告人 for 被告 too: of the two words there is one party."""
    return "被告" if role == "被告人" else role


def is_name(name: str) -> bool:
    """Whether it can be a name at all."""
    return 2 <= len(name) <= 40 and not _GENERIC.fullmatch(name) and not _NO_NAME.search(name)


def _is_plain_name(name: str) -> bool:
    """Whether it has the form of a person's or an organization's name, so nothing need precede."""
    return bool(_PERSON.fullmatch(name) or _ORGANIZATION.fullmatch(name))
