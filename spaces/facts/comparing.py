"""Which facts of a summary its judgment does not state, in whatever form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from spaces.facts.finding import Fact, find_facts
from spaces.facts.laws import same_law
from spaces.facts.names import find_names

__all__ = ["describe_missing", "missing_facts"]


def missing_facts(summary: str, judgment: str) -> list[Fact]:
    """The facts of the summary that the judgment does not state, with offsets into the summary.

    An amount is stated by the same amount or the bare number, a bare number by any number of that
    value; a date by one that agrees in all that the summary writes; an article by the same article
    of a law that can be meant; a law by any mention of it. A name (`find_names`) has to stand in
    the judgment letter by letter.

    >>> judgment = "2017年5月3日借款10000元。依照《中华人民共和国合同法》第六条、第八条"
    >>> summary = "2017年5月借款1万元，已还5000元。依照《合同法》第八条、第九条"
    >>> [fact.text for fact in missing_facts(summary, judgment)]
    ['5000元', '第九条']
    """
    stated = _Stated(find_facts(judgment))
    missing = [fact for fact in find_facts(summary) if not stated.has(fact)]
    letters = "".join(judgment.split())
    missing += [name for name in find_names(summary) if name.text not in letters]
    return sorted(missing, key=lambda fact: fact.start)


def describe_missing(facts: Iterable[Fact]) -> list[str]:
    """A sentence for each fact, once where a fact is written twice the same way.

    >>> describe_missing(missing_facts("支付5000元。", "支付500元。"))
    ['The amount 5000元 stands in the summary but not in the judgment.']
    """
    names = {"statute": "statute article", "party": "name"}
    sentences = []
    for fact in facts:
        name, text = names.get(fact.kind, fact.kind), fact.text
        if fact.kind == "statute":
            law, article = fact.value
            if article is None:
                name = "statute"
            elif law and "《" not in text and law not in text:
                text = f"《{law}》{text}"
        sentences.append(f"The {name} {text} stands in the summary but not in the judgment.")
    return list(dict.fromkeys(sentences))


class _Stated:
    """What a judgment states, arranged for questions."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.amounts: set[Decimal] = set()
        self.numbers: set[tuple[Decimal, str]] = set()
        self.values: set[Decimal] = set()  # of numbers with any unit, and of amounts
        self.dates: set[tuple[int | None, int | None, int | None]] = set()
        self.yearless: set[tuple[int | None, int | None]] = set()  # 同年5月3日
        self.laws: dict[str | None, set[str]] = defaultdict(set)  # by article
        for fact in facts:
            if fact.kind == "amount":
                self.amounts.add(fact.value)
                self.values.add(fact.value)
            elif fact.kind == "number":
                self.numbers.add(fact.value)
                self.values.add(fact.value[0])
            elif fact.kind == "date":
                year, month, day = fact.value
                # As written and with less of it: 2017年5月3日 states 2017年5月 and 5月3日.
                for y in {year, None}:
                    self.dates |= {(y, month, day), (y, month, None), (y, None, None)}
                if year is None:
                    self.yearless |= {(month, day), (month, None)}
            else:
                law, article = fact.value
                self.laws[article].add(law)
                self.laws[None].add(law)

    def has(self, fact: Fact) -> bool:
        if fact.kind == "amount":
            return fact.value in self.amounts or (fact.value, "") in self.numbers
        if fact.kind == "number":
            value, unit = fact.value
            if not unit:
                return value in self.values
            return fact.value in self.numbers or (value, "") in self.numbers
        if fact.kind == "date":
            _, month, day = fact.value
            # The judgment may leave the year to be understood: 同年5月3日.
            return fact.value in self.dates or (month, day) in self.yearless
        law, article = fact.value
        return any(same_law(law, other) for other in self.laws[article])
