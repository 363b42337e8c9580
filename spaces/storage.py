"""The model directory: written whole or not at all, read with every part checked, and never
unpickled.

    config.json                             how to summarize: format version, lengths, decoding
    tokenizer.json  tokenizer_config.json   one tokenizer for all parts
    encoder/  labeller/  generator/         each config.json and model.safetensors
    README.md                               the model card, where there is one

Weights are half precision on disk unless asked otherwise, and float32 in memory.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from transformers import PreTrainedTokenizerFast

from spaces.errors import ConfigError, InputError, ModelError
from spaces.extract.features import FEATURES
from spaces.extract.labeller import Labeller
from spaces.generate.backbone import Backbone
from spaces.generate.model import Generator
from spaces.generate.tokenizer import FIRST_SECTION, load_tokenizer
from spaces.pretrained import CONFIG, DTYPES, WEIGHTS, Pretrained, read_json
from spaces.sections import SECTIONS
from spaces.settings import SummarizerConfig

__all__ = [
    "CARD",
    "DEFAULT_MODEL",
    "FILES",
    "FORMAT_VERSION",
    "Parts",
    "load_model",
    "load_start",
    "read_card",
    "save_model",
]

DEFAULT_MODEL = Path(__file__).parent / "models" / "default"
FORMAT_VERSION = 1
_CLASSES: dict[str, type[Pretrained]] = {
    "encoder": Backbone,
    "labeller": Labeller,
    "generator": Generator,
}
CARD = "README.md"
FILES = (
    *("config.json", "tokenizer.json", "tokenizer_config.json"),
    *(f"{part}/{name}" for part in _CLASSES for name in (CONFIG, WEIGHTS)),
)
"""What a model directory needs, relative to it; nothing else in it is read, but for the card."""


class Parts(NamedTuple):
    """What a model is made of; they have to fit each other (see `check`)."""

    tokenizer: PreTrainedTokenizerFast
    encoder: Backbone
    labeller: Labeller
    generator: Generator

    def check(self) -> None:
        """Raise ModelError unless labeller and encoder, sections, embeddings and tokenizer
        fit."""
        expected = self.labeller.config.input_size
        given = self.encoder.config.hidden_size + FEATURES
        if expected != given:
            raise ModelError(
                f"the labeller expects vectors of {expected}, the encoder gives {given} "
                f"({FEATURES} of them its own features): was it trained with another encoder, "
                "or by an older version? Then train it again"
            )
        told_apart, parts = self.generator.config.segments, FIRST_SECTION + len(SECTIONS)
        if told_apart < parts:
            raise ModelError(
                f"the generator tells {told_apart} segments apart, a judgment has {parts}: "
                "was it trained before sections were read? (see Backbone.extend_segments)"
            )
        for name in ("encoder", "generator"):
            rows = getattr(self, name).config.vocab_size
            if rows != len(self.tokenizer):
                raise ModelError(
                    f"the tokenizer has {len(self.tokenizer)} pieces, "
                    f"the {name}'s embeddings have {rows} rows: "
                    f"was the {name} trained with another tokenizer?"
                )


def load_model(path: str | Path | None = None) -> tuple[SummarizerConfig, Parts]:
    """The settings of `config.json` and the parts, float32 on the CPU; None is the default model of
    this package.

    Raises ModelError, naming the part, what was expected and what was found.
    """
    folder = DEFAULT_MODEL if path is None else Path(path)
    if not (folder / "config.json").is_file():
        raise ModelError(_not_a_model(folder, path is None))
    settings = read_json(folder / "config.json")
    version = settings.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{folder}: config.json: expected format_version {FORMAT_VERSION}, found {version!r}: "
            "it was written by another release of this package, or is not a model directory of it"
        )
    try:
        config = SummarizerConfig.from_dict(settings)
    except ConfigError as error:
        raise ModelError(f"{folder}: config.json: {error}") from None
    tokenizer = _load_tokenizer(folder)
    loaded = {name: part.from_pretrained(folder / name) for name, part in _CLASSES.items()}
    parts = Parts(tokenizer, **loaded)
    try:
        parts.check()
    except ModelError as error:
        raise ModelError(f"{folder}: {error}") from None
    return config, parts


def load_start(path: str | Path) -> tuple[PreTrainedTokenizerFast, Generator]:
    """Tokenizer and generator alone, of a folder that training starts from or of a model directory.

    Raises ModelError as `load_model` does.
    """
    return _load_tokenizer(Path(path)), Generator.from_pretrained(Path(path, "generator"))


def read_card(path: str | Path | None = None) -> str | None:
    """The text of a model's card; None where it has none that can be read."""
    folder = DEFAULT_MODEL if path is None else Path(path)
    try:
        return (folder / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def save_model(
    path: str | Path,
    config: SummarizerConfig,
    parts: Parts,
    dtype: str = "float16",
    card: str | None = None,
) -> None:
    """Write a model directory beside `path`, then put it in the place of `path`.

    What stood there is replaced when it was a model directory (files of other names in it stay, and
    a card when there is no `card` to write) or empty; anything else raises InputError. An unknown
    `dtype`, or weights too large for it, raise ConfigError.
    """
    if dtype not in DTYPES:
        raise ConfigError(f"dtype: expected one of {', '.join(DTYPES)}, got {dtype!r}")
    path = Path(path).resolve()
    occupied = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    if occupied and not (path / "config.json").is_file():
        raise InputError(
            f"{path}: expected a new folder or a model directory to replace, found something else: "
            "choose another path"
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        settings = {"format_version": FORMAT_VERSION, **asdict(config)}
        text = json.dumps(settings, indent=2) + "\n"
        (temporary / "config.json").write_text(text, encoding="utf-8")
        if card is not None:
            (temporary / CARD).write_text(card, encoding="utf-8")
        parts.tokenizer.save_pretrained(temporary)
        for name in _CLASSES:
            getattr(parts, name).save_pretrained(temporary / name, dtype)
        _replace(path, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(path: Path, new: Path) -> None:
    """Put folder `new` in the place of `path`; at every moment one of the two is complete."""
    if not path.exists():
        new.rename(path)
        return
    for other in path.iterdir():
        if not (new / other.name).exists():
            copying = shutil.copytree if other.is_dir() else shutil.copy2
            copying(other, new / other.name)
    old = new.with_suffix(".old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old)


def _not_a_model(folder: Path, default: bool) -> str:
    if default:
        return (
            f"{folder}: the default model is not in this installation: train one with "
            "`spaces train all --config FILE`, or name a model directory (--model DIR)"
        )
    found = "no such folder"
    if folder.is_dir():
        found = "a folder without config.json"
    elif folder.exists():
        found = "a file"
    return (
        f"{folder}: expected a model directory (as save_pretrained writes it), found {found}: "
        "check the path"
    )


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        read_json(folder / name)
    try:
        return load_tokenizer(folder)
    except Exception as error:  # the Rust side raises plain Exception
        raise ModelError(
            f"{folder}: tokenizer.json: expected a tokenizer, found {error}"
        ) from error
