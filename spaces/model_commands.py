"""Commands that make models and look into them: similarity, train, convert, grow.

Like those of `spaces.cli`, whose `app` they join: parse, call the public API, print.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spaces.console import print_rows, say
from spaces.errors import ConfigError
from spaces.options import Format, Model, Pooling, TrainStep, examples

__all__ = ["commands"]

commands = typer.Typer()


@commands.command(
    epilog=examples(
        "spaces similarity pairs.tsv",
        "spaces similarity pairs.tsv --model DIR --whiten --dims 256 --pooling first-last",
    )
)
def similarity(
    pairs: Annotated[
        Path,
        typer.Argument(
            metavar="PAIRS", help="sentence1, sentence2 and label a line, separated by TAB or ||."
        ),
    ],
    model: Model = None,
    whiten: Annotated[
        bool, typer.Option("--whiten", help="Whiten the vectors, as learned from these sentences.")
    ] = False,
    dims: Annotated[
        int | None,
        typer.Option(help="Dimensions kept by --whiten; 256 when not given.", min=1),
    ] = None,
    pooling: Annotated[
        Pooling | None,
        typer.Option(
            help="What a vector is: the mean over the tokens of the last layer, or of the first "
            "and the last, or the last at [CLS]; last when not given."
        ),
    ] = None,
    format: Annotated[Format, typer.Option(help="A table, or JSON.")] = Format.text,
) -> None:
    """Compare sentence vectors with labels: Spearman's correlation of cosine and label."""
    if dims is not None and not whiten:
        raise ConfigError(f"--dims {dims}: expected together with --whiten: add it")
    from spaces.similarity import correlate, read_pairs
    from spaces.vectors import load_encoder

    items = read_pairs(pairs)
    encoder = load_encoder(model, pooling=pooling.value if pooling else None)
    result = correlate(items, encoder, whiten=whiten, dims=dims or 256)
    if result.whitened and result.pairs < 5 * result.dims:
        say(
            f"spaces: warning: {2 * result.pairs} sentences are few to whiten {result.dims} "
            "dimensions with: the figure says little; give fewer --dims or more pairs"
        )
    if format is Format.json:
        from spaces.files import dump_json

        print(dump_json(result.to_dict()))
    else:
        print_rows([result.to_dict()])


@commands.command(
    epilog=examples(
        "spaces train all --config configs/default.yaml data.folder=DIR data.corpus_folder=DIR",
        "spaces train words --config configs/default.yaml data.folder=DIR words.mined=50",
    )
)
def train(
    step: Annotated[TrainStep, typer.Argument(help="What to train.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]…", help="Settings that replace those of the config file."
        ),
    ] = None,
    config: Annotated[
        Path, typer.Option(help="YAML file with the settings.", metavar="FILE")
    ] = ...,
) -> None:
    """Train a model, or one step of it; steps whose input did not change are skipped."""
    wrong = [item for item in overrides or [] if "=" not in item]
    if wrong:
        raise ConfigError(f"{wrong[0]}: expected key=value, for example generate.epochs=3")
    from spaces.pipeline import run

    run(step.value, config, overrides or [])


@commands.command(
    epilog=examples(
        "spaces convert chinese-roberta-wwm-ext/ runs/start",
        "spaces train all --config configs/default.yaml pretrain.start=runs/start",
    )
)
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Folder, or OWNER/NAME of the hub, of a BERT, RoBERTa-wwm-ext, MacBERT, NEZHA, "
            "WoBERT, RoFormer or RoFormer-Sim: config.json, model.safetensors, vocab.txt.",
        ),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="New folder, for `pretrain.start`.")
    ],
    special_words: Annotated[
        Path | None, typer.Option(help="Words to add, one a line.", metavar="FILE")
    ] = None,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Keep traditional and foreign characters too.")
    ] = False,
) -> None:
    """Make a pretrained checkpoint ready for `spaces train`: simplified Chinese, whole words."""
    from spaces.convert import convert as make
    from spaces.words import read_words

    words = read_words(special_words) if special_words else []
    done = make(source, target, special_words=words, keep_all=keep_all)
    say(
        f"spaces: {done.family}: {done.before} pieces before, {done.pieces} now, "
        f"{done.special_words} of them special words; new: {', '.join(done.fresh)}: {target}"
    )


@commands.command(
    epilog=examples(
        "spaces grow runs/default/model runs/wide --width 2",
        "spaces train all --config configs/default.yaml pretrain.start=runs/wide",
    )
)
def grow(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Model directory, or OWNER/NAME of the hub.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="New model directory.")],
    width: Annotated[
        int, typer.Option(help="How many times as wide: hidden size, heads, feed-forward.", min=2)
    ] = 2,
) -> None:
    """Make a model wider without a change of what it computes, to train it on."""
    from spaces.grow import grow as make

    config = make(model, output, width=width).generator.config
    hidden, heads = config.hidden_size, config.num_attention_heads
    say(
        f"spaces: hidden size {hidden // width} -> {hidden}, heads {heads // width} -> {heads}: "
        f"{output}"
    )
