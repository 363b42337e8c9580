"""Documents of each kind, made by the tests."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

COURT = "澜州市望湖区人民法院"
PARAGRAPHS = [
    "（2018）澜0103民初1273号",
    "原告：祁远舟，男，1979年4月12日出生，汉族，个体工商户，住澜州市望湖区柳堤路26号。",
    "被告：贺立川，男，1982年9月3日出生，汉族，住澜州市望湖区杏坊街15号2单元401室。",
    "原告祁远舟与被告贺立川民间借贷纠纷一案，本院于2018年1月22日立案后，依法适用简易程序，于2018年3月"
    "8日公开开庭进行了审理。本案现已审理终结。",
    "原告祁远舟向本院提出诉讼请求：判令被告贺立川偿还借款本金200,000元及利息（以200,000元为基数，自2016"
    "年11月15日起按月利率1.5%计算至实际清偿之日止，暂计至2018年1月14日为42,000元）；诉讼费用由被告负担。",
    "被告贺立川辩称，借款属实，但原告交付借款时已预先扣除两个月的利息6,000元，实际只转账194,000元，本金应按"
    "194,000元计算，其余诉讼请求没有事实和法律依据，请求依法驳回。",
    "本院认为，合法的借贷关系受法律保护。依照《中华人民共和国合同法》第二百条、第二百零六条规定，判决如下：",
    "一、被告贺立川于本判决生效之日起十日内偿还原告祁远舟借款本金194,000元；",
    "二、驳回原告祁远舟的其他诉讼请求。",
]
TEXT = "\n".join([COURT, "民事判决书", *PARAGRAPHS])


def break_lines(text: str, width: int, indent: float = 0) -> list[str]:
    """`text` in lines of at most `width` em (Latin characters half of one), as Word breaks it:
    numbers stay whole, no mark begins a line.
    """
    lines, line, used = [], "", indent
    for unit in re.findall(r"[（《]*(?:[0-9.,%]+|.)[，。；：、）》]*", text):
        size = sum(0.5 if mark.isascii() else 1 for mark in unit)
        if used + size > width and line:
            lines.append(line)
            line, used = "", 0
        line, used = line + unit, used + size
    return [*lines, line]


Draw = Callable[..., bytes]


@pytest.fixture(scope="session")
def sample() -> SimpleNamespace:
    """The invented judgment whose documents the fixtures below make by default."""
    return SimpleNamespace(text=TEXT, court=COURT, paragraphs=PARAGRAPHS, break_lines=break_lines)


@pytest.fixture(scope="session")
def make_pdf() -> Draw:
    """A PDF of paragraphs in a Chinese font that is not in the file, 30 characters a line."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    size, left, top, leading, width = 14, 80, 720, 26, 30

    def make(
        paragraphs: Sequence[str] = PARAGRAPHS,
        *,
        titles: Sequence[str] = (COURT, "民 事 判 决 书"),
        number: Callable[[int], str] = lambda page: f"—{page}—",
        header: str = "",
        indent: int = 2,
        lines_a_page: int = 9,
        **options: object,
    ) -> bytes:
        file = io.BytesIO()
        canvas = Canvas(file, pagesize=(595, 842), invariant=1, **options)
        middle = left + width * size / 2
        placed: list[tuple[str, float]] = [(title, -1.0) for title in titles]
        for paragraph in paragraphs:
            lines = break_lines(paragraph, width, indent)
            placed += [(line, left + (not at) * indent * size) for at, line in enumerate(lines)]
        for page, first in enumerate(range(0, len(placed), lines_a_page), start=1):
            canvas.setFont("STSong-Light", 10)
            canvas.drawCentredString(middle, 40, number(page))  # drawn first, printed last
            canvas.drawString(left, 790, header)
            for row, (line, x) in enumerate(placed[first : first + lines_a_page]):
                canvas.setFont("STSong-Light", 22 if x < 0 else size)
                y = top - row * leading
                if x < 0:
                    canvas.drawCentredString(middle, y, line)
                else:
                    canvas.drawString(x, y, line)
            canvas.showPage()
        canvas.save()
        return file.getvalue()

    return make


@pytest.fixture
def make_docx() -> Callable[..., bytes]:
    """A .docx of paragraphs; `change(document)` may do more to it before it is saved."""
    from docx import Document

    def make(
        paragraphs: Sequence[str] = ("民 事 判 决 书", *PARAGRAPHS),
        change: Callable[[object], None] = lambda document: None,
    ) -> bytes:
        document = Document()
        for paragraph in paragraphs:
            document.add_paragraph(paragraph)
        change(document)
        file = io.BytesIO()
        document.save(file)
        return file.getvalue()

    return make
