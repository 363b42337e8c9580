"""A process that reads one document: bytes on standard input, a `Document` or an error as JSON on
standard output.

`python -m spaces.service.child NAME CHARACTERS SECONDS BYTES`; see `spaces.service.apart`.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from typing import Any

from spaces.documents import read_bytes
from spaces.errors import InputError


def main(name: str, characters: int, seconds: float, memory: int) -> None:
    _limit(seconds, memory)
    data = sys.stdin.buffer.read()
    answer: dict[str, Any]
    try:
        document = read_bytes(data, name)
    except InputError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"{name}: reading it takes too much memory; paste its text"}
    else:
        length = len(document.text)
        answer = asdict(document) if length <= characters else {"length": length}
    sys.stdout.write(json.dumps(answer))  # ASCII, so that any encoding of standard output will do


def _limit(seconds: float, memory: int) -> None:
    """Limits the system holds, where it has them; the parent ends a process that takes too long
    everywhere.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: math.ceil(seconds),
        resource.RLIMIT_FSIZE: 0,  # nothing is written
        resource.RLIMIT_CORE: 0,  # nor left behind by a crash
    }
    for limit, value in wanted.items():
        _, most = resource.getrlimit(limit)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
