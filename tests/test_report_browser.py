"""The report in a real Chromium: lighting by pointer and keyboard, nothing runs and nothing is
fetched, paper, narrow screens, contrast, a long judgment.

Debian's chromium, driven by playwright; skipped where either is missing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from spaces.provenance import ScoredClause, Span, Summary
from spaces.report import Flag, render_report, render_reports

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install -e .[test]"
)

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser"])), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium"
)

OPENING = "原告王某与被告李某民间借贷纠纷一案，本院立案后公开开庭进行了审理。\n"
FILLING = "双方当事人就借款的时间、地点和经过各自作了陈述，本院记录在案。\n" * 60
RULING = "本院认为，被告应当归还原告借款50,000元。\n判决如下：被告归还原告借款50,000元。\n"
JUDGMENT = OPENING + FILLING + RULING
EVIL = (
    "<script>alert(1)</script></script><img src=x onerror=alert(2)><!-- --> ]]> &lt;b&gt; "
    "<a href='javascript:alert(3)'>x</a><svg onload=alert(4)><style>*{display:none}</style>"
    "</title></textarea>\u2028\u202e\x00\ud800"
)


def find(piece: str, last: bool = False) -> tuple[int, int]:
    start = JUDGMENT.rindex(piece) if last else JUDGMENT.index(piece)
    return start, start + len(piece)


def example() -> tuple[Summary, str, list[Flag]]:
    """Spans 1 to 4: 原告王某 (top), 借款50,000元 (end), 归还原告借款50,000元 (overlaps it), 被告
    (top); two generated spans between them.
    """
    text, spans = "", []
    for piece in (
        find("原告王某"),
        "起诉。",
        find("借款50,000元", last=True),
        find("归还原告借款50,000元", last=True),
        "，由",
        find("被告"),
    ):
        start = len(text)
        text += piece if isinstance(piece, str) else JUDGMENT[slice(*piece)]
        source = () if isinstance(piece, str) else piece
        spans.append(Span(start, len(text), "copied" if source else "generated", *source))
    ruling = find("被告归还", last=True)[0]
    clauses = (
        ScoredClause(0, 18, 0.75, True),
        ScoredClause(18, ruling, 0.1, False),
        ScoredClause(ruling, len(JUDGMENT), 0.5, True),
    )
    summary = Summary(text, tuple(spans), clauses, ("The summary may be cut off.",))
    return summary, JUDGMENT, [Flag(4, 7, "the judgment lacks this statement")]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path) -> Iterator[Callable]:
    """Opens a report from disk. When the test ends, nothing may have been logged, thrown, asked,
    or fetched but the file.
    """
    trouble: list[str] = []
    contexts = []

    def open_(html: str, **options):
        file = tmp_path / "report.html"
        file.write_text(html, encoding="utf-8")
        options = {"viewport": {"width": 1200, "height": 700}, "reduced_motion": "reduce"} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog}"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(file.as_uri()) or trouble.append(f"request: {request.url}")
            ),
        )
        page.goto(file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not trouble


def lit(page) -> set[str]:
    return set(page.eval_on_selector_all(".text .lit", "all => all.map(e => e.id)"))


def in_view(page, selector: str) -> bool:
    return page.eval_on_selector(
        selector,
        """e => {
            const box = e.getClientRects()[0];
            const top = document.elementFromPoint(box.x + 5, box.y + box.height / 2);
            return !!top && e.contains(top);
        }""",
    )


def wait_in_view(page, selector: str) -> None:
    deadline = time.monotonic() + 5
    while not in_view(page, selector):
        assert time.monotonic() < deadline, f"{selector} is not in view"
        page.wait_for_timeout(20)


def focused(page) -> str:
    return page.evaluate("document.activeElement.id")


def test_pointing_at_a_span_lights_its_place_and_scrolls_to_it(open_page) -> None:
    page = open_page(render_report(*example()[:2]))
    assert lit(page) == set() and not in_view(page, "#r1-p4")
    page.hover("#r1-s2")
    assert lit(page) == {"r1-s2", "r1-p4"}
    wait_in_view(page, "#r1-p4")
    assert in_view(page, "#r1-s2")  # the summary stays beside it
    status = page.locator(".status")
    assert "kept clause, score 0.50" in status.inner_text()
    # a generated span has no place: what was lit stays, to be read
    page.hover(".text .generated >> nth=0")
    assert lit(page) == {"r1-s2", "r1-p4"}
    page.keyboard.press("Escape")
    assert lit(page) == set()
    assert "Point at" in status.inner_text()


def test_pointing_at_a_place_lights_every_span_copied_from_it(open_page) -> None:
    page = open_page(render_report(*example()[:2]))
    page.locator("#r1-p4").scroll_into_view_if_needed()
    page.hover("#r1-p4")
    assert page.inner_text("#r1-p4") == "借款50,000元"
    assert lit(page) == {"r1-p4", "r1-s2", "r1-s3"}
    page.hover("#r1-p3")
    assert page.inner_text("#r1-p3") == "归还原告"
    assert lit(page) == {"r1-p3", "r1-s3"}


def test_the_keyboard_does_all_that_the_pointer_does(open_page) -> None:
    page = open_page(render_report(*example()[:2]))
    page.keyboard.press("Tab")  # the checkbox
    page.keyboard.press("Tab")
    assert focused(page) == "r1-s1" and lit(page) == {"r1-s1", "r1-p1"}
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "r1-s3" and lit(page) == {"r1-s3", "r1-p3", "r1-p4"}
    wait_in_view(page, "#r1-p3")
    page.keyboard.press("Enter")
    assert focused(page) == "r1-p3" and lit(page) == {"r1-p3", "r1-s3"}
    page.keyboard.press("ArrowRight")
    assert focused(page) == "r1-p4" and lit(page) == {"r1-p4", "r1-s2", "r1-s3"}
    page.keyboard.press("Home")
    assert focused(page) == "r1-p1"
    page.keyboard.press("ArrowLeft")  # nothing is before it
    assert focused(page) == "r1-p1"
    page.keyboard.press("End")
    page.keyboard.press("Enter")  # of the two spans copied from it, back to the one left last
    assert focused(page) == "r1-s3"
    # one stop a side, and each side remembers its own
    page.keyboard.press("Tab")
    assert focused(page) == "r1-p4"
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "r1-s3"


def test_enter_comes_back_to_the_span_it_was_pressed_on(open_page) -> None:
    judgment = "被告归还借款。"
    summary = Summary("被告被告", (Span(0, 2, "copied", 0, 2), Span(2, 4, "copied", 0, 2)))
    page = open_page(render_report(summary, judgment))
    page.focus("#r1-s2")
    for target in ("r1-p1", "r1-s2", "r1-p1"):
        page.keyboard.press("Enter")
        assert focused(page) == target


def test_a_page_that_moves_under_a_resting_pointer_changes_nothing(open_page) -> None:
    page = open_page(render_report(*example()[:2]))
    box = page.locator("#r1-p1").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    assert lit(page) == {"r1-p1", "r1-s1"}
    page.focus("#r1-s2")  # scrolls to the end of the judgment
    wait_in_view(page, "#r1-p4")
    page.evaluate("scrollTo(0, 0)")
    wait_in_view(page, "#r1-p1")
    page.wait_for_timeout(300)
    assert lit(page) == {"r1-s2", "r1-p4"}


def test_without_scripts_spans_are_links_to_their_places(open_page) -> None:
    summary, judgment, flags = example()
    page = open_page(render_report(summary, judgment, flags=flags), java_script_enabled=False)
    assert page.inner_text(".summary .text").replace("\n", "") == summary.text
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/report.html#r1-p4")  # the browser says so after the key is dealt with
    outline = page.locator(":target").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    assert not page.is_visible(".help")


def test_markup_shows_as_text_and_nothing_runs(open_page) -> None:
    judgment = f"甲{EVIL}乙"
    spans = (Span(0, len(judgment), "copied", 0, len(judgment)),)
    clauses = (ScoredClause(0, len(judgment), 0.5, True),)
    summary = Summary(judgment, spans, clauses, (EVIL,))
    html = render_reports([(EVIL, summary, judgment, [Flag(1, 4, EVIL)])] * 2, title=EVIL)
    page = open_page(html)
    page.hover("#r1-s1", position={"x": 5, "y": 5})
    page.wait_for_timeout(200)
    shown = page.text_content(".judgment .text")
    for piece in ("<script>alert(1)</script>", "onerror=alert(2)>", "&lt;b&gt;", "␀"):
        assert piece in shown
    assert page.title().startswith("<script>alert(1)")
    assert page.locator("img, svg, iframe, object").count() == 0
    assert page.locator("script").count() == page.locator("style").count() == 1


def test_the_policy_stops_a_script_that_came_in_all_the_same(browser, tmp_path) -> None:
    html = render_report(*example()[:2]).replace(
        "</main>", "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'></main>"
    )
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("window.ran") is None
    page.hover("#r1-s1")
    assert lit(page)  # our own still runs
    page.close()


def test_paper_has_the_summary_first_then_all_that_the_screen_says(open_page) -> None:
    summary, judgment, flags = example()
    page = open_page(render_report(summary, judgment, flags=flags), color_scheme="dark")
    page.set_viewport_size({"width": 794, "height": 1123})
    page.emulate_media(media="print")
    tops = [
        page.locator(selector).bounding_box()["y"]
        for selector in ("h1", ".summary .text", ".check >> nth=0", ".legend", ".judgment .text")
    ]
    assert tops == sorted(tops)
    assert "lacks this statement" in page.inner_text(".check >> nth=0")
    assert "may be cut off" in page.inner_text(".check >> nth=1")
    assert not page.is_visible(".status") and not page.is_visible("#numbers")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    marks = [
        page.locator(selector).first.evaluate(
            "(e, which) => getComputedStyle(e, which).content", which
        )
        for selector, which in [
            ("#r1-s2", "::before"),
            ("#r1-p4", "::before"),
            (".text .generated", "::before"),
            (".text .kept", "::before"),
        ]
    ]
    assert all(map(str.__contains__, marks, ("2", "2", "[", "▸"))), marks
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.pdf().startswith(b"%PDF")


def test_numbers_and_scores_show_when_asked_for(open_page) -> None:
    page = open_page(render_report(*example()[:2]))
    content = "e => getComputedStyle(e, '::before').content"
    score = page.locator(".text .kept").first
    assert page.eval_on_selector("#r1-s2", content) == "none"
    assert "0.75" not in score.evaluate(content)
    page.check("#numbers")
    assert "2" in page.eval_on_selector("#r1-s2", content)
    assert "0.75" in score.evaluate(content)


def test_a_narrow_screen_has_one_column_and_both_texts_in_sight(open_page) -> None:
    summary, judgment, flags = example()
    name = "a_very_long_file_name_without_a_space" * 5 + "（2018）某0103民初1273号" * 5
    html = render_report(summary, judgment, title=name, flags=flags)
    page = open_page(html, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    boxes = [page.locator(side).bounding_box() for side in (".summary", ".judgment")]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
    page.locator("#r1-s2").scroll_into_view_if_needed()
    page.hover("#r1-s2")
    wait_in_view(page, "#r1-p4")
    assert in_view(page, "#r1-s2")
    page.hover("#r1-s1")  # its place is above: not behind the summary
    wait_in_view(page, "#r1-p1")


# Every text on the page against the colour behind it: WCAG 2, contrast at least 4.5.
CONTRAST = """() => {
    const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
    const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] === 1) return c;
            if (c[3] !== 0) throw new Error("a colour that shines through");
        }
    };
    const found = [];
    const compare = (e, color, name) => {
        const [a, b] = [light(rgb(color)), light(behind(e))];
        found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), name]);
    };
    for (const e of document.querySelectorAll("body *")) {
        if ([...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) {
            compare(e, getComputedStyle(e).color, `${e.tagName}.${e.className}`);
        }
        for (const which of ["::before", "::after"]) {
            const style = getComputedStyle(e, which);
            if (style.content !== "none") compare(e, style.color, e.className + which);
        }
    }
    return found.sort((a, b) => a[0] - b[0]);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough_in_light_and_dark(open_page, scheme: str) -> None:
    summary, judgment, flags = example()
    flags = [*flags, Flag(8, 12, "on a copied span")]
    page = open_page(render_report(summary, judgment, flags=flags), color_scheme=scheme)
    page.check("#numbers")
    page.focus("#r1-s2")
    found = page.evaluate(CONTRAST)
    assert len(found) > 30 and {"A.copied lit", "flag::after"} <= {name for _, name in found}
    assert found[0][0] >= 4.5, found[:3]
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_headings_landmarks_and_languages(open_page) -> None:
    summary, judgment, flags = example()
    html = render_reports([("一.txt", summary, judgment, flags), ("二.txt", summary, judgment, [])])
    page = open_page(html)
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4, h5, h6", "all => all.map(e => +e.tagName[1])"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    for role, count in {"banner": 1, "main": 1, "navigation": 1, "article": 2}.items():
        assert page.get_by_role(role).count() == count
    assert page.get_by_role("region", name="Judgment").count() == 2
    assert page.get_by_role("region", name="Summary").count() == 2
    assert page.get_attribute("html", "lang") == "en"
    assert page.locator(".text:not([lang=zh-CN])").count() == 0
    # the reports do not light one another
    page.focus("#r2-s1")
    assert lit(page) == {"r2-s1", "r2-p1"}
    assert page.locator("#r2-s1").evaluate("e => e.title").startswith("Copied from characters 1 to")


def test_sixty_thousand_characters_open_fast(open_page) -> None:
    judgment = JUDGMENT
    while len(judgment) < 60_000:
        judgment += FILLING
    clauses = tuple(
        ScoredClause(i, min(i + 12, len(judgment)), 0.5, i % 36 == 0)
        for i in range(0, len(judgment), 12)
    )
    place = find("借款50,000元", last=True)
    spans = [Span(9 * i, 9 * i + 9, "copied", place[0], place[1]) for i in range(40)]
    last = len(judgment) - 9
    text = judgment[slice(*place)] * 40 + judgment[last : last + 4]
    spans.append(Span(360, 364, "copied", last, last + 4))
    html = render_report(Summary(text, tuple(spans), clauses), judgment)
    page = open_page(html)
    times = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    assert times["domComplete"] < 5000  # milliseconds
    start = time.perf_counter()
    page.focus("#r1-s41")
    target = page.get_attribute("#r1-s41", "href")
    wait_in_view(page, target)
    assert time.perf_counter() - start < 3
