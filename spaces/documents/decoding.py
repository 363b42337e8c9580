"""Bytes of a text file as text: the encoding is the one named, the one marked, UTF-8, or guessed.

UTF-8 and what begins with a byte order mark need no guess and no package. The others that Chinese
documents come in are told apart by charset-normalizer.
"""

from __future__ import annotations

import codecs
import re

from spaces.documents.kinds import reader
from spaces.errors import InputError

__all__ = ["decode"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with its mark
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ("gb18030", "big5", "utf_16_le", "utf_16_be")
# Judgments are full of amounts and abbreviations, which looks like noise to the detector's default
# of 0.2; at 0.5 it is right for all of 262 judgments in each of the encodings above.
_NOISE = 0.5
# Said where the encoding is in doubt; the command line adds that one can be named.
REMEDY = "save it as UTF-8"
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff]")


def decode(data: bytes, name: str, encoding: str | None = None) -> tuple[str, str | None]:
    """The text, with line ends "\\n" and without byte order mark, and the encoding if it was
    guessed.

    Raises InputError: an unknown or wrong `encoding`, bytes that are no text, UTF-8 with broken
    bytes, a missing detector.

    >>> decode("原告".encode("utf-16"), "a.txt")
    ('原告', None)
    """
    if encoding is not None:
        text, guessed = _decode_as(data, name, encoding), None
    else:
        text, guessed = _detect(data, name)
    if len(_CONTROL.findall(text)) > len(text) // 50:
        raise InputError(
            f"{name}: expected text, got binary data; .txt, .docx, .pdf and .html are read"
        )
    return text.removeprefix("\ufeff").replace("\r\n", "\n"), guessed


def _decode_as(data: bytes, name: str, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        place = f" at position {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        raise InputError(
            f"{name}: not in {encoding}, as named or declared: it cannot be decoded{place}; "
            f"{REMEDY}"
        ) from None
    except (LookupError, ValueError):  # no such name, or no encoding of text
        raise InputError(
            f"{name}: expected an encoding of text, for example GB18030, got {encoding!r}"
        ) from None


def _detect(data: bytes, name: str) -> tuple[str, str | None]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_as(data, name, encoding), None
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        broken = error
    if _is_nearly_utf8(data):
        raise InputError(
            f"{name}: expected UTF-8, got byte 0x{data[broken.start]:02x} at position "
            f"{broken.start}; leave broken bytes out, for example: iconv -c -f UTF-8 -t UTF-8"
        )
    detector = reader("charset_normalizer", "charset-normalizer", name)
    match = detector.from_bytes(data, cp_isolation=list(_CANDIDATES), threshold=_NOISE).best()
    if match is None:
        raise InputError(f"{name}: expected text, got bytes of no encoding known here; {REMEDY}")
    return str(match), match.encoding


def _is_nearly_utf8(data: bytes) -> bool:
    """Whether a few broken bytes stand among many that only UTF-8 puts in this order."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(mark >= "\u0800" for mark in text) - broken > 10 * broken
