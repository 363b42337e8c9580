"""The card of a model, README.md in its directory: what a run knows of itself, in the hub's form.

The head is the YAML that the Hugging Face hub reads; the body follows Mitchell et al. 2019, "Model
Cards for Model Reporting". Every figure is one that the run measured; of the data only the names of
files and counts appear, no text, and of folders nothing.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

__all__ = ["TrainingRun", "plain_card", "training_card"]

_PACKAGES = ("spaces-summarizer", "torch", "transformers", "tokenizers", "numpy")
_USE = """## Use

It writes a summary of a first-instance civil judgment in simplified Chinese, and tells of every
character whether it was copied and from where:

```python
from spaces import Summarizer

summary = Summarizer.from_pretrained("DIR or OWNER/NAME").summarize(judgment)
```

## Limits

A summary can leave out what decides a case, mix up the parties, or state an amount the judgment
does not. Read the judgment before acting on one. Not for deciding or advising on a case, for
assessing a person, or for publishing about named people. On other texts than the judgments it
learned from it still writes something that looks like a summary. The marked origin of a character
says where it was copied from, not that the sentence around it is true.
"""


@dataclass(frozen=True)
class TrainingRun:
    """What a card tells of a run.

    settings: those that differ from the defaults, by dotted key. files: for each kind of data its
    files, as (name, records). counts: how many records were learned from and held out. scores: a
    row per evaluation, by name of score. seconds: of each step that is done. parameters: of each
    part.
    """

    seed: int
    licence: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    scores: Sequence[Mapping[str, float]] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)


def plain_card() -> str:
    """The card of a model whose training is not known: what it is for, and its limits."""
    title = "# A model of spaces-summarizer\n\nWhat it was trained on is not recorded.\n"
    return "\n".join([_head(None), title, _USE])


def training_card(run: TrainingRun) -> str:
    """The card of a model that `spaces train` has just made."""
    parts = [
        _head(run.licence),
        "# A model of spaces-summarizer\n\nWritten by `spaces train` from its own run.\n",
        _USE,
        "## Training\n",
        _table(("part", "parameters"), [(k, f"{v:,}") for k, v in run.parameters.items()]),
        f"Seed {run.seed}. Settings that differ from the defaults:\n",
        _table(("setting", "value"), [(f"`{k}`", _value(v)) for k, v in run.settings.items()]),
        "Data, by name and number of records; the texts are not part of the model:\n",
        _table(
            ("data", "file", "records"),
            [(kind, name, f"{n:,}") for kind, files in run.files.items() for name, n in files],
        ),
        _table(("records", "number"), [(k, f"{v:,}") for k, v in run.counts.items()]),
        "## Held-out scores\n",
        _scores(run.scores),
        "## Time\n",
        "From the last start of a step to its end:\n",
        _table(("step", "seconds"), [(k, f"{v:.0f}") for k, v in run.seconds.items()]),
        "## Versions\n",
        _table(("package", "version"), _versions()),
    ]
    return "\n".join(parts)


def _head(licence: str | None) -> str:
    lines = ["language: zh", "library_name: spaces-summarizer", "pipeline_tag: summarization"]
    if licence is not None:
        lines.insert(1, f"license: {json.dumps(licence)}")
    tags = ("summarization", "chinese", "legal", "court-judgments", "copy-mechanism")
    return "\n".join(["---", *lines, "tags:", *(f"- {tag}" for tag in tags), "---", ""])


def _scores(rows: Sequence[Mapping[str, float]]) -> str:
    if not rows:
        return "None: nothing was held out, or the run was not evaluated.\n"
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = _table(names, [[_figure(row.get(name)) for name in names] for row in rows])
    best = max(rows, key=lambda row: row.get("weighted", 0))
    return (
        "Weighted ROUGE (0.2 R1 + 0.4 R2 + 0.4 RL, F1, over words) of held-out summaries, decoded "
        "greedily; `characters` is their mean length. They chose the state that was kept, the one "
        f"of step {_figure(best.get('step'))}, so they are no test scores:\n\n{table}"
    )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:g}" if float(value).is_integer() else f"{value:.4f}"


def _value(value: Any) -> str:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return "`" + ", ".join(str(item) for item in listed) + "`"


def _versions() -> list[tuple[str, str]]:
    found = [("Python", platform.python_version())]
    for package in _PACKAGES:
        try:
            found.append((package, version(package)))
        except ModuleNotFoundError:  # a checkout that was never installed
            found.append((package, "not installed"))
    return found


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "None.\n"
    lines = [head, ["---"] * len(head), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join("| " + " | ".join(line) + " |\n" for line in cells)
