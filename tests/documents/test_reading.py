"""What a file is, which encoding it is in, what is refused and how; folders and lists of names."""

from __future__ import annotations

import codecs
import gzip
import io
import random
import sys
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces import documents
from spaces.documents import Inbox, find, read, read_bytes, reading
from spaces.errors import InputError

TEXT = "原告：张甲，男。\n被告：李乙。\n本院认为，借款50,000元应当归还。\n"


def refused(data: bytes, name: str, *parts: str, **options: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bytes(data, name, **options)
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and "\n" not in message
    for part in parts:
        assert part in message


def test_utf8_is_as_it_is() -> None:
    for data in (TEXT.encode(), codecs.BOM_UTF8 + TEXT.replace("\n", "\r\n").encode()):
        document = read_bytes(data, "a.txt")
        assert document == documents.Document(TEXT, "a.txt", as_is=True)


def test_a_mended_text_is_not() -> None:
    document = read_bytes(f"民 事 判 决 书\n{TEXT}".encode(), "a.txt")
    assert (document.text, document.as_is) == (f"民事判决书\n{TEXT}", False)


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf_16_le", "utf_16_be"])
def test_other_encodings_are_guessed_and_told(encoding) -> None:
    text = "原告張甲向本院起訴，請求判令被告歸還借款及利息，訴訟費用由被告負擔。\n" * 3
    document = read_bytes(text.encode(encoding), "a.txt")
    assert (document.text, document.as_is) == (text, False)
    assert encoding in document.warnings[0] and "save it as UTF-8" in document.warnings[0]


def test_only_those_who_can_name_an_encoding_are_told_to(tmp_path) -> None:
    """A page sends bytes: its messages must not speak of an option of the command line."""
    declared = b'<meta charset="gb18030"><p>\xff\xff\xff</p>'
    noise = bytes(range(128, 256)) * 3
    for name, data in [("a.html", declared), ("a.txt", noise)]:
        (tmp_path / name).write_bytes(data)
        refused(data, name, "save it as UTF-8")
        with pytest.raises(InputError) as caught:
            read_bytes(data, name)
        assert "--" not in str(caught.value)
        with pytest.raises(InputError, match="save it as UTF-8, or name its encoding .--encoding"):
            list(Inbox([str(tmp_path / name)], on_error=pytest.fail))
    data = (
        "原告張甲向本院起訴，請求判令被告歸還借款及利息，訴訟費用由被告負擔。\n".encode("big5") * 3
    )
    (tmp_path / "b.txt").write_bytes(data)
    assert "--" not in read_bytes(data, "b.txt").warnings[0]
    [[document]] = Inbox([str(tmp_path / "b.txt")], on_error=pytest.fail)
    assert "(--encoding GB18030)" in document.warnings[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_marked_encodings_need_no_guess(encoding) -> None:
    assert read_bytes(TEXT.encode(encoding), "a.txt") == documents.Document(TEXT, "a.txt")


def test_a_wrong_guess_can_be_overridden() -> None:
    data = "原告".encode("gb18030")
    assert read_bytes(data, "a.txt", encoding="GB18030").text == "原告"
    refused(data, "a.txt", "utf-8", "save it as UTF-8", encoding="utf-8")
    for wrong in ("klingon", "rot13", "hex", ""):
        refused(data, "a.txt", "expected an encoding", repr(wrong), encoding=wrong)


def test_broken_utf8_is_not_taken_for_something_else() -> None:
    refused(TEXT.encode() * 5 + b"\xe5\x8e", "a.txt", "expected UTF-8, got byte 0xe5", "iconv")


def test_empty_files() -> None:
    assert read_bytes(b"", "a.txt").text == ""
    for name in ("a.docx", "a.pdf", "a.html"):
        refused(b"", name, "the file is empty")


def zipped(*names: str) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("a.zip", zipped("a.txt"), "an archive (zip); unpack it"),
        ("a.docx", zipped("a.txt"), "an archive (zip)"),
        ("a.zip", zipped(), "an archive (zip)"),
        ("a.xlsx", zipped("xl/workbook.xml"), "a spreadsheet"),
        ("a.odt", zipped("content.xml"), "OpenDocument"),
        ("a.docx", zipped("word/document.xml")[:40], "damaged"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00" + bytes(50), "an archive (rar)"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), "an archive (7z)"),
        ("a.txt", gzip.compress(TEXT.encode()), "an archive (gzip)"),
        ("a.doc", OLE + "WordDocument".encode("utf-16-le"), "an old .doc, which is not read; save"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "it is encrypted"),
        ("a.doc", OLE, "old Office"),
        ("a.doc", b"{\\rtf1 x}", "RTF"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture"),
        ("a.pdf", TEXT.encode(), "expected a .pdf by its name"),
        ("a.docx", b"hello", "expected a .docx by its name"),
        ("a.txt", bytes(1000), "binary"),
        ("a.txt", random.Random(0).randbytes(5000), "expected text"),
    ],
)
def test_refusals(name, data, part) -> None:
    refused(data, name, part)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["a.txt", "a.html", "a.docx", "a.pdf", "a"]),
    st.sampled_from([b"", b"PK\x03\x04", b"%PDF-1.4\n", b"<html>", b"\xff\xfe", OLE]),
    st.binary(max_size=300),
)
def test_any_bytes_are_read_or_refused(name, start, data) -> None:
    try:
        document = read_bytes(start + data, name)
    except InputError as error:
        assert str(error).startswith(f"{name}: ") and "\n" not in str(error)
    else:
        assert "\r\n" not in document.text


def test_large_files_are_refused_unread(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.txt"
    with open(path, "wb") as file:
        file.truncate(200_000_000)  # takes no space on the disk
    with pytest.raises(InputError, match=r"a\.txt: expected at most 50 MB, got 200 MB"):
        read(path)
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    refused(bytes(11), "a.txt", "expected at most")


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("a.docx", "docx", "python-docx"),
        ("a.pdf", "pypdfium2", "pypdfium2"),
        ("a.html", "lxml", "lxml"),
        ("a.txt", "charset_normalizer", "charset-normalizer"),
    ],
)
def test_a_missing_reader_is_named(name, module, package, monkeypatch, make_docx) -> None:
    data = {
        "a.docx": make_docx(),
        "a.pdf": b"%PDF-1.4",
        "a.html": b"<p>x",
        "a.txt": TEXT.encode("gb18030"),
    }[name]
    for loaded in [each for each in sys.modules if each.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)

    class Missing:
        def find_spec(self, wanted, path=None, target=None):
            if wanted.split(".")[0] == module:
                raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    refused(data, name, package, "pip install 'spaces-summarizer[documents]'")
    assert read_bytes(TEXT.encode(), "b.txt").text == TEXT
    assert read_bytes(TEXT.encode("gb18030"), "b.txt", encoding="gb18030").text == TEXT


def test_paths(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "no.txt")
    with pytest.raises(InputError, match="got a folder"):
        read(tmp_path)
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    assert read(tmp_path / "a.txt").name == str(tmp_path / "a.txt")


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b.txt",
        "a/c.TXT",
        "a/b.html",
        ".hidden/d.txt",
        "~$b.docx",
        ".e.txt",
        "x.doc",
        "y",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_find(folder, tmp_path) -> None:
    names, others = find(folder)
    assert names == [str(folder / name) for name in ("a/b.html", "a/c.TXT", "b.txt")]
    assert others == {".doc": 1, "no suffix": 1}
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: expected documents in the folder.*found none"):
        find(tmp_path / "empty")


def test_inbox(folder) -> None:
    (folder / "a" / "bad.pdf").write_bytes(b"x")
    errors, warnings = [], []
    inbox = Inbox(
        [str(folder), str(folder / "no.txt"), str(folder / "b.txt")],
        on_error=errors.append,
        on_warning=warnings.append,
    )
    names = [document.name for some in inbox for document in some]
    assert names == [str(folder / name) for name in ("a/b.html", "a/c.TXT", "b.txt", "b.txt")]
    assert inbox.failed == 2 and not inbox.single
    assert [error.split(": ")[0] for error in errors] == [
        str(folder / "a" / "bad.pdf"),
        str(folder / "no.txt"),
    ]
    assert warnings == [f"{folder}: files of other kinds were passed over: 1 .doc, 1 no suffix"]


def test_a_single_document_that_fails_is_an_error(tmp_path) -> None:
    inbox = Inbox([str(tmp_path / "no.txt")], on_error=pytest.fail)
    with pytest.raises(InputError, match="no such file"):
        list(inbox)
    with pytest.raises(InputError, match="found none"):
        Inbox([str(tmp_path)], on_error=pytest.fail)


def test_record(tiny_summarizer) -> None:
    plain, mended = (read_bytes(text.encode(), "a.txt") for text in (TEXT, "书 记 员 丁\n" + TEXT))
    summary = tiny_summarizer.summarize(plain.text)
    assert plain.record(summary) == summary.to_dict()
    summary = tiny_summarizer.summarize(mended.text)
    record = mended.record(summary)
    assert record == {**summary.to_dict(), "text": "书记员丁\n" + TEXT}
    for span in record["spans"]:
        if span["kind"] == "copied":
            copied = record["text"][span["source_start"] : span["source_end"]]
            assert copied == record["summary"][span["start"] : span["end"]]
