"""The queue: what goes together, what is refused, and that nobody pays for another's judgment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from spaces.service.batching import Batcher, Busy, Job, ModelFailed
from spaces.service.settings import ServiceSettings


@pytest.fixture
def start() -> Iterator:
    batchers = []

    def start(*models, **limits) -> Batcher:
        batcher = Batcher(models, ServiceSettings(**limits))
        batchers.append((batcher, models))
        batcher.start()
        return batcher

    yield start
    for batcher, models in batchers:
        for model in models:
            model.gate.set()
        batcher.close()


def occupy(batcher: Batcher, model, until) -> Job:
    """Keep the worker busy, so that what comes now waits."""
    job = Job("SLOW")
    batcher.submit([job])
    until(lambda: model.batches)
    return job


def test_what_waits_goes_together(start, fake_model, until) -> None:
    batcher = start(fake_model, batch_size=4)
    first = occupy(batcher, fake_model, until)
    jobs = [Job(f"第{i}号") for i in range(6)]
    for job in jobs:
        batcher.submit([job])
    assert batcher.ahead(first) is None
    assert [batcher.ahead(job) for job in jobs] == list(range(6)) and batcher.waiting == 6
    fake_model.gate.set()
    assert [job.future.result(5).text for job in jobs] == [job.text for job in jobs]
    assert [len(batch) for batch in fake_model.batches] == [1, 4, 2]


def test_requests_of_the_same_moment_are_gathered(start, fake_model) -> None:
    batcher = start(fake_model, gather_s=0.5, batch_size=3)
    jobs = [Job(f"第{i}号") for i in range(3)]
    begin = time.monotonic()
    for job in jobs:
        batcher.submit([job])
        time.sleep(0.01)
    for job in jobs:
        job.future.result(5)
    assert [len(batch) for batch in fake_model.batches] == [3]
    assert time.monotonic() - begin < 0.4  # a full batch waits for nobody


def test_what_cannot_go_together(start, fake_model, until) -> None:
    batcher = start(fake_model, max_characters=10)
    occupy(batcher, fake_model, until)
    jobs = [
        Job("一"),
        Job("二", extract=False),
        Job("三", extract=False),
        Job("四" * 8),
        Job("五六七"),
    ]
    batcher.submit(jobs)
    fake_model.gate.set()
    for job in jobs:
        job.future.result(5)
    assert fake_model.batches[1:] == [["一"], ["二", "三"], ["四" * 8], ["五六七"]]


def test_a_broken_judgment_harms_no_neighbour(start, fake_model, until, caplog) -> None:
    batcher = start(fake_model)
    occupy(batcher, fake_model, until)
    jobs = [Job("甲"), Job("BROKEN 乙"), Job("丙")]
    batcher.submit(jobs)
    fake_model.gate.set()
    assert [jobs[0].future.result(5).text, jobs[2].future.result(5).text] == ["甲", "丙"]
    with pytest.raises(ModelFailed, match=r"^ValueError at conftest.py:\d+$") as raised:
        jobs[1].future.result(5)
    assert raised.value.__cause__ is raised.value.__context__ is None  # they quote the judgment
    assert [record.getMessage() for record in caplog.records] == [
        f"a judgment of 8 characters: {raised.value}"
    ]
    later = Job("丁")
    batcher.submit([later])
    assert later.future.result(5).text == "丁"


def test_the_queue_has_a_bound(start, fake_model, until) -> None:
    batcher = start(fake_model, max_waiting=3)
    occupy(batcher, fake_model, until)
    batcher.submit([Job("甲"), Job("乙")])
    with pytest.raises(Busy) as raised:
        batcher.submit([Job("丙"), Job("丁")])  # both or none
    assert 1 <= raised.value.retry_after <= 60
    assert batcher.waiting == 2
    batcher.check_room()
    last = Job("戊")
    batcher.submit([last])
    with pytest.raises(Busy):
        batcher.check_room()
    assert last.future.cancel()  # its client left: there is room again, and no work
    assert batcher.waiting == 2
    batcher.check_room()
    fake_model.gate.set()
    until(lambda: batcher.waiting == 0)
    assert "戊" not in [text for batch in fake_model.batches for text in batch]


def test_each_model_has_a_worker(start, fake_model, until) -> None:
    other = type(fake_model)()
    batcher = start(fake_model, other)
    jobs = [Job("SLOW 一"), Job("SLOW 二")]
    batcher.submit(jobs[:1])
    until(lambda: fake_model.batches or other.batches)
    batcher.submit(jobs[1:])
    until(lambda: fake_model.batches and other.batches)
    fake_model.gate.set()
    other.gate.set()
    assert [job.future.result(5).text for job in jobs] == [job.text for job in jobs]


def test_closing_drops_what_waits(start, fake_model, until) -> None:
    batcher = start(fake_model)
    running = occupy(batcher, fake_model, until)
    waiting = Job("甲")
    batcher.submit([waiting])
    batcher.close(timeout_s=0.01)
    with pytest.raises(CancelledError):
        waiting.future.result(1)
    with pytest.raises(Busy):
        batcher.submit([Job("乙")])
    fake_model.gate.set()
    assert running.future.result(5).text == "SLOW"
