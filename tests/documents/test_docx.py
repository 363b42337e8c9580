"""Word documents: what is on the page, in its order, and nothing of what was taken out again."""

from __future__ import annotations

import io
import zipfile

import pytest

from spaces.documents import read_bytes
from spaces.errors import InputError


def test_paragraphs(make_docx, sample) -> None:
    document = read_bytes(make_docx(), "a.docx")
    assert document.text == sample.text.split("\n", 1)[1]
    assert (document.pages, document.warnings, document.as_is) == (None, (), False)


def test_the_name_does_not_matter(make_docx) -> None:
    assert read_bytes(make_docx(), "upload").text == read_bytes(make_docx(), "a.docx").text


def test_tables_stand_where_they_are(make_docx) -> None:
    def change(document) -> None:
        table = document.add_table(2, 3)
        for row, cells in zip(table.rows, ["项目 金额 说明", "本金 194,000元 转账"], strict=True):
            for cell, text in zip(row.cells, cells.split(), strict=True):
                cell.text = text
        table.rows[1].cells[1].merge(table.rows[1].cells[2])
        frame = document.add_table(1, 1).cell(0, 0)
        frame.text = "另查明，被告未到庭。"
        frame.add_paragraph("上述事实，有借条为证。")
        frame.add_table(1, 2).cell(0, 1).text = "表内之表"
        document.add_paragraph("本院认为，")

    lines = read_bytes(make_docx(["查明："], change), "a.docx").text.split("\n")
    # a merged cell has the paragraphs of both, and shows as lines
    assert lines[:2] == ["查明：", "项目\t金额\t说明"]
    assert lines[2:5] == ["本金", "194,000元", "转账"]
    assert [line for line in lines[5:] if line] == [
        "另查明，被告未到庭。",
        "上述事实，有借条为证。",
        "表内之表",
        "本院认为，",
    ]


def test_breaks_and_tabs(make_docx) -> None:
    def change(document) -> None:
        run = document.add_paragraph().add_run("审判员")
        run.add_tab()
        run.add_text("闵清和")
        run.add_break()
        run.add_text("书记员")

    assert read_bytes(make_docx([], change), "a.docx").text == "审判员\t闵清和\n书记员"


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def test_revisions_fields_and_controls(make_docx) -> None:
    """Insertions, hyperlinks and content controls are text; deletions and field codes are not."""
    from docx.oxml import parse_xml

    def run(text: str, tag: str = "t") -> str:
        return f"<w:r><w:{tag}>{text}</w:{tag}></w:r>"

    paragraph = (
        f"<w:p {W}>{run('原告')}<w:ins>{run('祁远舟')}</w:ins>"
        f"<w:del>{run('祁某', 'delText')}</w:del>"
        f"<w:moveFrom>{run('搬走')}</w:moveFrom><w:hyperlink>{run('诉')}</w:hyperlink>"
        f"{run('DATE', 'instrText')}<w:sdt><w:sdtContent>{run('被告')}</w:sdtContent></w:sdt></w:p>"
    )
    control = f"<w:sdt {W}><w:sdtContent>{paragraph}</w:sdtContent></w:sdt>"

    def change(document) -> None:
        body = document.element.body
        body.insert(0, parse_xml(paragraph))
        body.insert(1, parse_xml(control))

    assert read_bytes(make_docx([], change), "a.docx").text == "\n".join(["原告祁远舟诉被告"] * 2)


def test_automatic_numbers_are_told(make_docx) -> None:
    def change(document) -> None:
        from docx.oxml import parse_xml

        paragraph = document.add_paragraph("驳回其他诉讼请求。")._p
        number = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
        paragraph.insert(0, parse_xml(f"<w:pPr {W}>{number}</w:pPr>"))

    document = read_bytes(make_docx([], change), "a.docx")
    assert document.text == "驳回其他诉讼请求。"
    assert "automatic numbering" in document.warnings[0]


def test_wrapped_paragraphs_are_mended(make_docx, sample) -> None:
    """As pasted from a PDF: each line a paragraph, page numbers among them."""
    lines = [line for text in sample.paragraphs * 2 for line in sample.break_lines(text, 30)]
    lines.insert(9, "—1—")
    text = read_bytes(make_docx(lines), "a.docx").text
    assert "".join(text.split()) == "".join("".join(sample.paragraphs * 2).split())
    assert len(text.split("\n")) <= len(sample.paragraphs) * 2 + 3


def test_without_text(make_docx) -> None:
    with pytest.raises(InputError, match=r"^a\.docx: no text in it"):
        read_bytes(make_docx([" ", ""]), "a.docx")


def repack(data: bytes, parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, parts.get(name, source.read(name)))
        for name in parts.keys() - set(source.namelist()):
            target.writestr(name, parts[name])
    return file.getvalue()


def test_bombs_are_not_unpacked(make_docx, monkeypatch) -> None:
    from spaces.documents import kinds

    monkeypatch.setattr(kinds, "UNPACKED_BYTES", 3_000_000)
    monkeypatch.setattr(kinds, "MARKUP_BYTES", 1_000_000)
    for name, size in (("word/media/a.png", 4_000_000), ("word/document.xml", 2_000_000)):
        bomb = repack(make_docx(), {name: bytes(size)})
        assert len(bomb) < 100_000
        with pytest.raises(InputError, match=r"^a\.docx: it unpacks to [\d,]+ bytes"):
            read_bytes(bomb, "a.docx")


@pytest.mark.parametrize("markup", [b"", b"<w:document", b"<a/>", b"\xff\xfe"])
def test_damaged(make_docx, markup) -> None:
    with pytest.raises(InputError, match=r"^a\.docx: (damaged|no text)[^\n]*$"):
        read_bytes(repack(make_docx(), {"word/document.xml": markup}), "a.docx")
    with pytest.raises(InputError, match=r"^a\.docx: damaged"):
        read_bytes(make_docx()[:5000], "a.docx")


def test_entities_bring_in_no_files(make_docx, tmp_path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("机密")
    markup = (
        f'<!DOCTYPE d [<!ENTITY e SYSTEM "{secret.as_uri()}">]><w:document {W}><w:body><w:p><w:r>'
        "<w:t>原告&e;</w:t></w:r></w:p></w:body></w:document>"
    )
    data = repack(make_docx(), {"word/document.xml": markup.encode()})
    assert "机密" not in read_bytes(data, "a.docx").text
