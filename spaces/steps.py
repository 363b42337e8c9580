"""Steps of a long computation that are done once: skipped when nothing they read has changed,
resumed when cut short.

A step has a folder. Its fingerprint is a hash of its settings, of the content of the files it reads
and of the fingerprints of the steps before it. `started.json` says which fingerprint the folder's
content belongs to, `done.json` that it is complete. A folder of another fingerprint is emptied
before work begins; `shards` in it, what the work left half-way, goes when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

_console = Console(stderr=True)


class Step:
    """One step, in `folder`; `settings` is anything JSON can hold.

    The second call does nothing as long as n, a.txt and the steps before stay as they are:

    >>> count = Step(Path("runs/count"), {"n": 3}, files=[Path("a.txt")], after=[])
    >>> count.run(lambda folder: …)
    True
    >>> count.run(lambda folder: …)
    False
    """

    def __init__(
        self,
        folder: Path,
        settings: dict,
        *,
        files: Sequence[Path] = (),
        after: Sequence[Step] = (),
    ):
        self.folder, self.name = Path(folder), Path(folder).name
        described = {
            "settings": settings,
            "files": [_digest(path) for path in files],
            "after": [step.fingerprint for step in after],
        }
        text = json.dumps(described, sort_keys=True, ensure_ascii=False, default=str)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()

    @property
    def done(self) -> bool:
        return self._mark("done.json") == self.fingerprint

    def run(self, work: Callable[[Path], None]) -> bool:
        """Do `work(folder)` unless it is done already; whether it was done now."""
        if self.done:
            _console.print(f"{self.name}: nothing changed, skipped", highlight=False)
            return False
        if self._mark("started.json") != self.fingerprint and self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write("started.json")
        _console.print(f"{self.name}: started", highlight=False)
        work(self.folder)
        self._write("done.json")
        shutil.rmtree(self.folder / "shards", ignore_errors=True)
        _console.print(f"{self.name}: done", highlight=False)
        return True

    def _mark(self, name: str) -> str | None:
        try:
            return json.loads((self.folder / name).read_text())["fingerprint"]
        except (FileNotFoundError, json.JSONDecodeError, KeyError):
            return None

    def _write(self, name: str) -> None:
        temporary = self.folder / f".{name}"
        temporary.write_text(json.dumps({"fingerprint": self.fingerprint}))
        temporary.replace(self.folder / name)


def _digest(path: Path) -> str:
    if not path.is_file():
        return "absent"
    digest = hashlib.sha256()  # hashlib.file_digest does the same from Python 3.11 on
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
