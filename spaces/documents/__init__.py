"""Judgments as people have them: .txt, .docx, .pdf with a text layer, .html.

A document becomes one text, which the summarizer reads and to which the offsets of a summary refer.
Page numbers, running headers, line ends inside sentences and the spaces of 民 事 判 决 书 are put
right on the way; a plain text that has none of these stays as it is. The packages that read are in
the extra `documents`; UTF-8 text needs none of them.

>>> from spaces import documents
>>> document = documents.read("judgment.pdf")
>>> summary = summarizer.summarize(document.text)
"""

from __future__ import annotations

from spaces.documents.inbox import STANDARD_INPUT, Inbox, find
from spaces.documents.kinds import SUFFIXES
from spaces.documents.reading import MAX_BYTES, Document, read, read_bytes

__all__ = [
    "MAX_BYTES",
    "STANDARD_INPUT",
    "SUFFIXES",
    "Document",
    "Inbox",
    "find",
    "read",
    "read_bytes",
]
