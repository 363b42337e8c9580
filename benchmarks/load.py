"""The service under load: many clients on loopback, with short, long and broken bodies mixed.

    python benchmarks/load.py [--seconds 60] [--clients 64] [--model DIR] [--workers N]

starts `spaces serve` on a free port, sends it requests until the time is over, stops it, and prints
one JSON object:

- requests: for each kind of request, how many answers of which status ("left": the client went
  away, as that kind does; "no answer": the connection broke, which must not be);
- unexpected: answers of a status that is not specified for their kind, the first ten of them;
- checked, wrong_pairings: summaries compared with the judgment that was sent for them. Each
  judgment has a marker of its own, a number that is its id and stands in all of its clauses; what
  comes back must have this id, its copied spans must stand in this judgment, and its clauses must
  end where this judgment ends. with_marker: how many of the summaries copied the marker itself;
- seconds: median and 95th percentile of the answers 200, by kind;
- memory_mb: resident memory of the server when it is ready, after one request of each kind (start),
  in the middle, at the end, and at most;
- stopped: the server's exit code after Ctrl+C, and what it wrote to standard error.

With --url a server that is running is measured, and nothing is known of its memory.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

JSON = "application/json"
BYTES = "application/octet-stream"
LONG = 60_000  # characters

# How often a kind is sent, and the statuses it may be answered with besides 429, 504 (too much is
# asked of the server at once).
KINDS = {
    "short": (60, {200}),
    "long": (4, {200}),
    "list": (6, {200}),
    "document": (6, {200}),
    "leaves": (6, set()),
    "broken json": (6, {400}),
    "wrong field": (6, {422}),
    "too long": (3, {413}),
    "wrong type": (3, {415}),
}


def judgment(marker: int, characters: int) -> str:
    """An invented judgment of about so many characters, every clause of which has the marker."""
    clauses = [
        f"原告第{marker}号公司与被告民间借贷纠纷一案，本院立案后公开开庭进行了审理。",
        f"原告向本院提出诉讼请求：判令被告归还借款本金{marker}元及利息。",
        f"经审理查明：被告向原告出具借条一份，载明借款{marker}元。",
        f"本院认为：被告应当按照约定归还原告借款{marker}元。",
        f"判决如下：一、被告于本判决生效之日起十日内归还原告借款{marker}元。",
    ]
    filling = f"双方当事人就第{marker}号借条的经过各自作了陈述。"
    more = max(characters - sum(map(len, clauses)), 0) // len(filling)
    return "\n".join([*clauses[:3], *[filling] * more, *clauses[3:]])


class Load:
    """Clients, and what they saw."""

    def __init__(self, url: str, seconds: float) -> None:
        self.address, self.end = urlsplit(url).netloc, time.monotonic() + seconds
        self.markers = count(10_000)
        self.lock = threading.Lock()
        self.statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self.durations: dict[str, list[float]] = defaultdict(list)
        self.unexpected: list[str] = []
        self.checked = self.wrong = self.marked = 0

    def client(self, seed: int) -> None:
        """Sends requests of all kinds, one after the other, until the time is over."""
        dice = random.Random(seed)
        kinds, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
        while time.monotonic() < self.end:
            self.send(dice.choices(kinds, weights)[0], dice)

    def send(self, kind: str, dice: random.Random) -> None:
        """One request, and what there is to say about its answer."""
        with self.lock:
            markers = [next(self.markers) for _ in range(3 if kind == "list" else 1)]
        size = LONG if kind == "long" else dice.randrange(200, 2000)
        texts = [judgment(marker, size) for marker in markers]
        path, media, body = self.request(kind, markers, texts)
        begin = time.monotonic()
        connection = HTTPConnection(self.address, timeout=300)
        try:
            connection.request("POST", path, body, {"Content-Type": media})
            if kind == "leaves":
                time.sleep(dice.random() / 5)
                self.statuses[kind]["left"] += 1
                return
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, HTTPException) as error:
            with self.lock:
                self.statuses[kind]["no answer"] += 1
                self.unexpected.append(f"{kind}: {error!r}")
            return
        finally:
            connection.close()
        self.note(kind, answer.status, data, markers, texts, time.monotonic() - begin)
        if answer.status == 429:
            left = max(self.end - time.monotonic(), 0)
            time.sleep(min(int(answer.headers["Retry-After"]), left))

    def request(self, kind: str, markers: list[int], texts: list[str]) -> tuple[str, str, bytes]:
        """Path, media type and body."""
        asked: list[Any] = [
            {"id": marker, "text": text} for marker, text in zip(markers, texts, strict=True)
        ]
        path, media, value = "/v1/summaries", JSON, asked if kind == "list" else asked[0]
        if kind == "wrong field":
            value = {"id": markers[0], "text": [texts[0]]}
        elif kind == "too long":
            value = {"text": texts[0] * (200_000 // len(texts[0]) + 1)}
        elif kind == "wrong type":
            media = "text/plain"
        elif kind == "document":
            return "/v1/reports", BYTES, texts[0].encode("gb18030")
        body = json.dumps(value).encode()
        return path, media, body[: len(body) // 2] if kind == "broken json" else body

    def note(
        self,
        kind: str,
        status: int,
        data: bytes,
        markers: list[int],
        texts: list[str],
        seconds: float,
    ) -> None:
        records: list[dict[str, Any]] = []
        if status == 200 and kind == "document":
            last = json.loads(data.splitlines()[-1])
            status = last.get("status", 200)
            if "record" in last:  # a document has a name, and no id
                records = [last["record"] | {"id": markers[0]}]
        elif status == 200:
            value = json.loads(data)
            records = value if kind == "list" else [value]
        with self.lock:
            self.statuses[kind][str(status)] += 1
            if status not in KINDS[kind][1] | {429, 504}:
                self.unexpected.append(f"{kind}: {status} {data[:200].decode(errors='replace')}")
            if not records:
                return
            self.durations[kind].append(seconds)
            self.checked += len(records)
            self.wrong += abs(len(records) - len(texts))
            for record, marker, text in zip(records, markers, texts, strict=False):
                self.wrong += not belongs(record, marker, text)
                self.marked += str(marker) in record["summary"]


def belongs(record: dict[str, Any], marker: int, text: str) -> bool:
    """Whether a record is that of this judgment."""
    copied = [span for span in record["spans"] if span["kind"] == "copied"]
    ends = [clause["end"] for clause in record["clauses"]]
    return (
        record["id"] == marker
        and all(
            text[span["source_start"] : span["source_end"]]
            == record["summary"][span["start"] : span["end"]]
            for span in copied
        )
        and (not ends or max(ends) == len(text))
    )


@contextmanager
def server(model: Path | None, workers: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`spaces serve` on a free port: its address, and its process."""
    command = [sys.executable, "-m", "spaces", "serve", "--port", "0", "--workers", str(workers)]
    command += ["--model", str(model)] if model else []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            ready = process.stderr.readline()
            if "http://" not in ready:
                sys.exit(ready + process.stderr.read())
            yield ready.split()[1].rstrip("/"), process
        finally:
            process.kill()


def memory_mb(process: subprocess.Popen[str] | None) -> float | None:
    """Resident memory, where the system tells it (Linux)."""
    status = Path(f"/proc/{process.pid}/status") if process else Path()
    if not process or not status.exists():
        return None
    rss = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return round(int(rss.split()[1]) / 1024, 1)


def measure(
    url: str, process: subprocess.Popen[str] | None, seconds: float, clients: int
) -> dict[str, Any]:
    memory = {"ready": memory_mb(process)}
    first = Load(url, seconds=0)
    for kind in KINDS:
        first.send(kind, random.Random(0))
    memory["start"] = memory_mb(process)
    load = Load(url, seconds)
    begin = time.monotonic()
    threads = [threading.Thread(target=load.client, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        if (used := memory_mb(process)) is not None:
            seen.append(used)
            if "middle" not in memory and time.monotonic() - begin > seconds / 2:
                memory["middle"] = used
        time.sleep(min(0.5, seconds / 10))
    memory |= {"end": memory_mb(process), "most": max(seen, default=None)}
    return {
        "clients": clients,
        "duration_s": round(time.monotonic() - begin, 1),
        "requests": {kind: dict(load.statuses[kind]) for kind in KINDS},
        "unexpected": load.unexpected[:10],
        "checked": load.checked,
        "wrong_pairings": load.wrong,
        "with_marker": load.marked,
        "seconds": {
            kind: {"median": round(median(times), 2), "p95": round(quantiles(times, n=20)[-1], 2)}
            for kind, times in load.durations.items()
            if len(times) > 1
        },
        "memory_mb": memory,
    }


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--url", help="a server that is running")
    options = parser.parse_args(arguments)
    if options.url:
        result = measure(options.url, None, options.seconds, options.clients)
    else:
        with server(options.model, options.workers) as (url, process):
            result = measure(url, process, options.seconds, options.clients)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        result["stopped"] = {"exit_code": process.returncode, "errors": errors.splitlines()}
    print(json.dumps(result, ensure_ascii=False, indent=1))
    return result


if __name__ == "__main__":
    main()
