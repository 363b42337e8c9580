"""What the models read of a judgment: its own characters, with roles for names and without asides.

Summaries say 原告 and 被告 where judgments give names, and leave out what stands in brackets. Both
are done before the models read, by what the judgment itself declares, and not left to them to
guess:

- a mention of a party (`原告张某`, `张某`, its short name) is read as the role word, which is taken
  from where the judgment declares it. Only a role that one single party has is read so: with two
  defendants 被告 would no longer say which of them;
- an aside, 5 to 40 characters in brackets, is passed over (（以下简称…）, （经营者张某）),
  but not one of the ruling that says at what rate, for what time, or less what, is to be paid, or
  what instead (（按合同约定的利率计算）, （计算至2017年2月15日）, （扣除已付的1000元）,
  （或折价赔偿）): without it the order would be another; nor one behind a sign: 5元-（3元×2）.

Every character that is read is still a character of the judgment at a known place, so whatever is
copied from it can be traced.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from spaces.bearers import find_sole_parties
from spaces.parties import Mention, find_mentions, find_parties

__all__ = ["Wording"]

_ASIDE = re.compile(r"（[^（）()\n]{5,40}）|\([^（）()\n]{5,40}\)")
_RULING = re.compile("判决如下|判决[：:]")
_ORDER = re.compile(
    # rates and deductions; the time that interest runs for, not that of a sentence
    "率|[%％‰]|倍|扣除|抵扣|折价|为准|垫付|已经?[付还支给]|^(?!.*刑).*(?:[自从].*起|[计算截][至止到])"
)
# What may stand before a term of a sum
_SIGN = re.compile(r"[\d元天日月年%％)）\]］][-－+＋×xX*÷/=＝\[［][（(]")
_MAN = re.compile("人(?!民币)")
_QUOTED = re.compile(r"《[^《》\n]{1,60}》")


class _Edit(NamedTuple):
    """Instead of `judgment[start:end]`, `judgment[place:place + length]` is read."""

    start: int
    end: int
    place: int
    length: int


class Wording:
    """How one judgment is read.

    >>> text = "原告：张某甲，男。被告：李某，男。李某（系张某甲的同事）向原告张某甲借款。"
    >>> wording = Wording(text)
    >>> "".join(text[a:b] for a, b in wording.pieces(17, len(text)))
    '被告向原告借款。'
    """

    def __init__(self, judgment: str) -> None:
        self.edits = sorted(_edits(judgment))
        self.starts = [edit.start for edit in self.edits]

    def pieces(self, start: int, end: int) -> list[tuple[int, int]]:
        """Places in the judgment, in reading order, of what is read for its characters `start` to
        `end`. A change that lies across the border is not made.
        """
        found: list[tuple[int, int]] = []
        last = start
        for at in range(bisect_left(self.starts, start), len(self.edits)):
            edit = self.edits[at]
            if edit.end > end:
                break
            found.append((last, edit.start))
            found.append((edit.place, edit.place + edit.length))
            last = edit.end
        found.append((last, end))
        return [(a, b) for a, b in found if a < b]


def _edits(judgment: str) -> list[_Edit]:
    quoted = [_Edit(m.start(), m.end(), m.start(), 0) for m in _QUOTED.finditer(judgment)]
    taken = _Taken(quoted)
    ruling = max((m.start() for m in _RULING.finditer(judgment)), default=len(judgment))
    passed = (
        _Edit(m.start(), m.end(), m.start(), 0)
        for m in _ASIDE.finditer(judgment)
        if (m.start() < ruling or not _ORDER.search(m.group()))
        and not _SIGN.match(judgment, max(0, m.start() - 2))
    )
    edits = [edit for edit in passed if taken.add(edit)]
    parties = find_parties(judgment)
    sole = set(find_sole_parties(judgment, parties))
    for mention in find_mentions(judgment, parties):
        role = mention.party.role
        if mention.party not in sole or _would_mislead(judgment, mention):
            continue
        own = judgment.startswith(role, mention.start)
        place = mention.start if own else mention.party.declared
        again = f"的{role}"  # 原告张某的原告主体资格 is 原告主体资格
        end = mention.end + (len(again) if judgment.startswith(again, mention.end) else 0)
        edit = _Edit(mention.start, end, place, len(role))
        if taken.add(edit):
            edits.append(edit)
    return edits


def _would_mislead(judgment: str, mention: Mention) -> bool:
    """Whether what stands around makes another word of the role: 原大成公司 -> 原被告,
    张某人身损害 -> 被告人身损害, 反诉张某 -> 反诉原告, 被张某 -> 被上诉人 (人民币 does not).
    """
    before = judgment[max(0, mention.start - 2) : mention.start]
    return (
        before.endswith(("原", "反诉", "本诉", "一审"))
        or (before.endswith("被") and mention.party.role == "上诉人")
        or (_MAN.match(judgment, mention.end) and mention.party.role in ("原告", "被告"))
    )


class _Taken:
    """Stretches that are spoken for; a later one that overlaps them is refused."""

    def __init__(self, edits: list[_Edit]) -> None:
        self.spans = sorted((e.start, e.end) for e in edits)

    def add(self, edit: _Edit) -> bool:
        at = bisect_left(self.spans, (edit.start, edit.end))
        if at and self.spans[at - 1][1] > edit.start:
            return False
        if at < len(self.spans) and self.spans[at][0] < edit.end:
            return False
        self.spans.insert(at, (edit.start, edit.end))
        return True
