"""Writes docs/options.md, every option of the command line and of config files, from the code.

`python docs/make_options.py` writes it; a test compares it with what is there.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from spaces.cli import app
from spaces.recipe import Recipe
from spaces.settings import SummarizerConfig

TARGET = Path(__file__).with_name("options.md")
_HEAD = """# Options

Written by `docs/make_options.py` from the code; do not edit.
"""
_CONFIG = """## Config files of `spaces train`

A YAML file with sections, as [configs/default.yaml](../configs/default.yaml); what it does not
name has the default here. Any of them can follow the command as `key=value`, for example
`generate.epochs=3`. A key that is not here is refused. See [training](training.md).
"""
_MODEL = """## `config.json` of a model directory

`spaces train` writes it; the values take effect when the model is loaded. In Python:
`spaces.settings.SummarizerConfig`.
"""


def page() -> str:
    """The whole text of docs/options.md."""
    top = typer.main.get_command(app)
    parts = [_HEAD, "## `spaces`\n", _sentence(top.help), _parameters(top)]
    for name, command in top.commands.items():
        parts += [f"## `spaces {name}`\n", _sentence(command.help), _parameters(command)]
    parts += [_CONFIG, _fields(Recipe, "")]
    for field in dataclasses.fields(Recipe):
        if dataclasses.is_dataclass(kind := typing.get_type_hints(Recipe)[field.name]):
            parts += [f"### `{field.name}`\n", _fields(kind, f"{field.name}.")]
    parts += [_MODEL, _fields(SummarizerConfig, "")]
    return "\n".join(parts)


def _sentence(text: str) -> str:
    return " ".join(text.split()) + "\n"


def _parameters(command: Any) -> str:
    """The table of a command's arguments and options."""
    rows = []
    for parameter in command.params:
        named = parameter.opts[0].startswith("-")
        name = parameter.opts[0] if named else parameter.metavar or parameter.name.upper()
        if named and parameter.metavar:
            name += f" {parameter.metavar}"
        rows.append((f"`{name}`", _default(parameter), _range(parameter) + parameter.help))
    return _table(("option", "default", "meaning"), rows)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    empty = value is None or value is False or not isinstance(value, (str, int, float))
    return "" if empty else f"`{value.value if isinstance(value, Enum) else value}`"


def _range(parameter: Any) -> str:
    """What a value may be, where that is a choice or has bounds."""
    descriptor = parameter.type_descriptor if hasattr(parameter, "type_descriptor") else None
    choices = getattr(descriptor, "choices", None)
    if choices:
        return ", ".join(f"`{getattr(c, 'value', c)}`" for c in choices) + ". "
    least, most = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if least is not None:
        return f"{least} to {most}. " if most is not None else f"At least {least}. "
    return ""


def _fields(kind: type, prefix: str) -> str:
    """The words of a dataclass and the table of its values; sections are told by themselves."""
    intro, words = _described(kind)
    hints = typing.get_type_hints(kind)
    rows = []
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            continue
        value = list(field.default) if isinstance(field.default, tuple) else field.default
        shown = "[" + ", ".join(value) + "]" if isinstance(value, list) else value
        rows.append((f"`{prefix}{field.name}`", f"`{shown}`", words[field.name]))
    return f"{intro}\n\n{_table(('key', 'default', 'meaning'), rows)}"


def _described(kind: type) -> tuple[str, dict[str, str]]:
    """What a docstring says at first, and then of each field, as `name: words.`"""
    names = "|".join(field.name for field in dataclasses.fields(kind))
    text = " ".join(kind.__doc__.split())
    intro, *told = re.split(rf"(?<=\.) ({names}): ", text)
    words = dict(zip(told[::2], told[1::2], strict=True))
    return intro, {name: said[:1].upper() + said[1:] for name, said in words.items()}


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
