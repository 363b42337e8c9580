"""What the options of the command line may be, and the examples in its help."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

__all__ = [
    "Format",
    "Model",
    "ModelPrecision",
    "NoExtract",
    "Pooling",
    "Precision",
    "SummaryFormat",
    "TrainStep",
    "Unit",
    "examples",
]


class Format(str, Enum):
    """How a result is printed."""

    text = "text"
    json = "json"


class SummaryFormat(str, Enum):
    """How a summary is printed."""

    text = "text"
    json = "json"
    html = "html"


class Unit(str, Enum):
    """What ROUGE counts."""

    char = "char"
    word = "word"
    both = "both"


class Pooling(str, Enum):
    """How the hidden states of a sentence become one vector."""

    last = "last"
    first_last = "first-last"
    cls = "cls"


class TrainStep(str, Enum):
    """A step of training; each does what it needs of the earlier ones."""

    words = "words"
    pretrain = "pretrain"
    extract = "extract"
    generate = "generate"
    all = "all"


class Precision(str, Enum):
    """The type of the matrices a model multiplies with."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    int8 = "int8"


Model = Annotated[
    str | None,
    typer.Option(
        help="Model directory, or OWNER/NAME of the hub, also OWNER/NAME@REVISION; the default "
        "model of this package when not given.",
        metavar="DIR",
    ),
]
ModelPrecision = Annotated[
    Precision,
    typer.Option(
        help="What the model computes in: int8 and bfloat16 are faster on a CPU, and write another "
        "summary now and then."
    ),
]
NoExtract = Annotated[
    bool,
    typer.Option(
        "--no-extract", help="The text is an extract already: give it to the generator whole."
    ),
]


def examples(*lines: str) -> str:
    """The end of a command's help; typer makes a line of each paragraph.

    >>> examples("spaces serve")
    'Examples:\\n\\n  spaces serve'
    """
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])
