"""Documents from anywhere are read in a process of their own, with limits on its time and memory.

A document can be made to crash its reader, or to keep it busy for hours; here that ends the reading
process and nothing else. What a reader leaks is given back too, each time. The process is
`spaces.service.child`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from spaces.documents import Document
from spaces.errors import InputError
from spaces.service.bodies import RequestError
from spaces.service.settings import ServiceSettings

__all__ = ["read_apart"]

_PACKAGES = str(Path(__file__).parents[2])  # where this package is, installed or not


async def read_apart(data: bytes, name: str, settings: ServiceSettings) -> Document:
    """The document in `data`, as `spaces.documents.read_bytes` gives it, as_is included.

    Raises InputError: all that `read_bytes` refuses, and what takes more time or memory than the
    settings allow; RequestError (413) for a text of more than `max_characters`. When this task is
    cancelled the process is ended.
    """
    path = os.pathsep.join(filter(None, [_PACKAGES, os.environ.get("PYTHONPATH")]))
    limits = (settings.max_characters, settings.reading_s, settings.reading_bytes)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spaces.service.child", name, *map(str, limits)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # it may quote the document
        env=os.environ | {"PYTHONPATH": path},
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(data), settings.reading_s)
    except asyncio.TimeoutError:
        raise InputError(
            f"{name}: reading it took more than {settings.reading_s:g} seconds; save it again, or "
            "paste its text"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        answer = json.loads(output)
    except ValueError:  # it was ended, or ended itself, before it could say anything
        raise InputError(
            f"{name}: its reader broke down; save it again, or paste its text"
        ) from None
    if "error" in answer:
        raise InputError(answer["error"])
    if "length" in answer:
        raise RequestError(
            413,
            f"{name}: expected at most {settings.max_characters:,} characters of text, got "
            f"{answer['length']:,}; cut out the judgment",
        )
    return Document(**answer | {"warnings": tuple(answer["warnings"])})
