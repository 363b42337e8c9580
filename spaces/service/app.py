"""The application: what is asked, what is answered.

A request ends early when its client leaves: then its judgments leave the queue, and the process
that reads its document is ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from spaces import __version__
from spaces.documents import Document
from spaces.errors import InputError
from spaces.files import dump_json
from spaces.provenance import Summary
from spaces.report.facts import render_documents
from spaces.service.answers import error_answer, json_answer
from spaces.service.apart import read_apart
from spaces.service.batching import Batcher, Busy, Job, Model, ModelFailed, log, place_of
from spaces.service.bodies import (
    ClientLeft,
    JudgmentIn,
    RequestError,
    Slots,
    document_name,
    read_body,
)
from spaces.service.guard import Guard
from spaces.service.pages import add_pages
from spaces.service.schemas import (
    Failure,
    Health,
    Record,
    document_schema,
    judgments_schema,
    progress_schemas,
)
from spaces.service.settings import ServiceSettings

__all__ = ["create_app"]

_REFUSALS = {
    400: "The body is no JSON.",
    408: "The body took too long to arrive.",
    413: "The body, a judgment, or the list of them is too long.",
    415: "The body has another media type.",
    422: "The body is not what it should be.",
    429: "Too many judgments wait; Retry-After says how many seconds to wait.",
    500: "The model broke down over a judgment.",
    504: "The summary took too long.",
}
_TICK = 0.2  # seconds between two looks at how a judgment fares


def create_app(models: Sequence[Model], settings: ServiceSettings | None = None) -> FastAPI:
    """The service, with a worker for each of `models` (a `Summarizer` each).

    >>> app = create_app([Summarizer.from_pretrained()])
    """
    settings = settings or ServiceSettings()
    service = _Service(models, settings)
    app = FastAPI(
        title="SPACES",
        version=__version__,
        summary="Summaries of Chinese court judgments, with the origin of every character.",
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        lifespan=service.lifespan,
    )
    app.add_middleware(Guard)
    _handle_errors(app)
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": Failure, "description": words} for status, words in _REFUSALS.items()
    }
    record: dict[int | str, dict[str, Any]] = {
        200: {"model": Record | list[Record], "description": "The summary, or the list of them."}
    }
    app.post(
        "/v1/summaries",
        response_model=None,
        responses=record | refusals,
        openapi_extra={"requestBody": judgments_schema(settings)},
    )(service.summarize)
    lines = {"application/x-ndjson": {"schema": {"$ref": "#/components/schemas/Progress"}}}
    progress: dict[int | str, dict[str, Any]] = {
        200: {"description": "Progress, one JSON object a line, as it is made.", "content": lines}
    }
    app.post(
        "/v1/reports",
        response_model=None,
        response_class=StreamingResponse,
        responses=progress | {each: refusals[each] for each in (408, 413, 415, 422, 429, 500)},
        openapi_extra={"requestBody": document_schema(settings)},
    )(service.report)
    answers: dict[int | str, dict[str, Any]] = {200: {"description": "The service answers."}}
    app.get("/health", response_model=Health, responses=answers)(service.health)
    add_pages(app, settings)
    description = app.openapi()
    description["components"]["schemas"].update(progress_schemas())
    return app


class _Service:
    """The handlers, and what they share."""

    def __init__(self, models: Sequence[Model], settings: ServiceSettings) -> None:
        self.models, self.settings = models, settings
        self.uploads = Slots(settings.max_uploads)
        self.documents = Slots(settings.max_documents)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        self.readers = asyncio.Semaphore(self.settings.readers)
        self.batcher = Batcher(self.models, self.settings)
        self.batcher.start()
        yield
        await asyncio.to_thread(self.batcher.close)

    async def health(self) -> Health:
        """Whether the service answers, and how many judgments wait."""
        return Health(status="ok", version=__version__, waiting=self.batcher.waiting)

    async def summarize(self, request: Request) -> Response:
        """Summarize a judgment, or a list of judgments; the answers are in the same order."""
        settings = self.settings
        with self.uploads.taken():
            body = await read_body(
                request, "application/json", settings.max_body, settings.upload_s
            )
            judgments, several = JudgmentIn.parse(body, settings)
            del body
        jobs = [Job(judgment.text, judgment.extract) for judgment in judgments]
        self.batcher.submit(jobs)
        left = asyncio.ensure_future(_until_left(request))
        try:
            async for _ in self._follow(jobs, left):
                pass
        finally:
            left.cancel()
        records = [
            judgment.identity | _result(job).to_dict()
            for judgment, job in zip(judgments, jobs, strict=True)
        ]
        return json_answer(records if several else records[0])

    async def report(
        self,
        request: Request,
        x_document_name: Annotated[
            str | None, Header(description="The document's name, percent-encoded.")
        ] = None,
    ) -> Response:
        """Summarize a document; the answer tells how far it is, and ends with the summary and a
        report to check it by.
        """
        self.batcher.check_room()
        with self.documents.taken():
            data = await read_body(
                request,
                "application/octet-stream",
                self.settings.max_document_bytes,
                self.settings.upload_s,
            )
        lines = self._report(data, document_name(x_document_name))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def _report(self, data: bytes, name: str) -> AsyncIterator[str]:
        """The lines of the answer; what goes wrong is the last of them."""
        try:
            async for state in self._steps(data, name):
                yield f"{dump_json(state)}\n"
        except Exception as error:
            refusal = _refusal_of(error)
            if refusal.status == 500 and not isinstance(error, ModelFailed):
                log.error("report: %s", place_of(error))
            failed = {"state": "failed", "status": refusal.status, "error": refusal.message}
            yield f"{dump_json(failed)}\n"

    async def _steps(self, data: bytes, name: str) -> AsyncIterator[dict[str, Any]]:
        yield {"state": "reading"}
        with self.documents.taken():
            async with self.readers:
                document = await read_apart(data, name, self.settings)
        del data
        job = Job(document.text)
        self.batcher.submit([job])
        async for ahead in self._follow([job]):
            waits = {"state": "waiting", "ahead": ahead}
            yield {"state": "summarizing"} if ahead is None else waits
        record, report = await asyncio.to_thread(_finish, document, _result(job))
        yield {"state": "done", "record": record, "report": report}

    async def _follow(
        self, jobs: Sequence[Job], left: asyncio.Future[None] | None = None
    ) -> AsyncIterator[int | None]:
        """Wait until all jobs are done; meanwhile, as it changes, how many others are before the
        first (None: it has begun).

        Raises RequestError after the deadline, ClientLeft when `left` is done. Whatever ends this,
        the jobs end with it.
        """
        futures = [asyncio.wrap_future(job.future) for job in jobs]
        done = asyncio.gather(*futures, return_exceptions=True)
        waits: set[asyncio.Future[Any]] = {done} | ({left} if left else set())
        loop = asyncio.get_running_loop()
        end = loop.time() + self.settings.deadline_s
        told: object = ...
        try:
            while not done.done():
                if (ahead := self.batcher.ahead(jobs[0])) != told:
                    told = ahead
                    yield ahead
                pause = min(_TICK, end - loop.time())
                await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                if left and left.done():
                    raise ClientLeft
                if loop.time() >= end and not done.done():
                    raise RequestError(
                        504,
                        f"expected a summary within {self.settings.deadline_s:g} seconds, got none",
                    )
        finally:
            for job in jobs:
                job.future.cancel()
            if not done.done():
                done.cancel()
                with suppress(asyncio.CancelledError):
                    await done


def _result(job: Job) -> Summary:
    if job.future.cancelled():  # the service is being stopped
        raise Busy(5)
    return job.future.result()


def _finish(document: Document, summary: Summary) -> tuple[dict[str, Any], str]:
    record = {"id": document.name} | document.record(summary)
    return record, render_documents([(document, summary)])


async def _until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refusal_of(error: Exception) -> RequestError:
    """What the client hears of an error."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, Busy):
        after = str(error.retry_after)
        return RequestError(
            429, f"too many judgments wait; try again in {after} s", {"Retry-After": after}
        )
    if isinstance(error, InputError):
        return RequestError(422, str(error))
    if isinstance(error, ModelFailed):
        return RequestError(500, f"the model broke down over this judgment: {error}")
    return RequestError(500, "an error of the service itself; its log says where")


def _handle_errors(app: FastAPI) -> None:
    async def refuse(request: Request, error: Exception) -> Response:
        refusal = _refusal_of(error)
        return error_answer(refusal.status, refusal.message, refusal.headers)

    for kind in (RequestError, Busy, ModelFailed):
        app.add_exception_handler(kind, refuse)

    @app.exception_handler(HTTPException)
    async def refuse_route(request: Request, error: HTTPException) -> Response:
        return error_answer(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def refuse_header(request: Request, error: RequestValidationError) -> Response:
        return error_answer(422, "expected headers as /docs says, got others")
