"""What a file is, by its content first and its name second, and why some are not read.

A name can be wrong: an archive called judgment.docx, a PDF without suffix, a page of the web saved
as .txt.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePath
from types import ModuleType

from spaces.errors import InputError

__all__ = ["SUFFIXES", "kind_of", "reader"]

# Files with these suffixes are read when a folder is given.
SUFFIXES = (".docx", ".htm", ".html", ".pdf", ".txt")

# What a .docx may hold when unpacked: all parts, and each part of markup, which is parsed whole.
UNPACKED_BYTES = 200_000_000
MARKUP_BYTES = 50_000_000

_SIGNATURES = (
    (b"Rar!\x1a\x07", "an archive (rar)"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)"),
    (b"\x1f\x8b", "an archive (gzip)"),
    (b"BZh", "an archive (bzip2)"),
    (b"\xfd7zXZ\x00", "an archive (xz)"),
    (b"\x28\xb5\x2f\xfd", "an archive (zstd)"),
)
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.I | re.S,
)


def kind_of(data: bytes, name: str) -> str:
    """ "docx", "pdf", "html" or "text". Raises InputError for what is none of them, and for a .docx
    that is encrypted or unpacks to more than is sensible.
    """
    suffix = PurePath(name).suffix.lower()
    if not data and suffix in (".docx", ".pdf", ".html", ".htm"):
        raise InputError(f"{name}: the file is empty; was it saved or downloaded completely?")
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04") or data.startswith(b"PK\x05\x06"):
        return _kind_of_zip(data, name)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise InputError(f"{name}: {_describe_ole(data)}")
    if data.startswith(b"{\\rtf"):
        raise InputError(f"{name}: this is RTF, which is not read; save it as .docx")
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise InputError(f"{name}: this is {what}; unpack it and give the documents in it")
    if data.startswith(_PICTURES) and b"\x00" in data[:4096]:
        raise InputError(f"{name}: this is a picture; {_RECOGNISE}")
    if suffix in (".docx", ".pdf"):
        raise InputError(
            f"{name}: expected a {suffix} by its name, got other content; "
            "is the file damaged, or its name wrong?"
        )
    return "html" if suffix in (".html", ".htm") or _HTML.match(data[:4096]) else "text"


_RECOGNISE = "text in pictures is not read: run text recognition (OCR) on it first"


def no_text(name: str) -> InputError:
    """The refusal of a document that holds pictures at most."""
    return InputError(f"{name}: no text in it; is it scanned? {_RECOGNISE}")


def reader(module: str, package: str, name: str) -> ModuleType:
    """A reader's module. Raises InputError when the package it belongs to is not installed."""
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise InputError(
            f"{name}: reading it needs {package}, which is not installed: "
            "pip install 'spaces-summarizer[documents]'"
        ) from None


def _kind_of_zip(data: bytes, name: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise InputError(
            f"{name}: damaged, it cannot be unpacked ({error}); download or save it again"
        ) from None
    names = {part.filename for part in parts}
    if "word/document.xml" not in names:
        for folder, what in (("xl/", "a spreadsheet"), ("ppt/", "a presentation")):
            if any(each.startswith(folder) for each in names):
                raise InputError(f"{name}: this is {what}, which is not read; save it as .docx")
        if "content.xml" in names:
            raise InputError(f"{name}: this is an OpenDocument file; save it as .docx")
        raise InputError(
            f"{name}: this is an archive (zip); unpack it and give the documents in it"
        )
    if any(part.flag_bits & 1 for part in parts):
        raise InputError(f"{name}: it is encrypted; save it without password")
    unpacked = sum(part.file_size for part in parts)
    markup = max(part.file_size for part in parts if part.filename.endswith((".xml", ".rels")))
    if unpacked > UNPACKED_BYTES or markup > MARKUP_BYTES:
        raise InputError(
            f"{name}: it unpacks to {unpacked:,} bytes, {markup:,} of them in one part; at most "
            f"{UNPACKED_BYTES:,} and {MARKUP_BYTES:,} are read"
        )
    return "docx"


def _describe_ole(data: bytes) -> str:
    """Files of the old Office, and what newer ones become when a password is set."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "it is encrypted; save it without password"
    if "WordDocument".encode("utf-16-le") in data:
        return "this is an old .doc, which is not read; save it as .docx"
    return "this is a file of an old Office format, which is not read; save it as .docx"
