"""The page in a real Chromium: paste, drop, choose, cancel, copy, download; errors in words; the
report lights up; nothing is fetched from elsewhere and nothing breaks the content policy.

Debian's chromium, driven by playwright; skipped where either is missing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator

import pytest

from spaces.service.settings import ServiceSettings

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install -e .[test]"
)
pytest.importorskip("fastapi", reason="needs fastapi: pip install -e .[test]")

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser"])), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium"
)

JUDGMENT = (
    "原告祁远舟与被告贺立川民间借贷纠纷一案，本院审理终结。\n"
    + "双方就借款的经过各自作了陈述，本院记录在案。\n" * 40
    + "判决如下：被告归还借款。\n"
)
EVIL = "<script>parent.alert(1)</script><img src=x onerror=alert(2)>"
ASK = "button[type=submit]"
DROP = """([names, text]) => {
    const data = new DataTransfer();
    for (const name of names) data.items.add(new File([text], name));
    for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(
            new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def service(serving, fake_model) -> Iterator:
    from spaces.service.app import create_app

    settings = ServiceSettings(max_characters=2000, max_document_bytes=1_000_000, max_waiting=1)
    with serving(create_app([fake_model], settings)) as url:
        yield url
        fake_model.gate.set()


@pytest.fixture
def open_page(browser, service) -> Iterator[Callable]:
    """Opens the page. When the test ends, nothing may have been logged, thrown or asked, and
    nothing but the service was spoken to.
    """
    trouble: list[str] = []
    contexts = []

    def open_(path: str = "/", **options):
        options = {"viewport": {"width": 1200, "height": 800}, "reduced_motion": "reduce"} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)

        def note(message) -> None:  # the answers 4xx that tests provoke are noted by the browser
            if "Failed to load resource" not in message.text:
                trouble.append(f"console: {message.text}")

        page.on("console", note)
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog}"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((service, "about:srcdoc", "blob:"))
                or trouble.append(f"request: {request.url}")
            ),
        )
        page.goto(service + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not trouble


def focused(page) -> str:
    return page.evaluate("document.activeElement.id")


def error_of(page) -> str:
    page.wait_for_selector("#error:not(:empty)")
    assert page.is_visible("#text") and page.is_hidden("#progress") and page.is_hidden("#result")
    return page.inner_text("#error")


def report_of(page):
    """The report, once it is there."""
    page.wait_for_selector("#result:not([hidden])")
    frame = page.frame_locator("#report")
    frame.locator("h1").wait_for()
    return frame


def test_pasting_a_judgment(open_page) -> None:
    page = open_page()
    page.fill("#text", JUDGMENT)
    page.click(ASK)
    report = report_of(page)
    assert report.locator("h1").inner_text() == "Pasted text"
    assert report.locator("#r1-s1").inner_text() == JUDGMENT[:10]
    assert focused(page) == "made" and page.is_hidden("#ask")
    report.locator("#r1-s1").hover()  # the report's own script runs inside the frame
    assert report.locator("#r1-p1.lit").count() == 1
    report.locator("#r1-s1").click()
    assert report.locator("#r1-p1:focus").count() == 1
    page.click("text=Another judgment")
    assert focused(page) == "text" and page.input_value("#text") == ""


def test_a_flag_leads_to_what_it_flags(open_page) -> None:
    page = open_page(viewport={"width": 1200, "height": 400})
    page.fill("#text", JUDGMENT + "WRONG")
    page.click(ASK)
    report = report_of(page)
    assert (
        "9,999元 stands in the summary but not in the judgment"
        in report.locator(".check li").first.inner_text()
    )
    report.locator(".check a").first.click()
    assert report.locator(".flag:target").inner_text() == "9,999元"


def test_dropping_a_document(open_page, fake_model) -> None:
    page = open_page()
    page.evaluate(DROP, [["判决 <b>.txt"], EVIL + JUDGMENT])
    report = report_of(page)
    assert report.locator("h1").inner_text() == "判决 <b>.txt"
    assert EVIL in report.locator(".judgment .text").inner_text()
    assert report.locator("img").count() == 0
    page.evaluate(DROP, [["another.txt"], JUDGMENT])  # also where a report is shown
    report.locator("h1", has_text="another.txt").wait_for()
    assert fake_model.batches == [[EVIL + JUDGMENT], [JUDGMENT]]


def test_choosing_a_document(open_page, tmp_path) -> None:
    page = open_page()
    file = tmp_path / "judgment.html"
    file.write_text(f"<html><body><p>{JUDGMENT[:30]}</p></body></html>", encoding="utf-8")
    with page.expect_file_chooser() as chooser:
        page.click("text=Choose a document")
    chooser.value.set_files(file)
    assert report_of(page).locator("h1").inner_text() == "judgment.html"


def test_by_keyboard_alone(open_page) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert focused(page) == "text"
    page.keyboard.insert_text(JUDGMENT)
    for stop in ("Summarize", "Choose a document…"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == stop
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+Enter")
    report = report_of(page)
    stops = []
    for _ in range(4):
        page.keyboard.press("Tab")
        stops.append(focused(page))
    assert stops == ["copy", "save-report", "save-record", "again"]
    page.keyboard.press("Tab")  # into the frame, another process: the focus arrives some time later
    # Not wait_for_function: it waits by eval, which the policy of the page forbids.
    playwright.expect(page.locator("#report")).to_be_focused()
    report.locator(":focus").wait_for()


def test_progress_and_cancelling(open_page, fake_model, until) -> None:
    page = open_page()
    page.fill("#text", "SLOW")
    page.click(ASK)
    page.wait_for_selector("text=Summarizing…")
    assert focused(page) == "cancel" and page.inner_text("#working") == "Pasted text"
    other = open_page()
    other.fill("#text", JUDGMENT)
    other.click(ASK)
    other.wait_for_selector("text=Waiting: this one is next…")
    third = open_page()  # one may wait here: the next is turned away
    third.fill("#text", JUDGMENT)
    third.click(ASK)
    assert "too many judgments wait; try again in" in error_of(third)
    assert third.input_value("#text") == JUDGMENT
    other.keyboard.press("Escape")
    assert error_of(other) == "Cancelled." and other.input_value("#text") == JUDGMENT
    third.wait_for_timeout(300)
    third.click(ASK)  # there is room again
    third.wait_for_selector("text=Waiting: this one is next…")
    page.click("text=Cancel")
    assert error_of(page) == "Cancelled."
    fake_model.gate.set()
    report_of(third)
    assert fake_model.batches == [["SLOW"], [JUDGMENT]]


def test_errors_in_words(open_page, fake_model, service) -> None:
    page = open_page()
    page.click(ASK)
    assert "nothing to summarize" in error_of(page) and focused(page) == "text"
    page.fill("#text", "甲" * 2001)
    page.click(ASK)
    assert "Expected at most 2,000 characters, got 2,001" in error_of(page)
    for names, text, words in [
        (["a.pdf"], "%PDF-1.4", "a.pdf: damaged"),
        (["a.txt", "b.txt"], "A", "one document at a time, got 2"),
        (["a.txt"], "A" * 1_000_001, "a.txt: expected at most 1 MB, got 2 MB"),
        (["a.txt"], "A" * 2001, "a.txt: expected at most 2,000 characters of text, got 2,001"),
        (["a.txt"], "BROKEN", "the model broke down"),
    ]:
        page.evaluate("document.querySelector('#error').textContent = ''")
        page.evaluate(DROP, [names, text])
        assert words in error_of(page)
    assert page.get_attribute("#error", "role") == "alert"
    page.context.set_offline(True)
    page.fill("#text", JUDGMENT)
    page.click(ASK)
    page.wait_for_selector("text=The service does not answer")
    page.context.set_offline(False)
    page.click(ASK)
    report_of(page)


def test_copy_and_download(open_page, service) -> None:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=service)
    page.evaluate(DROP, [["判决.txt"], JUDGMENT])
    report_of(page)
    page.click("text=Copy the summary")
    page.wait_for_selector("text=Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == JUDGMENT[:10]
    with page.expect_download() as download:
        page.click("text=Download the report")
    assert download.value.suggested_filename == "判决.summary.html"
    assert "<title>判决.txt</title>" in download.value.path().read_text(encoding="utf-8")
    with page.expect_download() as download:
        page.click("text=Download the record")
    assert download.value.suggested_filename == "判决.summary.json"
    record = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert record["summary"] == JUDGMENT[:10] and record["id"] == "判决.txt"


def test_narrow_screens_and_the_page_for_programmers(open_page) -> None:
    width = 320
    page = open_page("/docs", viewport={"width": width, "height": 640})
    assert "POST /v1/summaries" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("text=The page for people")
    page.wait_for_selector("#text")  # the click does not wait for the page it leads to
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.fill("#text", JUDGMENT)
    page.click(ASK)
    report_of(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
