"""Answers: records and errors as JSON, as the command line writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from spaces.files import dump_json

__all__ = ["error_answer", "json_answer"]


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`value` as JSON, Chinese characters as they are."""
    body = dump_json(value).encode()
    return Response(body, status, dict(headers or {}), media_type="application/json")


def error_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """`{"error": "…"}`: what was expected, what came."""
    return json_answer({"error": message}, status, headers)
