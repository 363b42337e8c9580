"""Every benchmark that needs no private data: one table, and a JSON file.

    python benchmarks/run_all.py --output benchmarks.json
    python benchmarks/run_all.py --only oracle chain        # some of them
    python benchmarks/run_all.py --only oracle --with oracle="--judgments 2"

Each script runs in a process of its own, one after the other, with its own fixed inputs; `--with`
gives a script other arguments. The exit status is 1 where a script is missing or fails (they fail
where tokens or labels differ), with the others' figures in the table still.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from spaces.files import atomic_write

FOLDER = Path(__file__).parent
SCRIPTS = ("decode", "gpt2", "batching", "precision", "oracle", "chain", "preparing")
VERSIONS = ("numpy", "rapidfuzz", "rouge", "tokenizers", "torch", "transformers")


def run_script(name: str, arguments: list[str]) -> dict[str, Any]:
    """What the script prints with `--json`, its seconds, and `error`, None when all went well."""
    path = FOLDER / f"{name}.py"
    if not path.is_file():
        return {"error": f"no such script: {path.name}", "results": []}
    start = time.perf_counter()
    command = [sys.executable, str(path), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    seconds = time.perf_counter() - start
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        return {
            "error": f"exit status {done.returncode}: {last}",
            "results": [],
            "seconds": seconds,
        }
    printed = json.loads(done.stdout.strip().splitlines()[-1])
    if isinstance(printed, list):
        printed = {"results": printed}
    return {"error": None, "seconds": seconds, **printed}


def machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
    }


def figures(row: dict[str, Any], prefix: str = "") -> list[str]:
    """`name value` for each number and text in a row, those in rows inside it too."""
    found = []
    for name, value in row.items():
        if isinstance(value, dict):
            found += figures(value, f"{prefix}{name}.")
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            found.append(f"{prefix}{name} {shown}")
    return found


def table(found: dict[str, dict[str, Any]]) -> str:
    lines = ["| benchmark | figures |", "|---|---|"]
    for name, result in found.items():
        rows = [f"failed: {result['error']}"] if result["error"] else []
        rows += [", ".join(figures(row)) for row in result["results"]]
        lines += [f"| {name} | {row} |" for row in rows]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description="All benchmarks that need no private data.")
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    parser.add_argument(
        "--with",
        dest="given",
        action="append",
        default=[],
        metavar='NAME="ARGUMENTS"',
        help="arguments for one script",
    )
    parser.add_argument("--output", help="a JSON file to write")
    asked = parser.parse_args(arguments)
    given = dict(each.split("=", 1) if "=" in each else (each, "") for each in asked.given)
    if unknown := given.keys() - set(SCRIPTS):
        parser.error(f"--with: no such script: {', '.join(sorted(unknown))}")

    report: dict[str, Any] = {"machine": machine(), "benchmarks": {}}
    for name in asked.only:
        print(f"{name} …", file=sys.stderr, flush=True)
        report["benchmarks"][name] = run_script(name, shlex.split(given.get(name, "")))
    print(table(report["benchmarks"]))
    if asked.output:
        with atomic_write(asked.output) as file:
            json.dump(report, file, ensure_ascii=False, indent=1)
            file.write("\n")
    return report


if __name__ == "__main__":
    failed = [name for name, found in main()["benchmarks"].items() if found["error"]]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
