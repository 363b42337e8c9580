"""Work in shards: killed, it goes on behind the last whole shard; workers change nothing."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spaces.errors import ConfigError
from spaces.shards import in_shards

# Work that says in a log what it did; it stops for good at record 25.
SCRIPT = """
import sys, time
from pathlib import Path
from spaces.shards import in_shards

def work(records, folder):
    (folder / "out.txt").write_text(str(records[:1]))
    if 25 in records:
        time.sleep(600)
    (folder / "out.txt").write_text(str(records))

if __name__ == "__main__":
    for shard in in_shards(Path(sys.argv[1]), range(40), work, size=10):
        pass
"""


THREADS = """
{first}
import sys
from pathlib import Path
from shard_works import Threads
from spaces.shards import in_shards

if __name__ == "__main__":
    list(in_shards(Path(sys.argv[1]), range(2), Threads(), workers=2, size=1))
"""

# In a module of its own, since a spawned process has to import what it is given.
WORKS = '''
import os
from pathlib import Path

from spaces.errors import ConfigError


class Adding:
    """Writes the sum of its records, and beside the shards which records it was given."""

    def __init__(self, log: Path):
        self.log = log

    def __call__(self, records: list, folder: Path) -> None:
        (self.log / f"{records[0]}").write_text(str(os.getpid()))
        (folder / "out.txt").write_text(str(records))


class Threads:
    """Writes with how many threads of its own the library computes."""

    def __call__(self, records: list, folder: Path) -> None:
        import torch

        (folder / "out.txt").write_text(str(torch.get_num_threads()))


class Failing:
    def __call__(self, records: list, folder: Path) -> None:
        raise ConfigError("no such thing")


class Dying:
    def __call__(self, records: list, folder: Path) -> None:
        os._exit(3)
'''


@pytest.fixture
def works(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("works")
    (folder / "shard_works.py").write_text(WORKS, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "shard_works", raising=False)
    return importlib.import_module("shard_works")


def test_a_killed_run_goes_on_behind_its_last_whole_shard(works, tmp_path: Path) -> None:
    shards, log = tmp_path / "shards", tmp_path / "log"
    log.mkdir()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(shards)])
    while not (shards / "000002.partial" / "out.txt").exists():  # the shard that never ends
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    before = {path.name: path.stat().st_mtime_ns for path in shards.glob("00000[01]")}
    assert len(before) == 2

    done = list(in_shards(shards, range(40), works.Adding(log), size=10))
    assert {path.name for path in log.iterdir()} == {"20", "30"}
    assert {path.name: path.stat().st_mtime_ns for path in shards.glob("00000[01]")} == before
    assert [_read(path) for path in done] == [str(list(range(n, n + 10))) for n in (0, 10, 20, 30)]
    assert not list(shards.glob("*.partial"))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same(works, tmp_path: Path, workers: int) -> None:
    shards, log = tmp_path / "shards", tmp_path / "log"
    log.mkdir()
    done = list(in_shards(shards, iter(range(95)), works.Adding(log), workers=workers, size=10))
    assert [path.name for path in done] == [f"{n:06}" for n in range(10)]
    assert [_read(path) for path in done][-1] == str([90, 91, 92, 93, 94])
    assert (str(os.getpid()) in {_read(log, p.name) for p in log.iterdir()}) == (workers == 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_comes_through(works, tmp_path: Path, workers: int) -> None:
    with pytest.raises(ConfigError, match="no such thing"):
        list(in_shards(tmp_path, range(5), works.Failing(), workers=workers, size=2))
    assert not list(tmp_path.glob("00000?"))


def test_a_dead_worker_is_said_in_one_line(works, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a worker process ended before its work"):
        list(in_shards(tmp_path, range(5), works.Dying(), workers=2, size=2))


@pytest.mark.parametrize("loaded", [False, True])
def test_workers_have_one_thread_each(tmp_path: Path, loaded: bool) -> None:
    """Whether or not the script, which a worker imports before anything else, loads the library."""
    (tmp_path / "shard_works.py").write_text(WORKS, encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(THREADS.format(first="import torch" if loaded else ""), encoding="utf-8")
    subprocess.run([sys.executable, script, tmp_path / "shards"], check=True)
    assert [_read(path) for path in tmp_path.glob("shards/*")] == ["1", "1"]


def test_fewer_than_one_worker_is_refused(works, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="workers: expected at least 1, got 0"):
        list(in_shards(tmp_path, [], works.Failing(), workers=0))


def test_who_stops_reading_stops_the_work(works, tmp_path: Path) -> None:
    shards, log = tmp_path / "shards", tmp_path / "log"
    log.mkdir()
    stream = in_shards(shards, range(1000), works.Adding(log), workers=2, size=10)
    next(stream)
    stream.close()
    assert len(list(log.iterdir())) < 10


def _read(folder: Path, name: str = "out.txt") -> str:
    return (folder / name).read_text()
