"""What a finished run knows of itself, for the model card: read from the folders of its steps."""

from __future__ import annotations

import dataclasses
import json
import lzma
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spaces.card import TrainingRun
from spaces.pipeline.data import DataFiles
from spaces.recipe import Recipe

if TYPE_CHECKING:
    from spaces.summarizer import Summarizer

__all__ = ["figures_of"]

# Told apart from the settings, without effect on the model, or places on the machine of the run,
# which are nobody's business.
_UNTOLD = {
    *("work_folder", "model_folder", "seed", "license", "workers"),
    *("data.folder", "data.corpus_folder", "data.judgments", "data.extracts", "data.summaries"),
    *("data.corpus", "weak.corpus"),
}


def figures_of(plan: DataFiles, summarizer: Summarizer) -> TrainingRun:
    """The card's figures for the model that `plan` has trained."""
    recipe, data = plan.recipe, plan.recipe.data
    paths = {
        "judgments": data.paths(data.judgments),
        "extracts": data.paths(data.extracts),
        "summaries": data.paths(data.summaries),
        "corpus": data.corpus_paths(data.corpus),
        "weak targets": data.corpus_paths(recipe.weak.corpus),
    }
    counts = {}
    for kind, (_, held_out) in (("judgments", plan.judgments()), ("extracts", plan.extracts())):
        counts[f"{kind} learned from"] = held_out.count(False)
        counts[f"{kind} held out"] = held_out.count(True)
    return TrainingRun(
        seed=recipe.seed,
        licence=recipe.license,
        settings=dict(_changed(dataclasses.asdict(recipe), dataclasses.asdict(Recipe()))),
        files={
            kind: [(path.name, _count_lines(path)) for path in files]
            for kind, files in paths.items()
        },
        counts=counts,
        scores=_scores(plan.folder / "generator" / "checkpoints"),
        seconds=_seconds(plan),
        parameters={
            name: sum(p.numel() for p in getattr(summarizer.parts, name).parameters())
            for name in ("encoder", "labeller", "generator")
        },
    )


def _changed(values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str = ""):
    """(dotted key, value) of every setting that differs; of a path only its name."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _changed(value, defaults[name], f"{key}.")
        elif value != defaults[name] and key not in _UNTOLD:
            yield key, Path(value).name if isinstance(value, str) else value


def _count_lines(path: Path) -> int:
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rb") as lines:
        return sum(1 for line in lines if line.strip())


def _scores(checkpoints: Path) -> list[dict[str, float]]:
    """A row per evaluation of the generator: step, epoch, and its scores."""
    from spaces.training import last_checkpoint

    last = last_checkpoint(checkpoints)
    if last is None:
        return []
    state = json.loads(Path(last, "trainer_state.json").read_text(encoding="utf-8"))
    return [
        {"step": entry["step"], "epoch": entry["epoch"]}
        | {
            name.removeprefix("eval_"): entry[name]
            for name in sorted(entry, key=_last_characters)
            if name.startswith("eval_")
        }
        for entry in state["log_history"]
        if "eval_weighted" in entry
    ]


def _last_characters(name: str) -> tuple[bool, str]:
    return name == "eval_characters", name


def _seconds(plan: DataFiles) -> dict[str, float]:
    """From the last start of each step that is done to its end, in the order of their ends."""

    def ends() -> Iterator[tuple[float, str, float]]:
        for step in plan.made.values():
            started, done = step.folder / "started.json", step.folder / "done.json"
            if step.done:
                end = done.stat().st_mtime
                yield end, step.name, end - started.stat().st_mtime

    return {name: seconds for _, name, seconds in sorted(ends())}
