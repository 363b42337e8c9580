"""The pages: `/` for people, `/docs` for programmers, and the files they load.

They load nothing from elsewhere. FastAPI's own documentation page does, so `/docs` is a page
without script, made from the same OpenAPI description (`/openapi.json`).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from spaces.report import own_hashes
from spaces.service.settings import ServiceSettings

__all__ = ["add_pages"]

_STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def add_pages(app: FastAPI, settings: ServiceSettings) -> None:
    """Give the application its pages; none of them is part of the OpenAPI description."""
    style, script = own_hashes()  # of the report, which the page shows inside itself
    policy = {
        "Content-Security-Policy": "default-src 'none'; img-src 'self'; connect-src 'self'; "
        f"style-src 'self' '{style}'; script-src 'self' '{script}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    def show_page(request: Request) -> Response:
        html = _templates().get_template("page.html").render(settings=settings)
        return HTMLResponse(html, headers=policy)

    def show_description(request: Request) -> Response:
        template = _templates().get_template("docs.html")
        html = template.render(api=app.openapi(), base=str(request.base_url))
        return HTMLResponse(html, headers=policy)

    async def show_file(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        data = files("spaces.service").joinpath("static").joinpath(name).read_bytes()
        return Response(data, media_type=_STATIC[name])

    app.add_route("/", show_page, include_in_schema=False)
    app.add_route("/docs", show_description, include_in_schema=False)
    for name in _STATIC:
        app.add_route(f"/static/{name}", show_file, include_in_schema=False)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pretty"] = _pretty
    environment.filters["models"] = _models
    return environment


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _models(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """The named schemas that an answer has: `{"$ref": "#/components/schemas/A"} -> [("", "A")]`."""
    found = []
    for each in schema.get("anyOf", [schema]):
        words, item = ("list of ", each["items"]) if "items" in each else ("", each)
        if "$ref" in item:
            found.append((words, item["$ref"].rpartition("/")[2]))
    return found
