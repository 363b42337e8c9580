"""Long work over a stream of records in shards: restarts go on behind the last one, memory stays
flat, and worker processes share the work.

A shard is `SHARD` records and a folder with what was made of them. It gets its name when it is
complete, so what a killed run leaves is either a whole shard or nothing. What a shard holds depends
on its records alone: the result is the same for any number of workers and any number of restarts.

Workers are started by the spawn method everywhere, the only one on Windows and the default on
macOS. A script that asks for more than one worker needs the guard that method asks for:

    if __name__ == "__main__":
        run("all", "my.yaml", ["workers=4"])
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import Any

from spaces.errors import ConfigError

__all__ = ["SHARD", "in_shards"]

SHARD = 100
"""Records in a shard: some seconds of work, which is what a kill costs."""

Work = Callable[[list, Path], None]


def in_shards(
    folder: Path, records: Iterable[Any], work: Work, *, workers: int = 1, size: int = SHARD
) -> Iterator[Path]:
    """The folder of each shard of `records`, in order, as it is complete.

    `work(records, folder)` writes what it makes of some records into an empty folder; it is called
    for the shards that `folder` lacks. With `workers` above 1 it runs in so many processes, each
    of which gets one copy of `work`, by pickling, at its start. Whoever stops reading early stops
    the work. Raises ConfigError for fewer than 1 worker and when a worker process has died; what
    `work` raises comes through.
    """
    if workers < 1:
        raise ConfigError(f"workers: expected at least 1, got {workers}")
    folder.mkdir(parents=True, exist_ok=True)
    shards = ((folder / f"{n:06}", batch) for n, batch in enumerate(_batches(records, size)))
    if workers == 1:
        for path, batch in shards:
            if not path.is_dir():
                _make(work, batch, path)
            yield path
        return
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(work,)
    )
    try:
        # Two shards for each worker are on their way, so that memory does not grow with the stream.
        waiting: deque[tuple[Path, Future | None]] = deque()
        for path, batch in shards:
            waiting.append((path, None if path.is_dir() else pool.submit(_work_on, batch, path)))
            if len(waiting) > 2 * workers:
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())
    except BrokenProcessPool as error:
        raise ConfigError(
            "a worker process ended before its work: too little memory for so many (set "
            'workers=1), or a script that starts them outside `if __name__ == "__main__":`'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(records: Iterable[Any], size: int) -> Iterator[list]:
    stream = iter(records)
    while batch := list(islice(stream, size)):
        yield batch


def _finished(path: Path, future: Future | None) -> Path:
    if future is not None:
        future.result()
    return path


def _make(work: Work, batch: list, path: Path) -> None:
    partial = path.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    work(batch, partial)
    partial.rename(path)


_work: Work | None = None


def _begin(work: Work) -> None:
    global _work
    # The processes are the parallelism; set before the work loads libraries with own threads.
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    # The caller's script may have loaded one: a worker imports it before it comes here.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    _work = work


def _work_on(batch: list, path: Path) -> None:
    assert _work is not None
    _make(_work, batch, path)
