"""Faults of a summary that need no person to be counted: repetition, broken ends, swapped parties.

Each check looks at one thing and is a pure function of texts; what they count together stands in
`benchmarks/facts.py`. Amounts, dates and statutes are in `spaces.facts`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from spaces.facts import find_names
from spaces.parties import Party, find_mentions
from spaces.sentences import split_clauses

__all__ = [
    "is_cut_off",
    "is_runaway",
    "ordered_payments",
    "party_names",
    "repeated_clauses",
    "swapped_parties",
]

_SHORTEST_CLAUSE = 6
_LONGEST_SUMMARY = 800
_PHRASE, _TIMES = 8, 3
_ENDS = "。！？；”"
_PAIRS = [("《", "》"), ("「", "」"), ("『", "』"), ("【", "】"), ("（", "）")]
_QUOTES = [("“", "”"), ("‘", "’")]
_CIRCLE = re.compile(r"(.{4,60}?)\1\1", re.DOTALL)
_LIST_MARKER = re.compile(r"(?<![（(0-9])[0-9一二三四五六七八九十]{1,2}[)）]")


def repeated_clauses(summary: str) -> list[str]:
    """Clauses of at least 6 letters and digits that the summary says more than once.

    >>> repeated_clauses("被告未还借款本金，被告未还借款本金。被告未还，被告未还。")
    ['被告未还借款本金']
    """
    said = _said(summary).items()
    return [clause for clause, n in said if n > 1 and len(clause) >= _SHORTEST_CLAUSE]


def is_cut_off(summary: str) -> bool:
    """Whether a summary that is not empty does not end as a sentence, or leaves 《, “ or （ open.

    >>> [is_cut_off(text) for text in ["判决驳回。", "判决驳", "依照《合同法。", " "]]
    [False, True, True, False]
    """
    text = _LIST_MARKER.sub("", summary.strip()).replace("(", "（").replace(")", "）")
    if not text:
        return False
    if any(text.count(left) != text.count(right) for left, right in _PAIRS):
        return True
    # People write ”so” too.
    return any(text.count(left) > text.count(right) for left, right in _QUOTES) or (
        text[-1] not in _ENDS
    )


def is_runaway(summary: str) -> bool:
    """Whether a summary is longer than 800 characters, or goes round: a clause of at least 8
    letters and digits three times, or 4 to 60 characters three times without a break.

    Any phrase of 8 characters three times would be too strict: one in five summaries by people has
    one (《中华人民共和国, a company's name, 违法解除劳动合同).

    >>> [is_runaway("被告偿还原告借款本金，" * n) for n in (2, 3)]
    [False, True]
    >>> is_runaway("依照《合同法》、《合同法》、《合同法》、")
    True
    """
    often = [n for clause, n in _said(summary).items() if len(clause) >= _PHRASE]
    return (
        len(summary) > _LONGEST_SUMMARY
        or max(often, default=0) >= _TIMES
        or _CIRCLE.search(summary) is not None
    )


def _said(summary: str) -> Counter[str]:
    """How often each clause is said, without punctuation and the marker of a list."""
    return Counter(
        re.sub(r"^\W*(?:[0-9一二三四五六七八九十]{1,2}[、.．)）])?|\W", "", clause.text)
        for clause in split_clauses(summary)
    )


def party_names(summary: str, parties: Sequence[Party]) -> list[str]:
    """The names in a summary: of the judgment's `parties`, masked ones (张某1), and organizations
    behind 原告, 被告 or 第三人. Other names cannot be told from words, and are not looked for.

    >>> party_names("原告大成公司诉称，被告李某2未付款。", [Party("原告", ("大成公司",), 0)])
    ['大成公司', '李某2']
    """
    known = sorted({name for party in parties for name in party.names}, key=len, reverse=True)
    names = []
    pattern = "|".join(map(re.escape, known)) or r"(?!)"
    for piece in re.split(f"({pattern})", summary):
        if piece in known:
            names.append(piece)
            continue
        names += [name.text for name in find_names(piece)]
    return names


_SIDE = "原告|被告"
_ANY = "原告|被告|第三人|上诉人"
_PAY = "支付|给付|偿还|返还|赔偿|归还|退还|付给|补偿"
_UNTIL = rf"(?:(?!{_ANY})[^。；;\n]){{0,80}}?"
_SOME = "[二两三四五六七八九十各]?"
_PAYMENT = re.compile(
    rf"(?P<payer>{_SIDE}){_UNTIL}"
    rf"(?:向{_SOME}(?P<to>{_SIDE})(?:(?!{_ANY})[^，。；;\n]){{0,40}}?(?:{_PAY})"
    rf"|(?:{_PAY})(?:给|了)?{_SOME}(?P<paid>{_SIDE}))"
)
_RULING = re.compile(
    r"(?<![本该原此上前])判决(?:如下)?\s*[：:，,]?(?!书|生效|确定|指定|发生|送达|认定|第)"
)
_NO_ORDER = re.compile("驳回|请求|要求|主张|受理费|诉讼费")


def swapped_parties(summary: str, judgment: str, parties: Sequence[Party]) -> list[tuple[str, str]]:
    """(payer, payee) of each payment that the summary's ruling orders and the judgment's ruling
    orders the other way round only. Names count as the roles of `parties`.

    >>> parties = [Party("原告", ("张某",), 0), Party("被告", ("李某",), 0)]
    >>> judgment = "判决如下：李某于十日内偿还张某借款5000元。"
    >>> swapped_parties("判决：原告偿还被告借款5000元。", judgment, parties)
    [('原告', '被告')]
    """
    ordered = ordered_payments(judgment, parties)
    return [
        (payer, payee)
        for payer, payee in ordered_payments(summary, parties)
        if (payee, payer) in ordered and (payer, payee) not in ordered
    ]


def ordered_payments(text: str, parties: Sequence[Party]) -> list[tuple[str, str]]:
    """(payer, payee) of each payment that the ruling of a text orders, as roles, each once.

    >>> ordered_payments("判决如下：被告向原告支付5000元；驳回原告其他诉讼请求。", [])
    [('被告', '原告')]
    """
    rulings = list(_RULING.finditer(text))
    if not rulings:
        return []
    formal = [ruling for ruling in rulings if re.search("如下|[：:]", ruling.group())]
    ruling = _with_roles(text[(formal or rulings)[-1].end() :], parties)
    found: dict[tuple[str, str], None] = {}
    for order in re.split("[。；;\n]", ruling):
        if not _NO_ORDER.search(order):
            for match in _PAYMENT.finditer(order):
                found[match["payer"], match["to"] or match["paid"]] = None
    return [(payer, payee) for payer, payee in found if payer != payee]


def _with_roles(text: str, parties: Sequence[Party]) -> str:
    """The text with the role of each party where it is named."""
    pieces, last = [], 0
    for mention in find_mentions(text, parties):
        pieces += [text[last : mention.start], mention.party.role]
        last = mention.end
    return "".join([*pieces, text[last:]])
