"""Judgments of all requests wait in one queue; each worker, a thread with a model of its own, takes
as many as it can summarize together.

A judgment that breaks the model must not take its neighbours along: where a batch fails, its
judgments are summarized one by one. One that nobody waits for any more leaves the queue, unless its
batch has begun.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from spaces.provenance import Summary
from spaces.service.settings import ServiceSettings

__all__ = ["Batcher", "Busy", "Job", "ModelFailed", "Model", "log", "place_of"]

log = logging.getLogger("spaces.service")


class Model(Protocol):
    """What a worker asks of a `Summarizer`."""

    def summarize_batch(
        self, texts: Sequence[str], *, batch_size: int, extract: bool
    ) -> list[Summary]: ...


class Busy(Exception):
    """No room in the queue; `retry_after` is the number of seconds after which there may be."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class ModelFailed(Exception):
    """The model raised an error over a judgment; says which and where, never what was read."""


@dataclass(eq=False)
class Job:
    """A judgment that waits for its summary. `future.cancel()` takes it out of the queue."""

    text: str
    extract: bool = True
    future: Future[Summary] = field(default_factory=Future)


class Batcher:
    """The queue and its workers, one for each model. All methods may be called from any thread."""

    def __init__(self, models: Sequence[Model], settings: ServiceSettings) -> None:
        self.settings = settings
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._seconds = 1.0  # that a judgment takes, about
        self._workers = [
            threading.Thread(target=self._work, args=(model,), name=f"worker {i}", daemon=True)
            for i, model in enumerate(models, start=1)
        ]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def close(self, timeout_s: float = 5.0) -> None:
        """Drop what waits, and give batches that have begun some seconds to end."""
        with self._changed:
            self._closed = True
            dropped = list(self._waiting)
            self._changed.notify_all()
        for job in dropped:
            job.future.cancel()
        for worker in self._workers:
            if worker.ident is not None:
                worker.join(timeout_s)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Put jobs at the end of the queue, all of them or, where there is no room, none: raises
        Busy.
        """
        with self._changed:
            self._check_room(len(jobs))
            self._waiting.extend(jobs)
            self._changed.notify_all()
        for job in jobs:
            job.future.add_done_callback(partial(self._drop, job))

    def check_room(self) -> None:
        """Raises Busy when not even one judgment more may wait."""
        with self._changed:
            self._check_room(1)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def ahead(self, job: Job) -> int | None:
        """How many judgments are before this one in the queue; None once it has begun."""
        with self._changed:
            return self._waiting.index(job) if job in self._waiting else None

    def _check_room(self, more: int) -> None:
        if self._closed or len(self._waiting) + more > self.settings.max_waiting:
            seconds = len(self._waiting) * self._seconds / max(len(self._workers), 1)
            raise Busy(min(max(math.ceil(seconds), 1), 60))

    def _drop(self, job: Job, future: Future[Summary]) -> None:
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)

    def _work(self, model: Model) -> None:
        while self._serve(model):
            pass

    def _serve(self, model: Model) -> bool:
        """One batch; False when there will be no other. A frame of its own, so that no judgment
        stays in memory while the worker waits.
        """
        batch = self._take()
        if batch:
            begin = time.monotonic()
            self._summarize(model, batch)
            each = (time.monotonic() - begin) / len(batch)
            self._seconds = 0.7 * self._seconds + 0.3 * each
        return not self._closed

    def _take(self) -> list[Job]:
        """The next jobs that can go together: read in the same way, few enough, not too long."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            until = time.monotonic() + self.settings.gather_s
            while len(self._waiting) < self.settings.batch_size and not self._closed:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            batch: list[Job] = []
            characters = 0
            for job in list(self._waiting):
                characters += len(job.text)
                if batch and (
                    job.extract != batch[0].extract
                    or characters > self.settings.max_characters
                    or len(batch) == self.settings.batch_size
                ):
                    break
                self._waiting.popleft()
                if job.future.set_running_or_notify_cancel():
                    batch.append(job)
            return batch

    def _summarize(self, model: Model, batch: list[Job]) -> None:
        try:
            summaries = model.summarize_batch(
                [job.text for job in batch],
                batch_size=self.settings.batch_size,
                extract=batch[0].extract,
            )
        except Exception as error:  # whatever it is, it is the error of one judgment
            place = place_of(error)
        else:
            for job, summary in zip(batch, summaries, strict=True):
                job.future.set_result(summary)
            return
        if len(batch) > 1:
            for job in batch:
                self._summarize(model, [job])
        else:
            log.error("a judgment of %d characters: %s", len(batch[0].text), place)
            batch[0].future.set_exception(ModelFailed(place))


def place_of(error: BaseException) -> str:
    """The kind of an error and where it was raised, without its message, which may quote a
    judgment: `ValueError at beam.py:120`.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.replace(chr(92), '/').rpartition('/')[2]}" if frames else ""
    line = f":{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}{line}"
