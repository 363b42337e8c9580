"""Training the generator: pairs, replaced tokens, the moving average, resuming, the best model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from spaces.errors import ConfigError
from spaces.generate.copying import copy_labels
from spaces.generate.model import Generator, GeneratorConfig
from spaces.generate.tokenizer import CLS, SEP
from spaces.generate.training import (
    MovingAverage,
    Pair,
    PairExamples,
    Source,
    collate,
    replace_tokens,
    train_generator,
)
from spaces.training import last_checkpoint, training_arguments

VOCABULARY = 40


def source(*tokens: int) -> list[int]:
    return [CLS, *tokens, SEP]


# --- replaced tokens


def replaced(tokens: list[int], share: float, seed: int = 0) -> list[int]:
    return replace_tokens(tokens, share, np.random.default_rng(seed))


def test_a_share_of_the_tokens_is_replaced_by_others_of_the_same_source() -> None:
    tokens = source(*range(100, 4100))
    found = replaced(tokens, 0.15)
    assert len(found) == len(tokens)
    assert (found[0], found[-1]) == (CLS, SEP)
    assert set(found[1:-1]) <= set(tokens[1:-1])
    changed = sum(a != b for a, b in zip(found, tokens, strict=True))
    assert changed / 4000 == pytest.approx(0.15, abs=0.02)


def test_replacement_is_repeatable_and_none_changes_nothing() -> None:
    tokens = source(*range(100, 200))
    assert replaced(tokens, 0.5) == replaced(tokens, 0.5)
    assert replaced(tokens, 0.5) != replaced(tokens, 0.5, seed=1)
    assert replaced(tokens, 0.0) == tokens
    assert replaced(source(), 0.5) == source()
    assert replaced(source(7), 0.5) == source(7)


# --- examples

PREDICTED, ORACLE = source(10, 11, 12, 13), source(20, 11, 12, 21, 22)
TARGET = [11, 12, 30, 22]


def pair(sources: list[list[int]], target: list[int]) -> Pair:
    """Sources whose tokens count as section 2, 3, 2, 3, …"""
    return Pair([Source(ids, [2 + i % 2 for i in range(len(ids))]) for ids in sources], target)


def examples_of(pairs: list[Pair], **settings) -> PairExamples:
    return PairExamples(pairs, **({"replacement": 0.0, "max_tokens": 32, "seed": 0} | settings))


def test_an_example_by_hand() -> None:
    assert examples_of([pair([PREDICTED], TARGET)])[0] == {
        "input_ids": [*PREDICTED, CLS, *TARGET],
        "labels": [-100] * 6 + [*TARGET, SEP],
        "copy_labels": [-100] * 6 + [1, 2, 0, 0, 0],
        "segments": [2, 3, 2, 3, 2, 3, 0, 0, 0, 0, 0],
        "source_lengths": 6,
        "lengths": 11,
    }


def test_both_sources_are_drawn_over_the_epochs_with_equal_chance() -> None:
    examples = examples_of([pair([PREDICTED, ORACLE], TARGET)] * 10)
    drawn = []
    for epoch in range(20):
        examples.epoch = epoch
        for i in range(10):
            example = examples[i]
            used = example["input_ids"][: example["source_lengths"]]
            assert used in (PREDICTED, ORACLE)
            tags = example["copy_labels"][example["source_lengths"] :]
            assert tags == [*copy_labels(used, TARGET), 0]
            drawn.append(used == ORACLE)
    by_index = np.reshape(drawn, (20, 10))
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.12)
    assert (by_index.any(0) & ~by_index.all(0)).all()  # each pair has shown both
    assert (by_index.any(1) & ~by_index.all(1)).all()  # each epoch has shown both


def test_an_example_depends_on_seed_epoch_and_index_alone() -> None:
    pairs = [pair([source(*range(100, 130)), source(*range(200, 230))], TARGET)] * 3
    settings = {"replacement": 0.3, "max_tokens": 64}

    def draw(seed: int, epoch: int, order: list[int]) -> list[dict]:
        examples = examples_of(pairs, seed=seed, **settings)
        examples.epoch = epoch
        found = {i: examples[i] for i in order}
        return [found[i] for i in range(3)]

    expected = draw(0, 1, [0, 1, 2])
    assert draw(0, 1, [2, 0, 1]) == expected
    assert draw(0, 1, [1, 1, 0, 2]) == expected
    assert draw(0, 2, [0, 1, 2]) != expected
    assert draw(1, 1, [0, 1, 2]) != expected
    assert expected[0] != expected[1]


def test_copy_tags_are_those_of_the_clean_source() -> None:
    clean, target = source(*range(100, 130)), [*range(105, 115), 9, 120]
    example = examples_of([pair([clean], target)], replacement=0.9, max_tokens=64)[0]
    assert example["input_ids"][:32] != clean
    assert example["copy_labels"][32:] == [1, *[2] * 9, 0, 1, 0]


def test_a_long_target_is_cut_at_the_last_place() -> None:
    example = examples_of([pair([PREDICTED], list(range(50, 80)))], max_tokens=16)[0]
    assert example["lengths"] == 16
    assert example["input_ids"] == [*PREDICTED, CLS, *range(50, 59)]
    assert example["labels"] == [-100] * 6 + list(range(50, 60))
    assert len(example["copy_labels"]) == 16


def test_a_source_that_leaves_no_room_for_a_target_is_an_error() -> None:
    with pytest.raises(ConfigError, match="generate.max_tokens"):
        examples_of([pair([PREDICTED, ORACLE], TARGET)], max_tokens=len(ORACLE))
    assert len(examples_of([pair([PREDICTED, ORACLE], TARGET)], max_tokens=len(ORACLE) + 1)) == 1


@pytest.mark.parametrize("replacement", [-0.1, 1.0])
def test_an_impossible_share_is_named(replacement: float) -> None:
    with pytest.raises(ConfigError, match="generate.replacement"):
        examples_of([], replacement=replacement)


def test_a_batch_is_padded_to_a_multiple() -> None:
    examples = examples_of([pair([PREDICTED], TARGET), pair([ORACLE], TARGET)])
    batch = collate([examples[0], examples[1]], multiple=8)
    assert {tuple(batch[n].shape) for n in ("input_ids", "labels", "copy_labels", "segments")} == {
        (2, 16)
    }
    assert batch["source_lengths"].tolist() == [6, 7]
    assert batch["lengths"].tolist() == [11, 12]
    for name, fill in (("input_ids", 0), ("labels", -100), ("copy_labels", -100)):
        for row, length, i in ((batch[name][0], 11, 0), (batch[name][1], 12, 1)):
            assert row.tolist() == [*examples[i][name], *[fill] * (16 - length)]
    assert collate([examples[0]])["input_ids"].shape == (1, 64)


# --- the moving average


def begin(weight: float, decay: float) -> tuple[MovingAverage, torch.nn.Module, Callable]:
    model = torch.nn.Linear(1, 1, bias=False)
    average = MovingAverage(decay)

    def step(value: float) -> None:
        with torch.no_grad():
            model.weight.fill_(value)
        average.on_step_end(None, None, None, model=model)

    with torch.no_grad():
        model.weight.fill_(weight)
    state = SimpleNamespace(global_step=0)
    average.on_train_begin(SimpleNamespace(output_dir="."), state, None, model=model)
    return average, model, step


def test_the_average_by_hand() -> None:
    average, _, step = begin(1.0, decay=0.24)
    assert average.average["weight"].item() == 1
    step(3.0)  # d = 2/11
    first = 2 / 11 * 1 + 9 / 11 * 3
    assert average.average["weight"].item() == pytest.approx(first)
    step(5.0)  # 3/12 is more than the decay
    second = 0.24 * first + 0.76 * 5
    assert average.average["weight"].item() == pytest.approx(second)
    step(5.0)
    assert average.average["weight"].item() == pytest.approx(0.24 * second + 0.76 * 5)


def test_the_average_is_there_inside_the_block_only() -> None:
    average, model, step = begin(1.0, decay=0.5)
    step(3.0)
    mean = average.average["weight"].item()
    assert mean != 3
    with average.applied(model) as _:
        assert model.weight.item() == mean
    assert model.weight.item() == 3
    with pytest.raises(RuntimeError), average.applied(model):
        raise RuntimeError("decoding failed")
    assert model.weight.item() == 3
    assert average.average["weight"].item() == mean


# --- whole runs

PER_EPOCH, EPOCHS = 5, 2


def new_generator() -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Generator(
            GeneratorConfig(
                vocab_size=VOCABULARY,
                hidden_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=8,
                segments=4,
                dropout=0.1,
            )
        )


def new_examples() -> PairExamples:
    random = np.random.default_rng(0)

    def draw(size: int) -> list[int]:
        return random.integers(5, VOCABULARY, size).tolist()

    pairs = [pair([source(*draw(8)), source(*draw(6))], draw(5)) for _ in range(2 * PER_EPOCH)]
    return examples_of(pairs, replacement=0.2)


class CutShort(Exception):
    pass


def train(
    folder: Path, *, fails_at: int | None = None, drawn: list[dict] | None = None, **settings
) -> Generator:
    """A run of ten steps; `fails_at`: the batch, counted from 1, that cannot be made; `drawn` takes
    the examples."""
    drawn = [] if drawn is None else drawn

    def collator(examples: list[dict]) -> dict[str, Tensor]:
        if fails_at is not None and len(drawn) >= 2 * (fails_at - 1):
            raise CutShort
        drawn.extend(examples)
        return collate(examples, multiple=8)

    own = {n: settings.pop(n) for n in ("score", "patience") if n in settings}
    arguments = training_arguments(
        folder,
        **{
            "num_train_epochs": EPOCHS,
            "per_device_train_batch_size": 2,
            "learning_rate": 1e-2,
            "save_steps": 3,
            "logging_steps": 2,
            "seed": 1,
            "bf16": False,
            "disable_tqdm": True,
            "use_cpu": True,
        }
        | settings,
    )
    torch.manual_seed(2)
    return train_generator(
        new_generator(), new_examples(), arguments, ema_decay=0.8, collator=collator, **own
    )


def weights(generator: Generator) -> dict[str, Tensor]:
    return {n: p.detach().clone() for n, p in generator.named_parameters()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.allclose(a[n], b[n], atol=1e-7) for n in a)


def stored(folder: Path, step: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights and average of a checkpoint."""
    checkpoint = folder / f"checkpoint-{step}"
    return load_file(checkpoint / "model.safetensors"), load_file(checkpoint / "ema.safetensors")


def log(folder: Path, step: int) -> list[dict]:
    path = folder / f"checkpoint-{step}" / "trainer_state.json"
    return json.loads(path.read_text("utf-8"))["log_history"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Generator]:
    """A run from beginning to end, without evaluation."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, train(folder)


def test_without_a_score_the_average_is_returned(whole: tuple[Path, Generator]) -> None:
    folder, generator = whole
    raw, average = stored(folder, PER_EPOCH * EPOCHS)
    assert equal(weights(generator), average)
    assert not equal(raw, average)
    assert not equal(raw, weights(new_generator()))
    assert not generator.training


@pytest.mark.parametrize(
    ("fails_at", "checkpoint"),
    [(5, 3), (10, 6)],  # the checkpoints lie at 0.6 and 1.2 epochs
)
def test_a_run_cut_short_ends_as_an_uninterrupted_one(
    whole: tuple[Path, Generator], tmp_path: Path, fails_at: int, checkpoint: int
) -> None:
    with pytest.raises(CutShort):
        train(tmp_path, fails_at=fails_at)
    assert last_checkpoint(tmp_path) == str(tmp_path / f"checkpoint-{checkpoint}")
    # the next one was being written when the run was killed
    partial = tmp_path / f"checkpoint-{checkpoint + 3}"
    partial.mkdir()
    (partial / "model.safetensors").write_bytes(b"half of it")
    resumed = train(tmp_path)
    last = PER_EPOCH * EPOCHS
    for found, expected in zip(stored(tmp_path, last), stored(whole[0], last), strict=True):
        assert equal(found, expected)
    assert equal(weights(resumed), weights(whole[1]))


def test_a_finished_run_is_not_done_again(whole: tuple[Path, Generator]) -> None:
    folder, generator = whole
    again = train(folder, fails_at=1)  # asks for no batch
    assert equal(weights(again), weights(generator))


def test_every_pass_is_drawn_anew(tmp_path: Path) -> None:
    drawn: list[dict] = []
    train(tmp_path, drawn=drawn, save_strategy="no")
    examples = new_examples()
    for epoch in range(EPOCHS):
        examples.epoch = epoch
        expected = [examples[i] for i in range(len(examples))]
        found = drawn[epoch * len(examples) : (epoch + 1) * len(examples)]
        assert sorted(map(str, found)) == sorted(map(str, expected))
        assert found != expected  # shuffled


def test_the_last_checkpoint_is_the_newest_complete_one(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "nowhere") is None
    for step in (3, 20, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "config.json").write_text("{}")
    assert last_checkpoint(tmp_path) is None
    for step in (3, 20):
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-20")


def test_the_log_has_both_losses(whole: tuple[Path, Generator]) -> None:
    entries = [entry for entry in log(whole[0], PER_EPOCH * EPOCHS) if "loss" in entry]
    assert len(entries) == 5
    for entry in entries:
        total = entry["lm_loss"] + 2 * entry["copy_loss"]
        assert entry["loss"] == pytest.approx(total, abs=1e-3)


class Scores:
    """Hands out scores in turn; notes the weights it was asked about."""

    def __init__(self, *values: float) -> None:
        self.values, self.seen, self.states = list(values), [], []

    def __call__(self, generator: Generator) -> dict[str, float]:
        self.seen.append(weights(generator))
        self.states.append((generator.training, torch.is_grad_enabled()))
        return {"weighted": self.values.pop(0), "other": 7.0}


EVALUATED = {
    "eval_strategy": "steps",
    "eval_steps": 2,
    "save_steps": 2,
    "metric_for_best_model": "weighted",
    "greater_is_better": True,
}


def test_the_best_average_is_kept(whole: tuple[Path, Generator], tmp_path: Path) -> None:
    scores = Scores(0.1, 0.3, 0.2, 0.3, 0.1)
    generator = train(tmp_path, score=scores, **EVALUATED)
    assert len(scores.seen) == 5
    assert equal(weights(generator), scores.seen[1])
    assert not equal(weights(generator), scores.seen[3])  # as good, but not better
    assert not generator.training
    assert set(scores.states) == {(False, False)}
    # what was scored is the average, and training went on with the weights themselves
    raw, average = stored(whole[0], PER_EPOCH * EPOCHS)
    assert equal(scores.seen[-1], average)
    # the Trainer keeps the checkpoint of the best evaluation in the end
    assert [p.name for p in tmp_path.glob("checkpoint-*")] == ["checkpoint-4"]
    assert equal(load_file(tmp_path / "best" / "model.safetensors"), scores.seen[1])
    logged = [e["eval_weighted"] for e in log(tmp_path, 4) if "eval_weighted" in e]
    assert logged == [0.1, 0.3]
    assert equal(stored(tmp_path, 4)[1], scores.seen[1])


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    scores = Scores(0.3, 0.2, 0.2, 0.9)
    generator = train(tmp_path, score=scores, patience=2, **EVALUATED)
    assert len(scores.seen) == 3
    assert equal(weights(generator), scores.seen[0])


def test_a_resumed_run_remembers_the_best_and_how_long_it_waited(tmp_path: Path) -> None:
    scores = Scores(0.3, 0.2, 0.2, 0.9)
    with pytest.raises(CutShort):
        train(tmp_path, fails_at=6, score=scores, patience=2, **EVALUATED)
    assert len(scores.seen) == 2
    generator = train(tmp_path, score=scores, patience=2, **EVALUATED)
    assert len(scores.seen) == 3
    assert equal(weights(generator), scores.seen[0])
