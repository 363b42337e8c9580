"""Documents are read in processes of their own, which end whatever the document is."""

from __future__ import annotations

import asyncio

import pytest

from spaces.documents import read_bytes
from spaces.errors import InputError
from spaces.service.apart import read_apart
from spaces.service.settings import ServiceSettings


@pytest.fixture
def processes(monkeypatch) -> list:
    """The processes that were started."""
    started = []
    start = asyncio.create_subprocess_exec

    async def remember(*arguments, **options):
        started.append(await start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    return started


def test_a_document_is_what_it_is_otherwise(processes) -> None:
    page = "<html><body><p>原告张某。</p><p>被告李某。</p></body></html>".encode()
    assert asyncio.run(read_apart(page, "a.html", ServiceSettings())) == read_bytes(page, "a.html")
    with pytest.raises(InputError, match="^a.pdf: damaged"):
        asyncio.run(read_apart(b"%PDF-1.4", "a.pdf", ServiceSettings()))
    assert [process.returncode for process in processes] == [0, 0]


def test_too_long_and_too_much(processes) -> None:
    with pytest.raises(InputError, match="a.txt: reading it took more than 0.01 seconds"):
        asyncio.run(read_apart(b"A", "a.txt", ServiceSettings(reading_s=0.01)))
    text = "原告张某。".encode("gb18030") * 2_000_000
    pytest.importorskip("resource", reason="the system has no limit on memory")
    with pytest.raises(InputError, match="a.txt: .*(too much memory|broke down)"):
        asyncio.run(read_apart(text, "a.txt", ServiceSettings(reading_bytes=100_000_000)))
    assert all(process.returncode is not None for process in processes)


def test_cancelling_ends_the_process(processes) -> None:
    async def leave() -> None:
        task = asyncio.ensure_future(read_apart(b"A", "a.txt", ServiceSettings()))
        while not processes:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert processes[0].returncode not in (None, 0)
