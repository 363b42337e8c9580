"""The text of a page of HTML: each block on its own line, white space as a browser shows it."""

from __future__ import annotations

import re
from typing import Any

from spaces.documents.decoding import decode
from spaces.documents.kinds import reader
from spaces.errors import InputError

__all__ = ["read_html"]

_LEFT_OUT = re.compile(
    "head|script|style|noscript|template|svg|math|canvas|object|iframe|video|audio|select|button|"
    "textarea"
)
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset|"
    "figcaption|figure|footer|form|h1|h2|h3|h4|h5|h6|header|hgroup|hr|html|legend|li|main|menu|nav|"
    "ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul"
)
_NO_TEXT = "{name}: no text in it; was it saved before it was shown? save it as .txt"
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w-]+)""", re.I
)
_WIDE = "\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef“”‘’…—"
# Line ends of the markup, and spaces that count (in <pre>), until a line is put together; control
# characters, so that no text holds them.
_SOFT, _HARD = "\x01", "\x02"
_CONTROL = dict.fromkeys([*range(9), 0x0B, *range(0x0E, 0x20), 0x7F])
_NEVER_SEEN = re.compile(rf"(?<=[{_WIDE}])[ {_SOFT}]*{_SOFT}[ {_SOFT}]*(?=[{_WIDE}])")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_SPACES = re.compile(f"[ {_SOFT}]+")


def read_html(data: bytes, name: str, encoding: str | None = None) -> tuple[str, str | None]:
    """The text, and the encoding if it was guessed. Raises InputError."""
    html = reader("lxml.html", "lxml", name)
    if encoding is None:
        encoding = _declared(data)
    markup, guessed = decode(data, name, encoding)
    # as UTF-8 bytes: a string with a declaration of its encoding is refused
    source = markup.translate(_CONTROL).encode("utf-8", "replace")
    parser = html.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        root = html.document_fromstring(source, parser=parser)
    except html.etree.ParserError:  # there is nothing in it
        raise InputError(_NO_TEXT.format(name=name)) from None
    if any("depth" in error.message for error in parser.error_log):
        raise InputError(f"{name}: its elements nest too deeply to be read; save it as .txt")
    text = _lay_out(root)
    if not text:
        raise InputError(_NO_TEXT.format(name=name))
    return text, guessed


def _declared(data: bytes) -> str | None:
    """The encoding a page declares, where it is needed: what is UTF-8 may declare anything."""
    try:
        data.decode("utf-8")
        return None
    except UnicodeDecodeError:
        match = _CHARSET.search(data[:4096])
    declared = match[1].decode("ascii").lower() if match else ""
    if declared in ("gb2312", "gbk", "gb18030"):  # the last of them reads all three
        return "gb18030"
    return declared if declared in ("big5", "utf-16") else None


def _lay_out(root: Any) -> str:
    """The text of an element, a line for each block; a stack, because pages nest without limit."""
    pieces: list[str] = []
    stack: list[tuple[Any, bool, bool]] = [(root, False, False)]  # element, its end, inside <pre>
    while stack:
        element, ending, pre = stack.pop()
        tag = element.tag
        if not ending:
            if tag == "br" or _BLOCKS.fullmatch(tag):
                pieces.append("\n")
            inside = pre or tag == "pre"
            stack.append((element, True, pre))
            if not _LEFT_OUT.fullmatch(tag) and not _is_hidden(element):
                pieces.append(_collapse(element.text, inside))
                stack += [(child, False, inside) for child in reversed(element)]
            continue
        if _BLOCKS.fullmatch(tag):
            pieces.append("\n")
        elif tag in ("td", "th"):
            pieces.append("\t")
        if element is not root:
            pieces.append(_collapse(element.tail, pre))
    lines = (_tidy(line) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _is_hidden(element: Any) -> bool:
    return element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style") or ""))


def _collapse(text: str | None, pre: bool) -> str:
    if not text:
        return ""
    if pre:
        return text.replace("\r\n", "\n").replace(" ", _HARD)
    return _SPACE.sub(lambda match: _SOFT if "\n" in match[0] or "\r" in match[0] else " ", text)


def _tidy(line: str) -> str:
    return _SPACES.sub(" ", _NEVER_SEEN.sub("", line)).replace(_HARD, " ").strip()
