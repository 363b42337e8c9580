"""The report as text: what is cut, marked, escaped and refused. The browser's part is in
test_report_browser.py.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.errors import InputError
from spaces.provenance import ScoredClause, Span, Summary
from spaces.report import Flag, render_report, render_reports, summary_fragment
from spaces.report.pieces import cut_judgment, cut_summary, visible

JUDGMENT = "原告王某诉称，被告借款5万元。\n本院认为，被告应当归还原告借款5万元。\n驳回其他请求。"
EVIL = (
    "<script>alert(1)</script>&lt;--><img src=x onerror=alert(1)>]]>'\"\u2028{{ 7*7 }}甲\x00\ud800"
)


def copy_of(judgment: str, *pieces: str | tuple[int, int]) -> Summary:
    """A summary of pieces: places (start, end) of the judgment, or generated text."""
    text, spans = "", []
    for piece in pieces:
        start = len(text)
        text += piece if isinstance(piece, str) else judgment[slice(*piece)]
        copied = () if isinstance(piece, str) else piece
        spans.append(Span(start, len(text), "copied" if copied else "generated", *copied))
    return Summary(text, tuple(spans))


class Page(HTMLParser):
    """Elements in order, each with its attributes and the text inside."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes) -> None:
        element = (tag, dict(attributes), [])
        assert len(element[1]) == len(attributes)
        self.elements.append(element)
        if tag not in ("meta", "input"):
            self.open.append(element)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data) -> None:
        for _, _, text in self.open:
            text.append(data)

    def find(self, tag: str, **wanted: str) -> list[tuple[dict[str, str | None], str]]:
        """(attributes, text) of the elements with a tag and, where given, a class."""
        name = wanted.get("cls")
        return [
            (attributes, "".join(text))
            for found, attributes, text in self.elements
            if found == tag and (not name or name in (attributes.get("class") or "").split())
        ]

    def texts(self) -> tuple[str, str]:
        """The summary and the judgment (its lines joined) as they are shown."""
        # The blocks of text are marked as Chinese: the summary's first
        blocks = [text for attributes, text in self.find("div", cls="text")]
        return blocks[0], "".join(line for line in blocks[1].split("\n"))


def test_both_texts_stand_in_the_page_with_their_links() -> None:
    # 被告 and 5万元 go into the summary, the latter twice; 借款5万元 overlaps it
    first, money = (7, 9), (11, 14)
    assert JUDGMENT[slice(*money)] == "5万元"
    summary = copy_of(JUDGMENT, first, "欠", money, "，", (9, 14), money)
    page = Page(render_report(summary, JUDGMENT, title="王某.txt"))
    assert page.find("h1") == [({}, "王某.txt")]
    assert page.texts() == (summary.text, JUDGMENT.replace("\n", ""))
    links = {a["id"]: (a, text) for a, text in page.find("a", cls="copied")}
    spans = {key: value for key, value in links.items() if "-s" in key}
    places = {key: value for key, value in links.items() if "-p" in key}
    assert [text for _, text in spans.values()] == ["被告", "5万元", "借款5万元", "5万元"]
    assert [(a["data-s"], text) for a, text in places.values()] == [
        ("1", "被告"),
        ("3", "借款"),
        ("2 3 4", "5万元"),
    ]
    assert [text for _, text in page.find("span", cls="generated")][:2] == ["欠", "，"]
    for number, (a, _) in enumerate(spans.values(), start=1):
        assert a["href"][1:] in places and str(number) in places[a["href"][1:]][0]["data-s"].split()
    assert all(a["href"][1:] in spans for a, _ in places.values())
    assert spans["r1-s1"][0]["title"] == "Copied from characters 8 to 9."
    assert places["r1-p3"][0]["title"] == "Copied into the summary: spans 2, 3, 4."


def test_kept_clauses_have_marks_and_scores_and_dropped_ones_none() -> None:
    clauses = (
        ScoredClause(0, 7, 0.1, False),
        ScoredClause(7, 16, 0.876, True),
        ScoredClause(16, 21, 0.5, True),
        ScoredClause(21, 35, 0.2, False),
        ScoredClause(35, len(JUDGMENT), 0.3, True),
    )
    summary = copy_of(JUDGMENT, (9, 18))  # two clauses and a line break
    assert "\n" in summary.text
    summary = Summary(summary.text, summary.spans, clauses)
    page = Page(render_report(summary, JUDGMENT))
    marks = [m for m in page.find("mark", cls="kept") if m[1] != "kept"]
    assert [(a["class"], a["title"][-4:], text) for a, text in marks] == [
        ("kept opens", "0.88", JUDGMENT[7:15]),
        ("kept opens closes", "0.50", JUDGMENT[16:21]),
        ("kept opens closes", "0.30", "驳回其他请求。"),
    ]
    first, second = [a for a, _ in page.find("a", cls="copied") if "-p" in a["id"]]
    assert "kept clause, score 0.88" in first["title"]
    assert "more" in second["class"] and second["tabindex"] == "-1" and "data-n" not in second
    assert "3 of its 5 clauses were kept" in render_report(summary, JUDGMENT)
    assert "clauses were kept" not in render_report(copy_of(JUDGMENT, (0, 2)), JUDGMENT)


def test_flags_and_warnings_are_listed_in_words_and_marked() -> None:
    summary = copy_of(JUDGMENT, "共", (11, 14), "整。")
    warned = Summary(summary.text, summary.spans, (), ("Something <b>odd</b>.",))
    flags = [Flag(0, 2, "first"), Flag(1, 6, "second"), Flag(0, 0, "the whole")]
    page = Page(render_report(warned, JUDGMENT, flags=flags))
    items = [text for _, text in page.find("li")]
    assert items == ["共5: first", "5万元整。: second", "the whole", "Something <b>odd</b>."]
    marked = [(a.get("data-f"), text) for a, text in page.find("mark", cls="flag")][:4]
    assert marked == [(None, "共"), ("1", "5"), (None, "万元"), ("2", "整。")]
    ids = {a["id"]: text for a, text in page.find("mark", cls="flag") if "id" in a}
    assert [a["href"] for a, _ in page.find("a") if "-f" in a["href"]] == ["#r1-f1", "#r1-f2"]
    assert ids["r1-f1"] == "共" and ids["r1-f2"] == "5"
    (link,) = [a for a, _ in page.find("a", cls="copied") if "-s" in a["id"]]
    assert link["title"].endswith("Flag 1: first Flag 2: second")
    assert page.texts()[0] == summary.text
    quiet = Page(render_report(summary, JUDGMENT))
    assert not quiet.find("li") and not quiet.find("mark", cls="flag")


def test_several_reports_have_contents_and_no_id_twice() -> None:
    summary = copy_of(JUDGMENT, (0, 4), "。")
    flag = Flag(0, 1, "odd")
    page = Page(
        render_reports([("甲.txt", summary, JUDGMENT, []), ("", summary, JUDGMENT, [flag])])
    )
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a, _ in page.find("a")]
    assert set(targets) <= set(ids)
    assert [text for _, text in page.find("li")][:2] == ["甲.txt", "Judgment 2 · 1 flag"]
    assert [text for _, text in page.find("h2")][2:] == ["甲.txt", "Judgment 2"]
    assert Page(render_reports([])).find("article") == []


@pytest.mark.parametrize("where", ["judgment", "summary", "title", "flag", "warning"])
def test_markup_is_text_wherever_it_comes_from(where: str) -> None:
    evil = {name: EVIL if name == where else "甲" for name in ("title", "flag", "warning")}
    judgment = EVIL if where == "judgment" else "甲乙"
    pieces = [EVIL] if where == "summary" else [(0, len(judgment))]
    summary = copy_of(judgment, *pieces)
    summary = Summary(summary.text, summary.spans, (), (evil["warning"],))
    text = render_report(summary, judgment, title=evil["title"], flags=[Flag(0, 1, evil["flag"])])
    text.encode("utf-8")
    page = Page(text)
    assert len(page.find("script")) == 1 and not page.find("img")
    assert "\x00" not in text and "{{ 7*7 }}" in text
    shown = visible(EVIL)
    assert any(shown.replace("\n", "") in "".join(t).replace("\n", "") for _, _, t in page.elements)


def test_what_cannot_be_seen_is_shown_and_lengths_stay() -> None:
    hidden = "\x00\x1b\x7f\x9f\u202e\u2066\ud800\udfff\ufffe"
    assert visible(hidden) == "␀␛␡" + "\ufffd" * 6
    assert visible("甲\t\r\n乙\u3000\U00020000") == "甲\t\n乙\u3000\U00020000"


def test_the_policy_allows_this_style_and_script_and_nothing_else() -> None:
    page = Page(render_report(copy_of(JUDGMENT, (0, 2)), JUDGMENT))
    meta = [a for a, _ in page.find("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    policy = dict(part.split(maxsplit=1) for part in meta[0]["content"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    for tag in ("style", "script"):
        ((attributes, content),) = page.find(tag)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'" and not attributes
    assert set(policy) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    for _, attributes, _ in page.elements:  # neither inline handlers and styles nor addresses
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert not attributes.get("src") and (attributes.get("href") or "#").startswith("#")


def test_a_summary_of_another_judgment_is_refused() -> None:
    summary = copy_of(JUDGMENT, (0, 4))
    with pytest.raises(InputError, match="x.txt: .*'原告王某'.*'另一'.*made from"):
        render_report(summary, "另一", title="x.txt")
    broken = Summary("甲乙", (Span(1, 2, "generated"), Span(0, 2, "generated")))
    with pytest.raises(InputError, match="in order"):
        render_report(broken, JUDGMENT)
    for flag in (Flag(0, 5, "far"), Flag(3, 2, "backwards"), Flag(-1, 2, "before")):
        with pytest.raises(InputError, match="flags inside the summary's 4 characters"):
            render_report(summary, JUDGMENT, flags=[flag])


def test_empty_texts_are_said_to_be_empty() -> None:
    text = render_report(Summary("", warnings=("The text is empty.",)), "")
    assert "The summary is empty." in text and "The judgment is empty." in text
    assert "The summary is empty." in summary_fragment(Summary(""))


def test_text_without_spans_is_shown_unmarked() -> None:
    page = Page(render_report(Summary("甲乙"), JUDGMENT))
    assert page.texts()[0] == "甲乙"
    assert len(page.find("span", cls="generated")) == 1  # the legend's


def test_the_fragment_for_notebooks() -> None:
    summary = copy_of(EVIL, (0, 8), "<b>", (3, 9))
    summary = Summary(summary.text, summary.spans, (), ("Careful: <i>.",))
    text = summary_fragment(summary)
    text.encode("utf-8")
    page = Page(text)
    assert {tag for tag, _, _ in page.elements} == {"div", "span", "ul", "li", "small"}
    shown = [(t, a["style"].split(";")[0]) for a, t in page.find("span")]
    assert shown == [
        ("<script>", "border-bottom: 2px solid"),
        ("[<b>]", "border-bottom: 2px dotted"),
        ("ript>a", "border-bottom: 2px solid"),
    ]
    assert page.find("span")[0][0]["title"] == "Copied from characters 1 to 8"
    assert 'title="Copied from character 3"' in summary_fragment(copy_of(JUDGMENT, (2, 3)))
    assert page.find("li") == [({}, "Warning: Careful: <i>.")]


def test_elements_and_time_grow_with_the_text_only() -> None:
    def measure(times: int) -> tuple[int, float]:
        judgment = JUDGMENT * times
        clauses = tuple(
            ScoredClause(i, min(i + 5, len(judgment)), 0.5, True)
            for i in range(0, len(judgment), 5)
        )
        pieces = [(i, i + 12) for i in range(0, 3000, 7)]  # they overlap
        summary = copy_of(judgment, *pieces)
        start = time.perf_counter()
        text = render_report(Summary(summary.text, summary.spans, clauses), judgment)
        return len(re.findall("<[a-z]", text)), time.perf_counter() - start

    measure(100)  # the templates are compiled
    half, _ = measure(700)
    whole, seconds = measure(1400)  # 60,000 characters, 12,000 kept clauses
    assert len(JUDGMENT) * 1400 > 55_000
    assert whole - half <= 700 * len(JUDGMENT) / 3
    assert seconds < 10  # one or two; a quadratic way takes minutes


@st.composite
def reports(draw) -> tuple[Summary, str, list[Flag]]:
    """Any text, spans that overlap and repeat, clauses that tile, flags anywhere."""
    characters = st.characters() | st.sampled_from("\n\r\u2028<>&\"'\x00\ud800甲")
    judgment = draw(st.text(characters, max_size=40))
    place = st.tuples(st.integers(0, len(judgment)), st.integers(0, len(judgment)))
    pieces = draw(st.lists(place.map(sorted).map(tuple) | st.text(characters, max_size=5)))
    summary = copy_of(judgment, *(p for p in pieces if isinstance(p, str) or p[0] < p[1]))
    cuts = sorted({0, *draw(st.lists(st.integers(0, len(judgment)))), len(judgment)})
    clauses = tuple(
        ScoredClause(a, b, 0.5, draw(st.booleans())) for a, b in zip(cuts, cuts[1:], strict=False)
    )
    place = st.tuples(st.integers(0, len(summary.text)), st.integers(0, len(summary.text)))
    flags = [Flag(*sorted(p), "odd") for p in draw(st.lists(place, max_size=4))]
    return Summary(summary.text, summary.spans, clauses), judgment, flags


BREAKS = re.compile("[\n\r\x85\u2028\u2029]")


@settings(max_examples=150, deadline=None)
@given(reports())
def test_pieces_are_the_texts_whatever_covers_them(report) -> None:
    summary, judgment, flags = report
    parts = cut_summary(summary, [(flag.start, flag.end) for flag in flags])
    assert "".join(bit.text for part in parts for bit in part.bits) == summary.text
    lines = cut_judgment(judgment, summary.spans, summary.clauses)
    joined = ["".join(p.text for s in line for p in s.places) for line in lines]
    assert joined == [line for line in BREAKS.split(judgment) if line]
    # what the pieces say of each character, against a plain count
    sources = [(s.source_start, s.source_end) for s in summary.spans if s.kind == "copied"]
    at = [i for i, c in enumerate(judgment) if not BREAKS.match(c)]
    said = [
        (place.numbers, stretch.clause)
        for line in lines
        for stretch in line
        for place in stretch.places
        for _ in place.text
    ]
    assert said == [
        (
            tuple(n for n, (a, b) in enumerate(sources, start=1) if a <= i < b),
            next((c for c in summary.clauses if c.kept and c.start <= i < c.end), None),
        )
        for i in at
    ]
    flagged = [bit.flags for part in parts for bit in part.bits for _ in bit.text]
    assert flagged == [
        tuple(n for n, f in enumerate(flags, start=1) if f.start <= i < f.end)
        for i in range(len(summary.text))
    ]


@settings(max_examples=60, deadline=None)
@given(reports())
def test_any_text_makes_a_sound_page(report) -> None:
    summary, judgment, flags = report
    text = render_report(summary, judgment, flags=flags)
    text.encode("utf-8")
    page = Page(text)
    assert len(page.find("script")) == 1 and len(page.find("style")) == 1
    ids = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    summary_fragment(summary).encode("utf-8")
