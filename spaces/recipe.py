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
    """Files of the training data, as data/README.md describes them. Names of files are relative to
    their folder.

    folder: the folder of `judgments`, `extracts` and `summaries`. judgments: files of judgments,
    text and summary. extracts: files of extract pairs, source and target. summaries: files that
    have only summaries. corpus_folder: the folder of `corpus` and of `weak.corpus`. corpus: raw
    text to pretrain on, JSON lines, plain or .xz. corpus_kinds: which documents of the corpus are
    read, by their `kind`. held_out: one in so many judgments and pairs is kept from training; early
    stopping and every choice of a setting look at those only.
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
    """Special words, which the tokenizer keeps whole.

    base: a list written by hand. mined: up to so many more are found in the training summaries.
    min_count: words that occur fewer times in the training files are left out of the model.
    """

    base: str = "data/special_words.txt"
    mined: int = 100
    min_count: int = 5


@dataclass(frozen=True)
class Pretrain:
    """The vocabulary, the generator's sizes and its pretraining; lengths in tokens.

    start: a folder to start from, which `spaces convert` wrote, or a model directory, also
    owner/name of the hub: vocabulary and weights are its own, and of the settings here
    `residual_attention` and those from `dropout` on count (none: the generator begins from
    nothing). vocab_size: pieces of the tokenizer, before the special words. hidden_size: the width
    of the transformer. num_hidden_layers: its layers. num_attention_heads: the heads of each layer.
    intermediate_size: the width of its feed-forward layers. position: `rotary`, `relative` or
    `absolute`. residual_attention: attention scores are carried from layer to layer (RealFormer).
    selective_read: the longest match that the selective read compares (0: the model has none).
    dropout: the share of activations dropped. size: the length of an example. source_share: how
    much of an example its source may take. denoise_share: the share of examples that put a shuffled
    text right; the others write the clauses that say most. gap_removed: the share of those clauses
    that the source lacks. mask_share: the share of source tokens that are hidden and asked for.
    epochs: passes over the corpus (0: none). batch_size: examples in a step. learning_rate: the
    highest one. warmup_steps: steps until it is reached. save_steps: steps between checkpoints.
    """

    start: str = ""
    vocab_size: int = 9000
    hidden_size: int = 320
    num_hidden_layers: int = 6
    num_attention_heads: int = 5
    intermediate_size: int = 1280
    position: str = "rotary"
    residual_attention: bool = False
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
    """The extractive stage: sentence vectors, labellers, folds, and what is kept.

    encoder_layers: how many of the generator's pretrained layers make the vectors. window: how many
    tokens of a judgment they read at once (0: each clause by itself). support: clauses that the
    oracle takes are learned as kept where at least this share of their pairs of letters stands in
    the summary. hidden_size: the width of the labeller. folds: labellers for the cross-fitted
    extracts. unlabelled: how many judgments of `weak.corpus` the labeller that is kept learns from
    too, what the labellers of the folds say of them being their labels (self-training). epochs:
    passes over the judgments. batch_size: judgments in a step. learning_rate: the labeller's, at
    the start. tune_epochs: passes that train the encoder too, together with the labeller that is
    kept (0: none). tune_learning_rate: the encoder's, at the start. threshold: clauses with a
    higher probability are kept, here and in the finished model. max_source_tokens: what the
    generator reads at most, [CLS] and [SEP] included.
    """

    encoder_layers: int = 3
    window: int = 0
    support: float = 0.3
    hidden_size: int = 192
    folds: int = 15
    unlabelled: int = 0
    epochs: float = 20
    batch_size: int = 8
    learning_rate: float = 1e-3
    tune_epochs: float = 0
    tune_learning_rate: float = 2e-4
    threshold: float = 0.2
    max_source_tokens: int = 896

    def __post_init__(self) -> None:
        if self.tune_epochs and not self.window:
            raise ConfigError(
                "extract.tune_epochs: expected 0 where extract.window is 0, got "
                f"{self.tune_epochs:g}: the encoder is trained on clauses in context"
            )


@dataclass(frozen=True)
class Weak:
    """Weak targets: judgments that nobody summarized, with summaries from a template.
    They are learned before the real ones.

    corpus: files in the corpus folder; none: no weak targets. documents: how many judgments of them
    at most. epochs: passes over them (0: none). learning_rate: the highest one.
    """

    corpus: tuple[str, ...] = ()
    documents: int = 4000
    epochs: float = 1
    learning_rate: float = 4e-4


@dataclass(frozen=True)
class Generate:
    """The generator's training, and how it decodes; lengths in tokens. The fields from `beams` on,
    `max_new_tokens` and `sparse_top_k` go into the model's `config.json`.

    max_tokens: source and target together; a longer pair is cut. max_new_tokens: what it writes at
    most. support: the share of its character pairs that a clause of a target must have in its
    source to be learned. replacement: the share of source tokens that give way to others of the
    same source, because the sources met in use have faults too. sparse_top_k: logits that the
    sparse softmax keeps (0: all). copy_weight: the weight of the loss of the copy tags. dropout:
    the share of activations dropped. ema_decay: how slowly the average of the weights, which is
    what is kept, follows them. epochs: passes over the pairs. batch_size: pairs in a step.
    learning_rate: the highest one. warmup_steps: steps until it is reached. evaluations: how often
    the held-out judgments are summarized and scored; the best state is kept. patience: evaluations
    without a better score before training ends. beams: 1 is greedy. no_repeat: the limits on
    repetition (0: none). copy_bias: what copying has ahead of generating, as a difference of
    logits. generate_limit: how many tokens in a row are generated at most (0: any number).
    look_back: how many tokens before the furthest one copied so far a run may begin.
    skip_cost: how much less likely a copied token gets for each 100 tokens of the source that are
    passed over, each counted by the probability of its clause, as a difference of logits. end_cost:
    the same for the end of the text and all that is left. keep_weight: what a clause's log odds
    beyond those of keep_threshold add to the logit of beginning it. keep_threshold: the probability
    of a clause that is neither favoured nor put off. attend_threshold: of a text given whole, what
    was read of clauses that are less probable is out of sight while it writes (0: nothing is).
    """

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
    generate_limit: int = 0
    look_back: int = 0
    skip_cost: float = 0.0
    end_cost: float = 0.0
    keep_weight: float = 0.0
    keep_threshold: float = 0.3
    attend_threshold: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """Everything `spaces train` is told.

    work_folder: where the results of the steps are kept. model_folder: where the model is written.
    seed: where all random choices start. workers: processes that cut, count, label and encode texts
    before training; the results are the same for any number. license: of the weights, as the model
    card states it, by the hub's names.
    """

    work_folder: str = "runs/default"
    model_folder: str = "runs/default/model"
    seed: int = 42
    workers: int = 1
    license: str = "apache-2.0"
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
    if isinstance(value, bool) != (hint is bool) or value is None:
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
