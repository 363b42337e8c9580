"""Makes a checkpoint of others ready for `spaces train`: its vocabulary as this package cuts text.

What is kept of a WordPiece vocabulary (BERT's characters, WoBERT's words):

- single characters, under NFKC and in lower case as the tokenizer reads text. Where several become
  one, the row of Chinese text wins: the full-width one of punctuation ("，" over ","), otherwise
  the one that was in that form already;
- of Chinese characters the simplified: those that GB 2312 can encode, the character set of
  mainland China, which holds no traditional-only forms (and few rare ones of names);
- words of such Chinese characters, two or more.

Left out are `##` pieces (each Chinese character stands alone in these models, and a piece here may
stand anywhere), longer pieces with letters or digits (an amount is copied digit by digit) and
[unused…]. Scores of the Unigram tokenizer are the frequencies of jieba's dictionary, so that words
are cut as jieba without its HMM would from this vocabulary (see `spaces.generate.tokenizer`); words
that it lacks are preferred to their parts.
"""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from spaces.errors import InputError, ModelError
from spaces.files import read_text
from spaces.generate.checkpoints import read_checkpoint
from spaces.generate.tokenizer import (
    SPECIAL_TOKENS,
    add_words,
    build_tokenizer,
    vocabulary_strings,
)
from spaces.hub import locate
from spaces.words import Segmenter

FILES = ("config.json", "model.safetensors", "vocab.txt", "tokenizer.json")
__all__ = ["Conversion", "convert", "keep_pieces", "read_vocabulary"]


@dataclass(frozen=True)
class Conversion:
    """What `convert` did: the family, pieces before and after, special words among the latter, and
    parts of the generator that the checkpoint could not fill."""

    family: str
    before: int
    pieces: int
    special_words: int
    fresh: tuple[str, ...]


def convert(
    source: str | Path,
    target: str | Path,
    *,
    special_words: Sequence[str] = (),
    keep_all: bool = False,
    seed: int = 42,
) -> Conversion:
    """Write `target` (tokenizer, generator/) from the checkpoint in `source`; whole or not at all.

    special_words: added behind the vocabulary, each starting as the mean of its pieces in the
    embeddings and in the output bias. keep_all: traditional and other characters stay too. The
    output layer stays the embeddings, with its bias. Raises ModelError for a checkpoint that cannot
    be read and InputError for a target that is there already. A source "owner/name" is fetched from
    the hub (see `spaces.hub`).
    """
    target = Path(target).resolve()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(f"{target}: expected a new or empty folder, found something there")
    source = locate(source, files=FILES) or Path(source)
    checkpoint = read_checkpoint(source, seed=seed)
    generator = checkpoint.generator
    vocabulary = read_vocabulary(source)
    if len(vocabulary) > generator.config.vocab_size:
        raise ModelError(
            f"{source}: the vocabulary has {len(vocabulary)} pieces, the embeddings have "
            f"{generator.config.vocab_size} rows: do the files belong together?"
        )
    rows = keep_pieces(vocabulary, keep_all=keep_all)
    segmenter = Segmenter()
    counts = {piece: segmenter.frequency(piece) for piece in rows}
    scored = {piece: max(n, 1) for piece, n in counts.items() if n or len(piece) == 1}
    tokenizer = build_tokenizer(scored, total=segmenter.total)
    tokenizer, _ = add_words(tokenizer, [p for p, n in counts.items() if not n and len(p) > 1])
    places = {token: vocabulary.index(token) for token in SPECIAL_TOKENS} | rows
    generator.keep_embeddings([places[piece] for piece in vocabulary_strings(tokenizer)])
    tokenizer, compounds = add_words(tokenizer, special_words)
    generator.extend_embeddings(compounds)

    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        tokenizer.save_pretrained(temporary)
        generator.config.save_pretrained(temporary / "generator")
        save_file(
            {name: weight.contiguous() for name, weight in generator.state_dict().items()},
            temporary / "generator" / "model.safetensors",
            metadata={"format": "pt"},
        )
        if target.exists():
            target.rmdir()
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Conversion(
        checkpoint.family,
        len(vocabulary),
        len(tokenizer),
        len(compounds),
        tuple(checkpoint.fresh),
    )


def read_vocabulary(source: str | Path) -> list[str]:
    """The pieces in the order of their ids, from vocab.txt or a WordPiece tokenizer.json.

    Raises ModelError when there is neither, or a special token is missing.
    """
    folder = Path(source)
    if (folder / "vocab.txt").is_file():
        lines = read_text(folder / "vocab.txt").split("\n")
        pieces = lines[:-1] if lines[-1] == "" else lines
    elif (folder / "tokenizer.json").is_file():
        try:
            model = json.loads(read_text(folder / "tokenizer.json"))["model"]
            ids = dict(model["vocab"]) if model.get("type") == "WordPiece" else {}
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder}: tokenizer.json: expected a tokenizer: {error}") from None
        pieces = [""] * (max(ids.values(), default=-1) + 1)
        for piece, place in ids.items():
            pieces[place] = piece
    else:
        raise ModelError(f"{folder}: expected vocab.txt or tokenizer.json, found neither")
    missing = [token for token in SPECIAL_TOKENS if token not in pieces]
    if missing:
        raise ModelError(
            f"{folder}: expected a WordPiece vocabulary with {', '.join(SPECIAL_TOKENS)}, found "
            f"{len(pieces)} pieces without {missing[0]}"
        )
    return pieces


def keep_pieces(vocabulary: Sequence[str], *, keep_all: bool = False) -> dict[str, int]:
    """For each piece that stays, as the tokenizer reads it, the place of its row.

    >>> keep_pieces(["[PAD]", "本", "##本", "國", "本院", "2017", "A", "a", ",", "，"])
    {'本': 1, '本院': 4, 'a': 7, ',': 9}
    """
    rows: dict[str, tuple[bool, int]] = {}
    for place, token in enumerate(vocabulary):
        piece = unicodedata.normalize("NFKC", token).lower()
        good = len(piece) == 1 or (len(piece) > 1 and all(_chinese(c) for c in piece))
        if not good or piece.isspace():
            continue
        if not (keep_all or _simplified(piece) or _simplified(token)):
            continue
        # in Chinese text punctuation is full-width
        wanted = (token != piece) == unicodedata.category(piece[0]).startswith("P")
        if piece not in rows or (wanted and not rows[piece][0]):
            rows[piece] = (wanted, place)
    return {piece: place for piece, (_, place) in sorted(rows.items(), key=lambda item: item[1][1])}


def _chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def _simplified(piece: str) -> bool:
    try:
        piece.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
