"""Where two runs meet: marks and cues that no writer would leave there.

A summary is put together from runs of the judgment and from phrases of its own. Where one ends and
the next begins, a comma or semicolon of the judgment may stand before the cue of the next section
(…27000元；被告辩称), a cue may open a section that is then left empty (经审理查明，本院认为), a
mark may follow a mark; what the court found or thinks may stand behind the defence as if the
defendant had said it; two sentences may run into one, of which the second then tells of the first
one's subject. Each is mended here, in tokens, so that every character keeps its origin: what is put
in place counts as generated, what is left out is gone. A text that does not say what the case is
about gets the clause of the head that does (原告诉被告租赁合同纠纷一案), copied. A run that goes on
over clauses that were left out of the source has a joint there too. Elsewhere in a run nothing is
touched, since that is the judgment's own text, but for what a reader stumbles over: marks that mean
nothing (如下：、一、), numbers of a list that is told in part and brackets without their partner
(`generate.items`), a cue said twice, and a semicolon before another speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from spaces.generate.beam import Hypothesis
from spaces.generate.copying import BEGIN, INSIDE, OUTSIDE
from spaces.generate.items import Item, drop_partial, spell, splice
from spaces.generate.tokenizer import FIRST_SECTION
from spaces.sections import SECTIONS
from spaces.sentences import ends_sentence

__all__ = ["CLAUSES", "NOTHING", "SENTENCE", "Joints"]

# What was left out of a judgment before a token of the source: nothing, clauses, or clauses with
# which a sentence ended.
NOTHING, CLAUSES, SENTENCE = range(3)

# As the tokenizer has them: marks of half width.
_FACT = "(?:法律|案件|本案)?事实"
_FOUND = (
    "(?:(?:(?:本院)?(?:(?:另|经?(?:审理)?)查明|经(?:审理)?认定|经审[查理])|本院认定)"
    f"(?:的?{_FACT})?(?:如下)?|本院确认(?:以下|如下)?{_FACT}(?:如下)?)"
)
_DEFENDED = "(?:被告|第三人)[^,;:。]{0,8}?(?:辩称|未作?答辩)"
# The same of several names, and who did not come
_ANSWERED = "(?:被告|第三人)[^,;:。]{0,24}?(?:(?<!的)辩称|未(?:到庭|出庭|应诉|[^,;:。]{0,8}?答辩))"
_STATUTES = "(?:依照|依据|根据)《(?:中华人民共和国|最高人民法院)"
_STOP = "。"
_COMMAS = (",", ";")
# A clause that leads to what stands behind it
_LEADS = re.compile(
    "(?:对于?|关于|无论|因|由于|如|若|虽|既然|鉴于|根据|按照|依照|其中|但是?$|经.{1,8}$|第.$|[\\d年月日]+$)"
    "|.*(?:认为|认定|查明|称|诉求|请求|要求|主张|如下|综上(?:所述)?|首先|其次|另外|此外|[据因为]此"
    "|原告|被告|[后时的]|(?:本案|庭审|审理|诉讼)(?:过程)?中)$"
)
_GOES_ON = ("并", "且", "而", "以及")  # how a clause begins that is the end of a sentence
_OPENS, _CLOSES = "(《“", ")》”"
_SO = "(?:故|因此|所以|并且|而且)"
_OWN = "(?=[,对原被其应不本])"  # behind such a word; it may be the beginning of another (故障)
_RELATION = "[^,;:。]{0,24}(?:纠纷|关系|夫妻|同[学事乡]|邻居|[兄弟姐妹母父]|离婚|一案)"
_SUPERFLUOUS = [
    # a cue whose section is empty: the next cue stands for it
    re.compile(f"{_FOUND}[,:]*(?=(?:{_FOUND}|本院认为|{_DEFENDED}))"),
    re.compile(f"(?<=[。;,]){_FOUND}[,:]*(?={_STATUTES})"),
    re.compile(f"(?<=[。;,]){_FOUND}[,:]*。"),
    re.compile(f"(?:被告[^,;:。]{{0,24}}?辩称|原告提出诉求)[,:]*(?={_ANSWERED})"),
    re.compile(f"(?:(?<=[。;,])|^)原告提出诉求[,:]*(?={_FOUND}|本院认为)"),
    # what was broken off before the court speaks
    re.compile(
        "(?:(?<=[。;:,])|^)(?<![称求明认下][,:])(?!(?:综上(?:所述)?|[对据为因]此|故|但|审理后|庭审后)本院)"
        "[^。;:,]{1,24}(?=本院认为[,:])"
    ),
    # statutes that are not there, or a title without its article, which may be that of a contract
    re.compile("(?<=[。;:,])(?:依照|依据|根据)(?:《[^《》]*》)?[,:。]*(?=本院认为)"),
    # the claim is announced already
    re.compile("(?:(?<=[。;,])|^)原告提出诉求[,:]*故?(?=原告(?:起诉|诉[称请至]|请求|要求))"),
    # a conclusion of nothing: behind a cue, and where what it concludes is not told
    re.compile(f"(?:(?<=[辩诉]称[,:])|(?<=诉求[,:])|(?<=本院认为[,:])){_SO}{_OWN}"),
    re.compile(f"(?<=[。;,])综上(?:所述)?[,。]+(?=(?:{_FOUND}|本院认为|{_ANSWERED}))"),
    # a party, and nothing of what it did
    re.compile("(?:(?<=[。;:,])|^)(?:原告|被告|第三人),(?=[^,;:。])"),
    # two openings, two subjects
    re.compile("^(?:原被告系|原告与被告)(?=原告)"),
    re.compile("(?:^|(?<=[。;:,]))原告[,:](?=原告)"),
    # an opening that names no relation, with the words it names instead
    re.compile(f"^(?:原被告系(?!{_RELATION})(?:[^,;:。]{{0,6}}。)?|原告与被告。)"),
    # of two marks the stronger stays
    re.compile("(?<=[。;:,])[:,;、]+"),
    re.compile("[:,;、]+(?=。)"),
]
# An order that is written, not copied, before anything is ordered
_ORDER = re.compile("(?<=[。;])[一二三四五六]、驳回[^,;。]{0,16}请求[。;]")
_RULING = re.compile("(?:判决|裁定)(?:如下|:)|规定,(?:判决|裁定)")
# A party's answer is told; 被告的辩称 is spoken of
_ANSWER = "(?:被告|第三人)[^,;:。]{0,24}?(?<!的)辩称"
# A cue that stands against what it announces, and the pieces that are put between (`at`, or in
# place of what is found); who asks for a ruling (请求判决) announces none
_UNMARKED = [
    (re.compile("(?<=判决)(?<!求判决)(?:、*(?=一、)|、+)"), ["如下", ":"]),
    (re.compile("(?<=判决如下)(?:、+|(?![。;:,]|$))"), [":"]),
    (
        re.compile(
            "(?:(?<=提出诉求)|(?<=[。;,]原告诉求)|(?<=提出诉讼请求)|(?<=提出的诉讼请求))"
            "(?![。;:,、]|$)"
        ),
        [":"],
    ),
    (re.compile(f"(?:(?<=[。;,])|^){_ANSWER}(?P<at>)(?![。;:,、的并]|理由|意见|$)"), [":"]),
    (re.compile("(?<=查明|认为|认定|辩称);"), [","]),
]
# A cue said twice
_TWICE = re.compile("(本院认为|原告提出诉求|被告[^,;:。]{0,24}?辩称)[。;:,、]*(?=\\1)")
# A word that leads to what was left out behind it
_DANGLING = re.compile("(?<=[。;:,])(?:故|因|但|且|由)")
# How a claim is announced, and in a criminal judgment, where nobody is 原告
_CLAIMED, _CHARGED = "原告提出诉求", "公诉机关指控"
# A claim announced twice, whose second announcement lacks its subject, and one of both parties
_SUBJECT = "原告"
_ASKED = re.compile(
    "(?:(?<=[。;,])|^)原告提出诉求[,:]*(?=向(?:本院|法院|我院)提出)"
    "|^原告与被告(?=请求|要求|诉[称至请]|向(?:本院|法院|我院))"
)
_AHEAD = 40  # tokens
_MARKS = re.compile("[。;:,、]+")
_CONCLUDES = re.compile(_SO)
# Marks that become a stop: where a section ends, where another speaks, even within a run, and at
# the end of the text.
_COURT = f"(?:{_FOUND}|(?:综上(?:所述)?,?)?本院(?:认为|(?:依[照据]|根据)《)|依照|依据)"
_PARTY = f"(?:{_ANSWER}|公诉机关指控)"
_SECTION_END = re.compile(
    "(?<!认为|查明|诉称|综上|所述|[对据因]此|审理)"
    f"(?:[,;、](?={_COURT})|[,;](?=(?:{_DEFENDED}|{_PARTY})))"
)
_TURN = re.compile(f";(?=(?:{_FOUND}|本院认为|判决如下|{_PARTY}|{_ANSWERED}))")
_TEXT_END = re.compile("[,;:、]$")
# Nothing where a stop belongs: …不予支持依照《
_RUN_ON = re.compile(f"(?<=支持|采信|采纳|责任)(?={_STATUTES})")
# The same behind a plea that is broken off
_BROKEN = re.compile("(?<=称[,:])[^。;:,]{1,24}(?P<at>)(?=本院认为[,:])")
_CLAIM = FIRST_SECTION + SECTIONS.index("claim")
_HEAD = FIRST_SECTION + SECTIONS.index("head")
_ORDERS = FIRST_SECTION + SECTIONS.index("ruling")
# The clause of the head that says what the case is about, of one clause and no more
_CASE = re.compile(
    "(?:^|(?<=[,;。]))原告(?:(?<=[、和及与])原告|(?!原告)[^,;:。]){2,60}一案(?=[,。])"
)
# A text that says so, and one whose cause may be another
_ABOUT = re.compile(
    "(?:原、?被告|原告与被告|双方|本案)[^,。]*?[系属]|[^。]*?(?:纠纷|一案|不服|指控)"
)
_SUBJECTS = 2  # tokens of that clause in a text that does not tell it: 原告 and 被告
_CAUSE = re.compile("^原被告系([^,;:。]{1,24}纠纷)(?:一案|案件)?[,。]")


class _Announcement(NamedTuple):
    """The cue of a section in pieces, and where it is not to be put: behind and before what says by
    itself that the court speaks, nor behind the first words of something else; nor where the source
    says before it that another speaks (`other`)."""

    section: int
    cue: Sequence[str]
    before: re.Pattern[str]
    behind: re.Pattern[str]
    other: re.Pattern[str] | None = None


_ANNOUNCEMENTS = [
    _Announcement(
        _CLAIM,
        [_CLAIMED, ":"],
        re.compile("诉[称求请至]|请求|要求|起诉|主张|指控"),
        re.compile("[^。;]{0,60}(?:诉[称求请至]|请求|要求|起诉|主张|[陈述]称|事实|指控)"),
    ),
    _Announcement(
        FIRST_SECTION + SECTIONS.index("defence"),
        ["被告", "辩称", ":"],
        re.compile("[辩述]称[,:]?$|答辩[^。;]{0,8}$|[^,;:。]$"),
        re.compile(
            "[^。;]{0,60}(?:[辩述]称|答辩|未到|未应|缺席|没有到|拒不|放弃|指控|公诉)|[^,。;]{0,16}(?:认为|表示|同意|认可|承认|异议|提出|提交)"
        ),
        re.compile("第三人[^。;]{0,20}[述辩]称[^。]*。?[^。]*$"),
    ),
    _Announcement(
        FIRST_SECTION + SECTIONS.index("facts"),
        ["经审理查明", ","],
        re.compile("(?:认为|查明|确认|认定|审[理查]);?[^。;]{0,6}$|[^,;。]$"),
        re.compile(
            "[^,。;]{0,12}(?:认为|查明|确认|认定|审[理查]|本院)|综上|.{0,4}(?:依照|依据|根据|按照)"
            "|[^。;]{0,24}[辩诉述]称|[^,。;]{0,12}(?:提交|提供|举示|主张|请求)"
        ),
    ),
    _Announcement(
        FIRST_SECTION + SECTIONS.index("reasons"),
        ["本院认为", ","],
        # a list of statutes goes on
        re.compile("(?:(?:认为|审[理查])[,:]?|依照|依据|根据|按照|(?:依照|依据)《[^,;。]*[,、])$"),
        re.compile(
            "(?:(?![^,]{0,12}(?:原告|被告|第三人))[^,]{0,12}认为|[^。;]{0,24}本院认为|本院|综上|.{0,4}(?:依照|依据)|.{0,4}判决)"
        ),
    ),
]


class Joints:
    """Mends the joints of hypotheses whose tokens are numbered as `pieces`."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = pieces
        numbers = {piece: i for i, piece in enumerate(pieces)}
        self.stop, self.subject = numbers.get(_STOP), numbers.get(_SUBJECT)
        self.claimed, self.charged = numbers.get(_CLAIMED), numbers.get(_CHARGED)
        cues = ((each, [numbers.get(p) for p in each.cue]) for each in _ANNOUNCEMENTS)
        # each with its cue in tokens; none where a token of it is missing
        self.announcements = [(each, cue) for each, cue in cues if None not in (self.stop, *cue)]
        self.unmarked = [
            (pattern, [Item(numbers[p], OUTSIDE, -1) for p in put])
            for pattern, put in _UNMARKED
            if numbers.keys() >= set(put)
        ]

    def mend(
        self,
        hypothesis: Hypothesis,
        segments: Sequence[int] = (),
        source: Sequence[int] = (),
        gaps: Sequence[int] = (),
        prosecuted: bool = False,
    ) -> Hypothesis:
        """The hypothesis with its joints mended; one that is truncated keeps its end. `source`: its
        tokens, and `segments` those of them, which tell where the court begins to speak and what
        the case is about; `gaps`: what of the judgment was left out before each (NOTHING, …);
        `prosecuted`: whether the judgment has a prosecutor, and nobody who claims.

        >>> Joints(["27000元", ";", "被告", "辩称", "。"]).mend(hypothesis)  # tokens 0 1 2 3
        Hypothesis(tokens=[0, 4, 2, 3], tags=[1, 0, 0, 0], positions=[7, -1, -1, -1], ...)
        """
        rows = zip(hypothesis.tokens, hypothesis.tags, hypothesis.positions, strict=True)
        items = [Item(*row) for row in rows]
        for i, item in enumerate(items):
            if item.tag == INSIDE and gaps and gaps[item.position]:
                items[i] = item._replace(tag=BEGIN)
        self._announce(items, segments, source)
        if prosecuted and self.charged is not None:
            for i, item in enumerate(items):
                if (item.token, item.tag) == (self.claimed, OUTSIDE):
                    items[i] = item._replace(token=self.charged)
        self._drop_orders(items)
        self._mark_cues(items)
        self._drop_dangling(items, segments)
        self._replace(items, _TWICE, [], anywhere=True)
        for pattern in _SUPERFLUOUS:
            self._replace(items, pattern, [])
        if self.subject is not None:
            self._replace(items, _ASKED, [Item(self.subject, OUTSIDE, -1)])
        if opened := self._open(items, segments, source, gaps):
            # what stood first, and now stands behind the parties
            self._announce(items, segments, source, opened)
        drop_partial(items, self.pieces, self._find_ruling(items, segments))
        self._mark_cues(items)  # where a number stood
        if self.stop is not None:
            stop = [Item(self.stop, OUTSIDE, -1)]
            self._end_sentences(items, source, gaps)
            self._replace(items, _SECTION_END, stop)
            self._replace(items, _TURN, stop, anywhere=True)
            self._replace(items, _RUN_ON, stop)
            self._replace(items, _BROKEN, stop)
            if not hypothesis.truncated:
                self._replace(items, _TEXT_END, stop)
        tokens, tags, positions = map(list, zip(*items, strict=True)) if items else ([], [], [])
        return replace(hypothesis, tokens=tokens, tags=tags, positions=positions)

    def _end_sentences(self, items: list[Item], source: Sequence[int], gaps: Sequence[int]) -> None:
        """A stop in place of the comma between two copied runs of which the judgment has the second
        in another sentence: what stands before it would go on in the second (an heir's right, in
        that of another)."""
        clause, depth = "", 0  # as far as it goes; marks that are open
        for i, new in enumerate(items[1:], 1):
            last = items[i - 1]
            piece = self.pieces[last.token]
            depth += sum(mark in _OPENS for mark in piece) - sum(mark in _CLOSES for mark in piece)
            if piece not in _COMMAS:
                ended = ends_sentence(piece)
                clause = "" if ended or piece == ":" else clause + piece
                depth = 0 if ended else max(depth, 0)  # one that is never closed
                continue
            leads, clause = _LEADS.match(clause), ""
            goes_on = self.pieces[new.token].startswith(_GOES_ON)
            if leads or depth or goes_on or new.tag != BEGIN or last.position < 0:
                continue
            passed = source[last.position + 1 : new.position]
            if (
                new.position < last.position
                or any(ends_sentence(self.pieces[token]) for token in passed)
                or SENTENCE in gaps[last.position + 1 : new.position + 1]
            ):
                items[i - 1] = Item(self.stop, OUTSIDE, -1)

    def _drop_orders(self, items: list[Item]) -> None:
        """Without the orders that a text begins to write of itself before its ruling."""
        for match, first, last in self._find(items, _ORDER):
            written = all(item.tag == OUTSIDE for item in items[first:last])
            if written and not _RULING.search(match.string, 0, match.start()):
                del items[first:last]

    def _find_ruling(self, items: Sequence[Item], segments: Sequence[int]) -> int | None:
        """The first item of the ruling: its cue, or what is copied of it. None without either."""
        text, place = spell(self.pieces, [item.token for item in items])
        orders = {i for i, segment in enumerate(segments) if segment == _ORDERS}
        first = [i for i, item in enumerate(items) if item.position in orders]
        for cue in [*_RULING.finditer(text)][-1:]:  # a claim may have one before: 请求判决:
            first.append(place[max(start for start in place if start <= cue.start())])
        return min(first, default=None)

    def _drop_dangling(self, items: list[Item], segments: Sequence[int]) -> None:
        """Without a word that a run ends with, before what it does not lead to, but in the
        ruling."""
        for _, first, last in self._find(items[: self._find_ruling(items, segments)], _DANGLING):
            if items[first].tag == OUTSIDE or last == len(items):
                continue
            elsewhere = items[last].position != items[first].position + 1
            if (items[last].tag == BEGIN and elsewhere) or items[last].token == self.stop:
                del items[first:last]

    def _mark_cues(self, items: list[Item]) -> None:
        """With a colon where a cue stands against what it announces."""
        for pattern, put in self.unmarked:
            self._replace(items, pattern, put)

    def _open(
        self,
        items: list[Item],
        segments: Sequence[int],
        source: Sequence[int],
        gaps: Sequence[int],
    ) -> int:
        """Begin with the clause of the head that says what the case is about, where the text does
        not, or names a cause that is not in the source. Returns how many items that takes."""
        told = self._text(items)
        cause = _CAUSE.match(told)
        invented = cause is not None and cause[1] not in spell(self.pieces, source)[0]
        if not items or self.stop is None or (_ABOUT.match(told) and not invented):
            return 0
        case = self._find_case(segments, source)
        if not case or sum(item.position in case for item in items) > _SUBJECTS:
            return 0
        if invented:
            self._replace(items, _CAUSE, [])
            if self._text(items) == told:
                return 0  # words that are not whole tokens stay
        begins = [i == case[0] or bool(gaps and gaps[i]) for i in case]
        tags = [BEGIN if begin else INSIDE for begin in begins]
        opening = [Item(source[i], tag, i) for i, tag in zip(case, tags, strict=True)]
        items[:0] = [*opening, Item(self.stop, OUTSIDE, -1)]
        return len(opening) + 1

    def _find_case(self, segments: Sequence[int], source: Sequence[int]) -> range:
        """The tokens of the clause of the head that says what the case is about; none without."""
        head = [i for i, segment in enumerate(segments) if segment == _HEAD]  # all in one piece
        text, place = spell(self.pieces, [source[i] for i in head])
        found = _CASE.search(text)
        if found is None or not {found.start(), found.end()} <= place.keys():
            return range(0)
        return range(head[place[found.start()]], head[place[found.end()]])

    def _announce(
        self,
        items: list[Item],
        segments: Sequence[int],
        source: Sequence[int],
        opened: int = 0,
    ) -> None:
        """Put its cue before the first words of each section, unless it is clear who speaks. The
        first `opened` items say what the case is about, and nobody speaks there."""
        for announcement, cue in self.announcements:
            self._put_cue(items, segments, source, announcement, cue, opened)

    def _put_cue(
        self,
        items: list[Item],
        segments: Sequence[int],
        source: Sequence[int],
        announcement: _Announcement,
        cue: Sequence[int],
        opened: int,
    ) -> None:
        section = {i for i, segment in enumerate(segments) if segment == announcement.section}
        place = next((i for i, item in enumerate(items) if item.position in section), None)
        if place is None or (place == 0 and announcement.section != _CLAIM):
            return  # a text that begins with the claim would begin with an order
        before, behind = self._text(items[opened:place]), self._text(items[place : place + _AHEAD])
        # a run may break off before the source says who speaks
        begin = items[place].position
        there = spell(self.pieces, source[begin : begin + _AHEAD])[0]
        known = announcement.behind.match(behind) or announcement.behind.match(there)
        if announcement.other is not None:
            said = spell(self.pieces, source[max(0, begin - _AHEAD) : begin])[0]
            known = known or announcement.other.search(said)
        if known or announcement.before.search(before):
            return
        stop = [] if before[-1:] in ",;:、。" else [self.stop]  # none at the beginning either
        items[place] = items[place]._replace(tag=BEGIN)
        items[place:place] = [Item(token, OUTSIDE, -1) for token in (*stop, *cue)]

    def _text(self, items: Sequence[Item]) -> str:
        return spell(self.pieces, [item.token for item in items])[0]

    def _find(
        self, items: Sequence[Item], pattern: re.Pattern[str]
    ) -> Iterator[tuple[re.Match[str], int, int]]:
        """What the pattern finds in whole tokens, the last first, so that items may be put or left
        out meanwhile: the match, its first item and the one behind it."""
        text, place = spell(self.pieces, [item.token for item in items])
        for match in reversed(list(pattern.finditer(text))):
            start, end = match.span("at" if "at" in pattern.groupindex else 0)
            if {start, end} <= place.keys():
                yield match, place[start], place[end]

    def _replace(
        self,
        items: list[Item],
        pattern: re.Pattern[str],
        put: list[Item],
        anywhere: bool = False,
    ) -> None:
        """Put `put` in place of what the pattern finds, or where it finds nothing between two
        tokens, where it is whole tokens at a joint, or `anywhere`."""
        for match, first, last in self._find(items, pattern):
            if first == last and not put:
                continue
            if last < len(items):
                # a mark that a run begins with is at a joint, and so is a word that concludes;
                # other words that it begins with are its own
                mark = first == last or _MARKS.fullmatch(match.group()) is not None
                at_joint = mark or _CONCLUDES.fullmatch(match.group()) is not None
                own = items[first if at_joint else first + 1 : last + 1]
                within = (put or not mark) and all(item.tag == INSIDE for item in own)
                if within and not anywhere:
                    continue
            splice(items, first, last, put)
