"""Requests and answers as the OpenAPI description shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from spaces.service.settings import ServiceSettings

__all__ = [
    "Failure",
    "Health",
    "Progress",
    "Record",
    "document_schema",
    "judgments_schema",
    "progress_schemas",
]

Offset = Annotated[int, Field(ge=0)]
Id = Annotated[str, Field(min_length=1)] | int


def _drop_defaults(schema: dict[str, Any]) -> None:
    """A field that may be absent has no value then."""
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra=_drop_defaults)


class CopiedSpan(_Schema):
    """Characters `start` to `end` of the summary are `source_start` to `source_end` of the
    judgment, to the letter; the ends are excluded.
    """

    start: Offset
    end: Offset
    kind: Literal["copied"]
    source_start: Offset
    source_end: Offset


class GeneratedSpan(_Schema):
    """Characters of the summary that the model wrote."""

    start: Offset
    end: Offset
    kind: Literal["generated"]


class Clause(_Schema):
    """A clause of the judgment, its probability to matter, and whether it was kept."""

    start: Offset
    end: Offset
    score: Annotated[float, Field(ge=0, le=1)]
    kept: bool


class Record(_Schema):
    """A summary: what `spaces summarize --format json` prints. Offsets count characters."""

    id: Annotated[Id, Field(description="As in the request; absent where it had none.")] = ""
    summary: str
    spans: list[CopiedSpan | GeneratedSpan]
    clauses: list[Clause]
    warnings: list[str]


class DocumentRecord(Record):
    """A summary of a document."""

    text: Annotated[
        str, Field(description="What the offsets refer to, where it is not the file's own text.")
    ] = ""


class Progress(_Schema):
    """A line of the answer. The last one is `done` or `failed`."""

    state: Literal["reading", "waiting", "summarizing", "done", "failed"]
    ahead: Annotated[int, Field(ge=0, description="waiting: judgments before this one.")] = 0
    record: DocumentRecord | None = None
    report: Annotated[str, Field(description="done: the report, an HTML file.")] = ""
    status: Annotated[int, Field(description="failed: as the status of an answer.")] = 0
    error: Annotated[str, Field(description="failed: why.")] = ""


class Failure(_Schema):
    """What was expected, and what came."""

    error: str


class Health(_Schema):
    """The service answers."""

    status: Literal["ok"]
    version: str
    waiting: Annotated[int, Field(ge=0, description="Judgments in the queue.")]


def progress_schemas() -> dict[str, Any]:
    """`Progress` and what it is made of, by their names: FastAPI describes answers in JSON only."""
    schema = Progress.model_json_schema(ref_template="#/components/schemas/{model}")
    return schema.pop("$defs") | {"Progress": schema}


def judgments_schema(settings: ServiceSettings) -> dict[str, Any]:
    """The body of POST /v1/summaries."""
    judgment = {
        "type": "object",
        "title": "Judgment",
        "required": ["text"],
        "additionalProperties": False,
        "properties": {
            "text": {"type": "string", "maxLength": settings.max_characters},
            "id": {
                "anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}],
                "description": "Comes back with the summary.",
            },
            "extract": {
                "type": "boolean",
                "default": True,
                "description": "false: the text is an extract already and goes to the generator "
                "whole.",
            },
        },
        "example": {"id": 1, "text": "原告张某与被告李某民间借贷纠纷一案，…"},
    }
    many = {"type": "array", "items": judgment, "minItems": 1, "maxItems": settings.max_list}
    schema = {"anyOf": [judgment, many]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def document_schema(settings: ServiceSettings) -> dict[str, Any]:
    """The body of POST /v1/reports."""
    limit = f"{settings.max_document_bytes:,} bytes"
    description = f"A document, .txt, .docx, .pdf or .html, of at most {limit}."
    binary = {"type": "string", "format": "binary"}
    return {
        "required": True,
        "description": description,
        "content": {"application/octet-stream": {"schema": binary}},
    }
