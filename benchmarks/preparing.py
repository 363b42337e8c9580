"""What preparing a training takes: peak memory of each step by the number of judgments, and what a
killed run does again.

    python benchmarks/preparing.py                        # 1,000 and 10,000 judgments
    python benchmarks/preparing.py --judgments 200 400    # fewer, when the machine is busy

The judgments (made from data/samples by a seed, 2,700 characters) are the training files and the
corpus at once. Each step runs in a process of its own, whose peak resident memory is told, and how
much of it was its own at most: pages of mapped files are resident too, but the system takes them
back when it needs room. The models are tiny, since what is measured is the corpus's share: their
weights and activations come on top and do not depend on its size. Peak memory is `ru_maxrss` where
there is one, on Windows psutil's `peak_wset`; its own is looked at twenty times a second (psutil's
`rss` less `shared`, which only Linux tells).

The kill: the step `vectors` on the smallest number is killed when half of its shards are whole, and
started again. `lost` are the seconds since its last whole shard, which are done again; `longest` is
the longest that any shard took, the most that any kill costs; `kept` counts the shards that the
second run left alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))
from judgments import make_judgments  # noqa: E402

STEPS = ("vocabulary", "tokens", "pretrain", "words", "start", "vectors", "labellers")
STEPS += ("pairs", "weak")
MEASURED = ("vocabulary", "tokens", "vectors", "pairs", "weak")


def write_recipe(folder: Path, count: int, seed: int) -> Path:
    """Training files of `count` judgments in `folder`, and the recipe that reads them."""
    with (
        open(folder / "judgments.jsonl", "w", encoding="utf-8") as judgments,
        open(folder / "summaries.jsonl", "w", encoding="utf-8") as summaries,
        open(folder / "extracts.jsonl", "w", encoding="utf-8") as extracts,
        open(folder / "corpus.jsonl", "w", encoding="utf-8") as corpus,
    ):
        for number, record in enumerate(make_judgments(count, seed)):
            text, summary = record["text"], record["summary"]
            _line(judgments, record)
            _line(corpus, {"text": text})
            if number < 100:
                _line(summaries, {"id": record["id"], "summary": summary})
                extract = {"source": text[:300], "target": summary}
                _line(extracts, {"id": record["id"], **extract})
    (folder / "words.txt").write_text("诉讼请求\n民间借贷纠纷\n", encoding="utf-8")
    few = 2 / count  # passes over the corpus: some steps only, for nothing here is about training
    recipe = {
        "work_folder": str(folder / "work"),
        "model_folder": str(folder / "model"),
        "data": {
            "folder": str(folder),
            "corpus_folder": str(folder),
            "judgments": _files("judgments"),
        }
        | {"summaries": _files("summaries"), "extracts": _files("extracts")}
        | {"corpus": _files("corpus"), "held_out": 12},
        "words": {"base": str(folder / "words.txt"), "mined": 20},
        "pretrain": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        | {"intermediate_size": 64, "size": 96, "epochs": few, "save_steps": 1000},
        "extract": {"encoder_layers": 1, "hidden_size": 16, "folds": 2, "epochs": few},
        "weak": {"corpus": _files("corpus"), "documents": count},
    }
    config = folder / "recipe.yaml"
    config.write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
    return config


def _line(file, record: dict) -> None:
    file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _files(name: str) -> list[str]:
    return [f"{name}.jsonl"]


def do_step(config: str, name: str) -> None:
    """In a child process: one step, the steps before it being done; prints what it took."""
    from spaces.pipeline import Plan
    from spaces.recipe import load_recipe

    plan = Plan(load_recipe(config))
    start = time.perf_counter()
    with OwnMemory() as own:
        getattr(plan, name)()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak_memory(), "own": own.peak}))


class OwnMemory:
    """Inside, `peak` follows the most bytes of this process that are no mapped file's pages."""

    def __enter__(self) -> OwnMemory:
        self.peak = 0
        self._process = psutil.Process()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            memory = self._process.memory_info()
            self.peak = max(self.peak, memory.rss - getattr(memory, "shared", 0))
            if self._ended.wait(0.05):
                return


def peak_memory() -> int:
    """The most bytes of memory that this process has had."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def child(config: Path, name: str, **options) -> subprocess.Popen:
    command = [sys.executable, __file__, "--child", str(config), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def run_step(config: Path, name: str) -> dict:
    process = child(config, name, stderr=subprocess.DEVNULL)
    answer, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed: python {__file__} --child {config} {name}")
    return json.loads(answer.splitlines()[-1])


def kill_and_restart(config: Path, count: int) -> dict:
    """The step `vectors` killed half-way, and again from there."""
    shards = config.parent / "work" / "vectors" / "shards"
    wanted = max(1, count // 100 // 2)
    process = child(config, "vectors", stderr=subprocess.DEVNULL)
    while len(_times(shards)) < wanted:
        if process.poll() is not None:
            raise SystemExit("vectors ended before it could be killed: give more --judgments")
        time.sleep(0.01)
    time.sleep(0.2)  # into the next shard
    lost = time.time() - max(_times(shards).values())
    process.kill()
    process.wait()
    process.stdout.close()
    before = _times(shards)
    again = child(config, "vectors", stderr=subprocess.DEVNULL)
    started, seen = time.time(), dict(before)
    while again.poll() is None:
        seen |= _times(shards)
        time.sleep(0.01)
    again.stdout.close()
    if again.returncode:
        raise SystemExit("the second run of vectors failed")
    moments = sorted(moment for path, moment in seen.items() if path not in before)
    gaps = [b - a for a, b in zip(moments, moments[1:], strict=False)]
    return {
        "shards": len(seen),
        "kept": sum(seen[path] == moment for path, moment in before.items()),
        "lost": lost,
        "longest": max([*gaps, 0.0]),
        "first_new_shard": moments[0] - started if moments else 0.0,
        "second_run": time.time() - started,
    }


def _times(shards: Path) -> dict[str, float]:
    """The time at which each whole shard was finished."""
    found = {}
    for path in shards.glob("*[0-9]"):
        try:
            found[path.name] = (path / "index.jsonl").stat().st_mtime
        except FileNotFoundError:  # removed at the end of the step
            continue
    return found


def main(arguments: list[str] | None = None) -> list[dict]:
    parser = argparse.ArgumentParser(description="Memory and restart of the preparation.")
    parser.add_argument("--judgments", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, metavar=("CONFIG", "STEP"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.child:
        do_step(*asked.child)
        return []

    rows: list[dict] = []
    for count in sorted(asked.judgments):
        with tempfile.TemporaryDirectory(prefix="spaces-") as name:
            config = write_recipe(Path(name), count, asked.seed)
            for step in STEPS:
                if step == "vectors" and not rows_of(rows, "kill"):
                    rows.append({"step": "kill", "judgments": count})
                    rows[-1] |= kill_and_restart(config, count)
                    say(rows[-1], asked.json)
                    # what was finished is thrown away: the step is measured as a whole below
                    (config.parent / "work" / "vectors" / "done.json").unlink()
                took = run_step(config, step)
                if step in MEASURED:
                    rows.append({"step": step, "judgments": count, **took})
                    say(rows[-1], asked.json)
    if asked.json:
        settings = {"judgments": asked.judgments, "seed": asked.seed}
        print(json.dumps({"settings": settings, "results": rows}))
    return rows


def rows_of(rows: list[dict], step: str) -> list[dict]:
    return [row for row in rows if row["step"] == step]


def say(row: dict, quiet: bool) -> None:
    if quiet:
        return
    if row["step"] == "kill":
        print(
            f"kill: {row['kept']} of {row['shards']} shards kept, {row['lost']:.1f} s of work lost,"
            f" longest shard {row['longest']:.1f} s; the second run took {row['second_run']:.1f} s,"
            f" {row['first_new_shard']:.1f} s of it to its first new shard",
            flush=True,
        )
    else:
        print(
            f"{row['judgments']:6} judgments, {row['step']:10}: peak {row['peak'] / 1e6:5.0f} MB,"
            f" {row['own'] / 1e6:5.0f} of them its own, {row['seconds']:6.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
