"""The whole of `spaces train` on the samples, at toy size: every step, skipping, export."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from spaces.errors import ConfigError, InputError
from spaces.extract.store import VectorStore
from spaces.pipeline import run
from spaces.recipe import load_recipe
from spaces.summarizer import Summarizer

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "data" / "samples"


@pytest.fixture(scope="module")
def trained(training_config: Path) -> Path:
    """A work folder after `all` on a config file beside it."""
    run("all", training_config)
    return training_config.parent


def test_all_makes_a_model_that_summarizes(trained: Path) -> None:
    summarizer = Summarizer.from_pretrained(trained / "work" / "model-out")
    judgment = (SAMPLES / "loan.txt").read_text("utf-8")
    summary = summarizer.summarize(judgment)
    assert any(clause.kept for clause in summary.clauses)
    for span in summary.spans:
        if span.kind == "copied":
            assert (
                judgment[span.source_start : span.source_end] == summary.text[span.start : span.end]
            )


def test_a_second_run_skips_every_step(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _times(trained)
    run("all", trained / "config.yaml")
    assert _times(trained) == before
    assert "started" not in capsys.readouterr().err


def test_worker_processes_change_nothing(trained: Path, tmp_path: Path) -> None:
    """Workers are spawned; the texts are cut, counted, labelled and encoded as in one process."""
    run("generate", trained / "config.yaml", [f"work_folder={tmp_path}/work", "workers=2"])
    files = ["vocabulary/tokenizer.json", "tokens/tokens.bin", "tokens/clauses.npy"]
    files += ["tokens/documents.npy", "vectors/index.jsonl", "vectors/vectors.f16"]
    for name in [*files, "pairs/pairs.jsonl", "weak/pairs.jsonl"]:
        alone, together = (folder / "work" / name for folder in (trained, tmp_path))
        assert alone.read_bytes() == together.read_bytes(), name
    assert not list(tmp_path.glob("work/*/shards"))


def test_a_changed_setting_redoes_its_step_and_those_after(trained: Path) -> None:
    before = _times(trained)
    run("generate", trained / "config.yaml", ["generate.replacement=0.3"])
    after = _times(trained)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"adapt", "generator", "model"}


def test_the_kept_labeller_learns_from_judgments_nobody_labelled(
    trained: Path, tmp_path: Path
) -> None:
    """The labellers of the folds, which teach it, are the same without them; it is not."""
    shutil.copytree(trained / "work", tmp_path / "work")
    settings = [f"work_folder={tmp_path}/work", "extract.unlabelled=0"]
    run("extract", trained / "config.yaml", settings)
    assert len(VectorStore(trained / "work" / "unlabelled")) == 3

    def weights(work: Path, name: str) -> bytes:
        return (work / "work" / "labellers" / name / "model.safetensors").read_bytes()

    assert weights(trained, "folds/1") == weights(tmp_path, "folds/1")
    assert weights(trained, "refit") != weights(tmp_path, "refit")


def test_judgments_of_the_training_files_are_not_among_the_unlabelled(
    trained: Path, tmp_path: Path
) -> None:
    """Else the labeller would learn from judgments that are held out. The corpus has ten: the five
    of the training file, and five others."""
    shutil.copytree(trained / "work", tmp_path / "work")
    settings = [f"work_folder={tmp_path}/work", "extract.unlabelled=10"]
    run("extract", trained / "config.yaml", settings)
    assert len(VectorStore(tmp_path / "work" / "unlabelled")) == 5


def test_clauses_that_the_summary_does_not_support_are_not_learned(
    trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained / "work", tmp_path / "work")
    run(
        "extract",
        trained / "config.yaml",
        [f"work_folder={tmp_path}/work", "extract.support=0.9"],
    )

    def learned(folder: Path) -> int:
        return sum(int(each.labels.sum()) for each in VectorStore(folder / "work" / "vectors"))

    assert 0 < learned(tmp_path) < learned(trained)


def test_the_card_has_the_figures_of_the_run(trained: Path) -> None:
    work = trained / "work"
    card = (work / "model-out" / "README.md").read_text("utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    assert head["license"] == "apache-2.0" and head["library_name"] == "spaces-summarizer"
    assert (head["language"], head["pipeline_tag"]) == ("zh", "summarization")
    assert "Seed 7." in card
    for row in (
        "| `pretrain.vocab_size` | `900` |",
        "| `words.base` | `words.txt` |",
        "| judgments | judgments.jsonl | 5 |",
        "| corpus | corpus.jsonl | 10 |",
        "| judgments learned from | 4 |",
        "| extracts held out | 1 |",
        f"| torch | {torch.__version__} |",
    ):
        assert row in card
    assert "pretrain.dropout" not in card, "a default is not told"
    (folder,) = (work / "generator" / "checkpoints").glob("checkpoint-*")
    log = json.loads((folder / "trainer_state.json").read_text("utf-8"))["log_history"]
    evaluated = [entry for entry in log if "eval_weighted" in entry]
    assert evaluated
    assert "| step | epoch | weighted | weighted_extracts | weighted_judgments | char" in card
    for entry in evaluated:
        names = ("weighted", "weighted_extracts", "weighted_judgments")
        scores = (entry[f"eval_{name}"] for name in names)
        row = " | ".join(f"{score:.4f}" if score else "0" for score in scores)
        assert re.search(rf"\| {entry['step']} \| [\d.]+ \| {re.escape(row)} \|", card)
    for step in ("pretrain", "labellers", "generator"):
        assert re.search(rf"\| {step} \| \d+ \|", card)
    assert str(trained) not in card and "原告" not in card, "neither places nor text"
    assert Summarizer.from_pretrained(work / "model-out").card == card


def test_special_words_start_as_the_mean_of_their_pieces(trained: Path) -> None:
    from spaces.generate.model import Generator
    from spaces.generate.tokenizer import load_tokenizer

    work = trained / "work"
    old = Generator.from_pretrained(work / "pretrain" / "model")
    new = Generator.from_pretrained(work / "start" / "generator")
    tokenizer = load_tokenizer(work / "start")
    (word,) = tokenizer("民间借贷纠纷", add_special_tokens=False)["input_ids"]
    pieces = load_tokenizer(work / "vocabulary")("民间借贷纠纷", add_special_tokens=False)
    mean = old.backbone.words.weight[pieces["input_ids"]].mean(0)
    assert len(pieces["input_ids"]) > 1
    assert (new.backbone.words.weight[word] - mean).abs().max() < 1e-6


def test_held_out_targets_are_never_trained_on(trained: Path) -> None:
    pairs = (trained / "work" / "pairs" / "pairs.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in pairs.splitlines()]
    held = [row for row in rows if row["held_out"]]
    assert {row["kind"] for row in held} == {"judgment", "extract"}
    assert len({(row["kind"], row["id"]) for row in held}) == 2


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["generate.epoch=3"], "generate.epoch: no such setting"),
        (["seed=many"], "seed: expected a number"),
        (["generate"], "expected key=value"),
        (["data.corpus=x"], "data.corpus: expected a list"),
        (["data.folder=/nowhere"], "no such file"),
        (["seed.x=1"], "seed is a value"),
    ],
)
def test_wrong_settings_are_named(trained: Path, overrides: list[str], expected: str) -> None:
    with pytest.raises((ConfigError, InputError), match=expected):
        run("all", trained / "config.yaml", overrides)


def test_a_step_that_is_no_step_is_named(trained: Path) -> None:
    with pytest.raises(ConfigError, match="no such training step: fly"):
        run("fly", trained / "config.yaml")


def test_the_default_recipe_can_be_read() -> None:
    recipe = load_recipe(ROOT / "configs" / "default.yaml", ["pretrain.learning_rate=1e-4"])
    assert recipe.pretrain.learning_rate == 1e-4
    assert recipe.seed == 42


def _times(trained: Path) -> dict[str, int]:
    return {p.parent.name: p.stat().st_mtime_ns for p in (trained / "work").glob("*/done.json")}
