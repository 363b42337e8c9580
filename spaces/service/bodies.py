"""What a request brings: its body within limits, and the judgments in it.

Bodies are read here and not by FastAPI, which would take any size into memory first, and parsed
here so that text which is not quite Unicode is summarized as `spaces predict` does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from spaces.files import describe
from spaces.service.batching import Busy
from spaces.service.settings import ServiceSettings

__all__ = ["ClientLeft", "JudgmentIn", "RequestError", "Slots", "document_name", "read_body"]

_DRAINED = 100_000_000  # bytes of a body that is too large that are let in, and thrown away
_NAME = 200  # characters of a document's name that are shown


class RequestError(Exception):
    """A request that is refused: the status of the answer, and why, in words."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


class ClientLeft(Exception):
    """Nobody waits for an answer any more."""


class Slots:
    """At most `bound` requests at a time; one more raises Busy.

    >>> with Slots(1).taken(): ...
    """

    def __init__(self, bound: int) -> None:
        self.bound, self.used = bound, 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        if self.used >= self.bound:
            raise Busy(1)
        self.used += 1
        try:
            yield
        finally:
            self.used -= 1


async def read_body(request: Request, media_type: str, limit: int, seconds: float) -> bytes:
    """The body, of at most `limit` bytes. Raises RequestError (408, 413, 415) and ClientLeft.

    The media type is required because a page of another site can send a browser here with other
    types, but not with these.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    too_large = RequestError(413, f"body: expected at most {limit:,} bytes, got more")
    try:
        announced = int(request.headers.get("content-length", 0))
    except ValueError:
        announced = 0
    parts: list[bytes] = []

    async def receive() -> None:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size <= limit and announced <= limit:
                parts.append(part)
            else:  # a client that is cut off while it sends never sees why: let it send
                parts.clear()
                if size > _DRAINED:
                    raise too_large
        if size > limit:
            raise too_large

    try:
        if announced > _DRAINED:
            raise too_large
        await asyncio.wait_for(receive(), seconds)
    except asyncio.TimeoutError:
        raise (
            too_large
            if announced > limit
            else RequestError(
                408, f"body: expected it within {seconds:g} seconds, got only a part of it"
            )
        ) from None
    except ClientDisconnect:
        raise ClientLeft from None
    if given != media_type:
        raise RequestError(
            415, f"Content-Type: expected {media_type}, got {given or 'no Content-Type'}"
        )
    return b"".join(parts)


class JudgmentIn:
    """A judgment of a request: `{"text", "id"?, "extract"?}`."""

    def __init__(self, text: str, identity: dict[str, Any], extract: bool) -> None:
        self.text, self.identity, self.extract = text, identity, extract

    @classmethod
    def parse(cls, body: bytes, settings: ServiceSettings) -> tuple[list[JudgmentIn], bool]:
        """The judgments, and whether they came as a list. Raises RequestError (400, 413, 422).

        >>> JudgmentIn.parse(b'{"text": "...", "id": 7}', ServiceSettings())[0][0].identity
        {'id': 7}
        """
        try:
            value = json.loads(body.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise RequestError(400, "body: expected JSON in UTF-8, got other bytes") from None
        except json.JSONDecodeError as error:
            raise RequestError(
                400, f"body: expected JSON, got {error.msg} at character {error.pos}"
            ) from None
        except (RecursionError, ValueError):  # nested too deep; a number of too many digits
            raise RequestError(400, "body: expected JSON that can be read, got too much") from None
        if not isinstance(value, list):
            return [cls._of(value, "", settings)], False
        if not 0 < len(value) <= settings.max_list:
            raise RequestError(
                422 if not value else 413,
                f"body: expected 1 to {settings.max_list} judgments in a list, got {len(value)}",
            )
        return [cls._of(item, f"[{i}].", settings) for i, item in enumerate(value)], True

    @classmethod
    def _of(cls, value: Any, where: str, settings: ServiceSettings) -> JudgmentIn:
        def wrong(field: str, expected: str, got: Any) -> RequestError:
            name = f"{where}{field}".rstrip(".") or "body"
            return RequestError(422, f"{name}: expected {expected}, got {_describe(got)}")

        if not isinstance(value, dict):
            raise wrong("", "an object with a text" + ", or a list of them" * (not where), value)
        if unknown := sorted(set(value) - {"text", "id", "extract"}):
            raise RequestError(
                422, f"{where}{unknown[0][:40]}: expected text, id and extract, got another field"
            )
        text = value.get("text")
        if "text" not in value:
            raise RequestError(422, f"{where}text: expected this field, got none")
        if not isinstance(text, str):
            raise wrong("text", "a string", text)
        if len(text) > settings.max_characters:
            raise RequestError(
                413,
                f"{where}text: expected at most {settings.max_characters:,} characters, "
                f"got {len(text):,}",
            )
        identity = {"id": value["id"]} if "id" in value else {}
        for each in identity.values():
            if isinstance(each, bool) or not isinstance(each, (str, int)) or each == "":
                raise wrong("id", "a string that is not empty, or an integer", each)
        extract = value.get("extract", True)
        if not isinstance(extract, bool):
            raise wrong("extract", "true or false", extract)
        return cls(text, identity, extract)


def document_name(header: str | None) -> str:
    """The name of a document as its client gives it, percent-encoded: a label, never a path.

    >>> document_name("..%2F%E5%88%A4%E5%86%B3.pdf")
    '判决.pdf'
    """
    name = unquote(header or "").replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if c.isprintable()).strip()
    return name[-_NAME:] or "document"


def _describe(value: Any) -> str:
    return describe(value) if not isinstance(value, (int, float)) else f"{value!r:.40}"
