"""PDFs: the text comes out as it was before it was laid out on pages."""

from __future__ import annotations

import io
import threading

import pytest

from spaces.documents import pdf, read_bytes
from spaces.errors import InputError
from spaces.sentences import split_clauses


def test_text_comes_out_whole(make_pdf, sample) -> None:
    document = read_bytes(make_pdf(), "a.pdf")
    assert document.text == sample.text
    assert (document.pages, document.warnings, document.as_is) == (3, (), False)
    clauses = [clause.text for clause in split_clauses(document.text)]
    assert clauses == [clause.text for clause in split_clauses(sample.text)]


@pytest.mark.parametrize(
    "number",
    [
        lambda page: f"- {page} -",
        lambda page: f"第 {page} 页 共 3 页",
        lambda page: f"第{'一二三四'[page - 1]}页",
        lambda page: str(page),
        lambda page: str(page + 7),  # cut out of a larger file
        lambda page: f"{page}/3",
        lambda page: f"Page {page} of 3",
    ],
)
def test_page_numbers_go(make_pdf, sample, number) -> None:
    assert read_bytes(make_pdf(number=number), "a.pdf").text == sample.text


def test_running_headers_go_and_titles_stay(make_pdf, sample) -> None:
    data = make_pdf(header=sample.court, number=lambda page: f"{sample.court}卷宗第{page}张")
    assert read_bytes(data, "a.pdf").text == sample.text


def test_numbers_that_count_no_pages_stay(make_pdf) -> None:
    lines = read_bytes(make_pdf(number=lambda page: str(page * page + 3)), "a.pdf").text.split("\n")
    assert {"4", "7", "12"} <= set(lines)


def test_paragraphs_without_indent(make_pdf, sample) -> None:
    """Then the end of a sentence at the end of a line may be that of a paragraph: all the same for
    clauses.
    """
    text = read_bytes(make_pdf(indent=0), "a.pdf").text
    clauses = [clause.text.strip() for clause in split_clauses(text)]
    assert clauses == [clause.text.strip() for clause in split_clauses(sample.text)]


@pytest.mark.parametrize("lines_a_page", [2, 5, 40])
def test_pages_of_any_length(make_pdf, sample, lines_a_page) -> None:
    assert read_bytes(make_pdf(lines_a_page=lines_a_page), "a.pdf").text == sample.text


def test_a_title_of_two_lines_is_one(make_pdf, sample) -> None:
    title = "祁远舟与贺立川等二人民间借贷纠纷一审民"  # at 22 points as wide as the text
    text = read_bytes(make_pdf(titles=[title, "事判决书"]), "a.pdf").text
    assert text.split("\n")[0] == title + "事判决书"


def picture_page(canvas, text: str = "") -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    canvas.drawImage(ImageReader(Image.new("L", (60, 80), 200)), 0, 0, 595, 842)
    canvas.setFont("STSong-Light", 10)
    canvas.drawString(80, 30, text)
    canvas.showPage()


@pytest.mark.usefixtures("make_pdf")  # registers the font
@pytest.mark.parametrize("text", ["", "由某某软件扫描"])
def test_scanned_pages_are_refused(text) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(file := io.BytesIO())
    for _ in range(2):
        picture_page(canvas, text)
    canvas.save()
    with pytest.raises(InputError, match=r"^scan\.pdf: no text in it.*\(OCR\)"):
        read_bytes(file.getvalue(), "scan.pdf")


@pytest.mark.usefixtures("make_pdf")
def test_one_scanned_page_among_others_is_told(sample) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(file := io.BytesIO())
    canvas.setFont("STSong-Light", 14)
    canvas.drawString(80, 700, sample.paragraphs[-2])
    canvas.showPage()
    picture_page(canvas)
    canvas.save()
    document = read_bytes(file.getvalue(), "a.pdf")
    assert document.text == sample.paragraphs[-2]
    assert document.warnings == (
        "1 of 2 pages have a picture and no text layer and were not read: page 2.",
    )


def test_encrypted(make_pdf, sample) -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption

    locked = make_pdf(encrypt=StandardEncryption("secret"))
    with pytest.raises(InputError, match=r"^a\.pdf: it is encrypted; save it without password$"):
        read_bytes(locked, "a.pdf")
    only_printing_forbidden = make_pdf(encrypt=StandardEncryption("", "owner", canPrint=0))
    assert read_bytes(only_printing_forbidden, "a.pdf").text == sample.text


def test_damaged(make_pdf) -> None:
    data = make_pdf()
    for broken in (b"%PDF-1.7\n", data[:200], b"%PDF-" + bytes(1000)):
        with pytest.raises(InputError, match=r"^a\.pdf: (damaged|no text)"):
            read_bytes(broken, "a.pdf")


def test_too_many_pages(make_pdf, monkeypatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(InputError, match="expected at most 2 pages, got 3"):
        read_bytes(make_pdf(), "a.pdf")


def test_too_much_text(make_pdf, monkeypatch, sample) -> None:
    count = len(read_bytes(make_pdf(), "a.pdf").text)
    monkeypatch.setattr(pdf, "MAX_CHARACTERS", count)  # without furniture and line ends
    with pytest.raises(InputError, match=r"^a\.pdf: expected a text layer of at most .* by page 3"):
        read_bytes(make_pdf(), "a.pdf")
    monkeypatch.setattr(pdf, "MAX_CHARACTERS", 2 * count)
    assert read_bytes(make_pdf(), "a.pdf").text == sample.text


@pytest.mark.usefixtures("make_pdf")
def test_hyphens_and_rare_characters_stay() -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(file := io.BytesIO())
    canvas.setFont("STSong-Light", 14)
    canvas.drawString(80, 700, "合同编号为AB-")
    canvas.drawString(80, 680, "2018-05号，原告\U00020000某。")
    canvas.save()
    assert read_bytes(file.getvalue(), "a.pdf").text == "合同编号为AB-2018-05号，原告\U00020000某。"


def test_threads_do_not_disturb_each_other(make_pdf, sample) -> None:
    data, texts = make_pdf(), []
    threads = [
        threading.Thread(target=lambda: texts.append(read_bytes(data, "a.pdf").text))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [sample.text] * 3
