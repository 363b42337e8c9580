"""Summaries of Chinese court judgments: extract, rewrite, and trace every character back to its
origin.

>>> from spaces import Summarizer
>>> summarizer = Summarizer.from_pretrained()  # the default model, inside the package
>>> summarizer.summarize(judgment).text

Importing this package loads no torch and reads no file: the names below are looked up when they are
first used.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spaces.provenance import Span, Summary
    from spaces.summarizer import Summarizer

__all__ = ["Span", "Summarizer", "Summary", "__version__"]

_HOMES = {
    "Span": "spaces.provenance",
    "Summary": "spaces.provenance",
    "Summarizer": "spaces.summarizer",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in _HOMES:
        with _uncollected():
            value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@contextmanager
def _uncollected() -> Iterator[None]:
    """No collection of garbage meanwhile: importing torch and transformers makes hundreds of
    thousands of objects that all stay, and going through them took a tenth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("spaces-summarizer")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"
