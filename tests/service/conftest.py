"""A model that copies the beginning of a judgment, and the service around it, on a port of its
own.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from spaces.provenance import Span, Summary


class FakeModel:
    """Summarizes by copying the first ten characters; raises over a judgment with BROKEN in it, and
    waits for `gate` over one with SLOW in it. After WRONG it writes an amount of its own. `batches`
    are the texts it was given together.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[list[str]] = []

    def summarize_batch(self, texts, *, batch_size, extract):
        self.batches.append(list(texts))
        assert len(texts) <= batch_size
        if any("SLOW" in text for text in texts):
            assert self.gate.wait(60)
        if any("BROKEN" in text for text in texts):
            raise ValueError(f"cannot read {texts}")
        return [self.summary_of(text) for text in texts]

    @staticmethod
    def summary_of(text: str) -> Summary:
        written = text[:10]
        spans = (Span(0, len(written), "copied", 0, len(written)),) if written else ()
        if "WRONG" in text:
            spans += (Span(len(written), len(written) + 6, "generated"),)
            written += "9,999元"
        return Summary(written, spans, (), () if written else ("The text is empty.",))


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)


@pytest.fixture
def fake_model() -> Iterator[FakeModel]:
    model = FakeModel()
    yield model
    model.gate.set()


@pytest.fixture(scope="session")
def until() -> Callable:
    """Wait for a condition; fail when it does not come."""
    return wait_until


@pytest.fixture(scope="session")
def serving() -> Callable:
    """A context manager: the address at which an application is served over HTTP."""

    @contextmanager
    def serve(app) -> Iterator[str]:
        import uvicorn

        with socket.create_server(("127.0.0.1", 0)) as taken:
            config = uvicorn.Config(
                app, log_level="warning", access_log=False, timeout_graceful_shutdown=1
            )
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
            thread.start()
            try:
                wait_until(lambda: server.started or not thread.is_alive())
                yield f"http://127.0.0.1:{taken.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()

    return serve
