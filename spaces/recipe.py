"""The training recipe: what a config file may say, one dataclass per step, each checking itself.

A YAML file gives the values that differ from the defaults here; `key=value` words on the command
line go over it (`generate.epochs=3`). An unknown key, a wrong type or an impossible value is a
ConfigError that names the key.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from spaces.errors import ConfigError, InputError


@dataclass(frozen=True)
class Data:
    """Files of the training data, relative to `folder` and `corpus_folder`.

    `judgments` have text and summary, `extracts` source and target, `summaries` only summaries,
    `corpus` raw text (JSON lines, plain or .xz) of which the documents of `corpus_kinds` are read.
    One in `held_out` judgments and pairs is kept from training: early stopping and every choice of
    a setting look at those only.
    """

    folder: str = "data/real"
    judgments: tuple[str, ...] = ("train.jsonl", "train_long.jsonl")
    extracts: tuple[str, ...] = ("train_extracts.jsonl",)
    summaries: tuple[str, ...] = ("summaries.jsonl",)
    corpus_folder: str = "data/corpus"
    corpus: tuple[str, ...] = ()
    corpus_kinds: tuple[str, ...] = ("judgment_civil",)
    held_out: int = 12

    def paths(self, names: Sequence[str]) -> list[Path]:
        return [Path(self.folder, name) for name in names]

    def corpus_paths(self, names: Sequence[str]) -> list[Path]:
        return [Path(self.corpus_folder, name) for name in names]


@dataclass(frozen=True)
class Words:
    """Special words: the list `base` and up to `mined` more that are found in the training
    summaries.

    Those that occur fewer than `min_count` times in the training files are left out of the model.
    """

    base: str = "data/special_words.txt"
    mined: int = 100
    min_count: int = 5


@dataclass(frozen=True)
class Pretrain:
    """The vocabulary, the backbone's sizes and the pretraining itself; lengths in tokens."""

    vocab_size: int = 9000
    hidden_size: int = 320
    num_hidden_layers: int = 6
    num_attention_heads: int = 5
    intermediate_size: int = 1280
    position: str = "rotary"
    selective_read: int = 8
    dropout: float = 0.0
    size: int = 448
    source_share: float = 0.75
    denoise_share: float = 0.25
    gap_removed: float = 0.25
    mask_share: float = 0.1
    epochs: float = 0.6
    batch_size: int = 8
    learning_rate: float = 6e-4
    warmup_steps: int = 300
    save_steps: int = 200


@dataclass(frozen=True)
class Extract:
    """Sentence vectors, labeller and folds. `encoder_layers`: how many of the backbone's layers
    make the vectors."""

    encoder_layers: int = 3
    hidden_size: int = 192
    folds: int = 15
    epochs: float = 20
    batch_size: int = 8
    learning_rate: float = 1e-3
    threshold: float = 0.2
    max_source_tokens: int = 896


@dataclass(frozen=True)
class Weak:
    """Weak targets: at most `documents` judgments of the files `corpus` (in the corpus folder) that
    nobody summarized, with summaries from a template, learned before the real ones. `epochs` 0:
    none."""

    corpus: tuple[str, ...] = ()
    documents: int = 4000
    epochs: float = 1
    learning_rate: float = 4e-4


@dataclass(frozen=True)
class Generate:
    """The generator's training and how it decodes (as in `SummarizerConfig`); lengths in tokens.
    `support`: the share of its
    character pairs that a clause of a target must have in its source to be learned."""

    max_tokens: int = 1280
    max_new_tokens: int = 320
    support: float = 0.6
    replacement: float = 0.15
    sparse_top_k: int = 10
    copy_weight: float = 2.0
    dropout: float = 0.1
    ema_decay: float = 0.9999
    epochs: float = 10
    batch_size: int = 8
    learning_rate: float = 3e-4
    warmup_steps: int = 100
    evaluations: int = 5
    patience: int = 3
    beams: int = 3
    no_repeat: int = 16
    copy_bias: float = 0.0
    look_back: int = 0
    skip_cost: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """Everything `spaces train` is told: `work_folder` holds the steps' results, `model_folder` the
    model."""

    work_folder: str = "runs/default"
    model_folder: str = "runs/default/model"
    seed: int = 42
    data: Data = field(default_factory=Data)
    words: Words = field(default_factory=Words)
    pretrain: Pretrain = field(default_factory=Pretrain)
    extract: Extract = field(default_factory=Extract)
    weak: Weak = field(default_factory=Weak)
    generate: Generate = field(default_factory=Generate)


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file with `key=value` overrides. Raises InputError, ConfigError."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such config file; configs/default.yaml is one to start from")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values, got {type(values).__name__}")
    for override in overrides:
        key, sign, value = override.partition("=")
        if not sign or not key:
            raise ConfigError(f"expected key=value, such as generate.epochs=3, got {override!r}")
        place = values
        *sections, name = key.split(".")
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ConfigError(f"{key}: {section} is a value, not a section")
        try:
            place[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{override}: expected a YAML value: {error}") from error
    return _build(Recipe, values, "")


def _build(kind: type, values: dict, prefix: str):
    if not isinstance(values, dict):
        raise ConfigError(f"{prefix.rstrip('.')}: expected a section, got {values!r}")
    hints = typing.get_type_hints(kind)
    known = {f.name for f in dataclasses.fields(kind)}
    for name in values:
        if name not in known:
            raise ConfigError(
                f"{prefix}{name}: no such setting; known here: {', '.join(sorted(known))}"
            )
    built = {
        name: _build(hints[name], value, f"{prefix}{name}.")
        if dataclasses.is_dataclass(hints[name])
        else _convert(hints[name], value, f"{prefix}{name}")
        for name, value in values.items()
    }
    return kind(**built)


def _convert(hint, value, key: str):
    if isinstance(hint, types.GenericAlias):  # tuple[str, ...]
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
        raise ConfigError(f"{key}: expected a list of text, got {value!r}")
    if isinstance(value, bool) or value is None:
        raise ConfigError(f"{key}: expected {hint.__name__}, got {value!r}")
    if isinstance(value, str) and hint is not str:  # YAML reads 6e-4 as text
        try:
            value = float(value)
        except ValueError:
            raise ConfigError(f"{key}: expected a number, got {value!r}") from None
    if hint is float and isinstance(value, (int, float)):
        return float(value)
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, hint):
        raise ConfigError(f"{key}: expected {hint.__name__}, got {value!r}")
    return value
