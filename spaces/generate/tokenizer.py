"""Word-first tokenizer: jieba's segmentation as a Hugging Face fast tokenizer.

jieba without its HMM takes, among all ways to cut a text into dictionary words, the one with the
largest product of word frequencies. A Unigram model (Kudo 2018, "Subword Regularization") takes the
same path over its own pieces. So the words that jieba found in a corpus, with their counts, make a
Unigram model that cuts as jieba does inside its vocabulary, falls back to characters outside it,
runs in Rust, is saved as one JSON file and knows where each token lies in the text. This is
WoBERT's "words first, characters where there is no word" in one step.

Text is normalised (NFKC, lower case) for the model only: offsets always refer to the text that came
in.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

Value = TypeVar("Value")

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(5)
FIRST_SECTION = 2  # of the segments: 0 is a source without sections, 1 the target


def build_tokenizer(
    counts: Mapping[str, int], vocab_size: int | None = None, *, total: int | None = None
) -> PreTrainedTokenizerFast:
    """A tokenizer whose pieces are the characters and the most frequent words of `counts`.

    `counts` maps a word or a character to how often it occurs; every single character in it is kept
    before any longer word is, so that rare names stay spelled out. A piece's score is the logarithm
    of its relative frequency, among `total` words (None: those of `counts`).

    >>> tok = build_tokenizer({"本": 2, "院": 2, "认": 1, "为": 1, "本院": 5, "认为": 5})
    >>> tok.tokenize("本院认为")
    ['本院', '认为']
    """
    normalize = _normalizer().normalize_str
    merged: Counter[str] = Counter()
    for word, count in counts.items():
        piece = normalize(word)
        if piece and not any(c.isspace() for c in piece):
            merged[piece] += count
    by_count = sorted(merged.items(), key=lambda item: (len(item[0]) > 1, -item[1], item[0]))
    room = None if vocab_size is None else max(vocab_size - len(SPECIAL_TOKENS), 0)
    kept = by_count[:room]
    total = total or sum(merged.values()) or 1
    pieces = [(token, 0.0) for token in SPECIAL_TOKENS]
    pieces += [(piece, math.log(max(count, 1) / total)) for piece, count in kept]
    return _wrap(pieces)


def count_words(
    texts: Iterable[str], segment: Callable[[str], list[str]], *, min_characters: int = 1
) -> Counter[str]:
    """The counts that `build_tokenizer` takes, of a corpus read at once."""
    return choose_words(*tally_words(texts, segment), min_characters=min_characters)


def tally_words(
    texts: Iterable[str], segment: Callable[[str], list[str]]
) -> tuple[Counter[str], Counter[str]]:
    """How often each character, and each word as `segment` cuts it, occurs in `texts`, normalised
    as the tokenizer does. Counts of parts of a corpus can be added up.
    """
    normalize = _normalizer().normalize_str
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for text in texts:
        text = normalize(text)
        characters.update(text)
        words.update(segment(text))
    return characters, words


def choose_words(
    characters: Mapping[str, int], words: Mapping[str, int], *, min_characters: int = 1
) -> Counter[str]:
    """What `build_tokenizer` takes of the counts of a whole corpus: words together with every
    single character.

    Words with a digit or a Latin letter are counted by character only: an amount is copied digit by
    digit and never becomes one opaque token. Characters seen fewer than `min_characters` times are
    left out ([UNK] stands for them).
    """
    counts = Counter(
        {c: n for c, n in characters.items() if n >= min_characters and not c.isspace()}
    )
    for character in counts:
        counts[character] = max(words.get(character, 0), 1)
    for word, n in words.items():
        if len(word) > 1 and all("\u4e00" <= c <= "\u9fff" or c in "《》〈〉" for c in word):
            counts[word] = n
    return counts


def add_words(
    tokenizer: PreTrainedTokenizerFast, words: Iterable[str]
) -> tuple[PreTrainedTokenizerFast, list[list[int]]]:
    """The tokenizer with `words` added behind its vocabulary, and for each added word the ids it
    was cut into before.

    The ids of old tokens do not change. A new word's score lies just above its best old
    segmentation, so it is always preferred to it (jieba's `suggest_freq`). Words already in the
    vocabulary, or with characters it lacks, are passed over. The lists of old ids are what
    `Backbone.extend_embeddings` averages.
    """
    pieces = [tuple(item) for item in _model_state(tokenizer)["vocab"]]
    known = {piece for piece, _ in pieces}
    normalize = _normalizer().normalize_str
    compounds: list[list[int]] = []
    for word in words:
        piece = normalize(word)
        if not piece or piece in known or any(c.isspace() for c in piece):
            continue
        ids = tokenizer(piece, add_special_tokens=False)["input_ids"]
        if len(ids) < 2 or UNK in ids:
            continue
        known.add(piece)
        compounds.append(ids)
        pieces.append((piece, sum(pieces[i][1] for i in ids) + 0.1))
    return _wrap(pieces), compounds


def load_tokenizer(path: str | Path) -> PreTrainedTokenizerFast:
    """Read a saved tokenizer from a folder (`tokenizer.json`, `tokenizer_config.json`); nothing is
    downloaded."""
    return PreTrainedTokenizerFast.from_pretrained(str(path), local_files_only=True)


def encode_source(
    tokenizer: PreTrainedTokenizerFast, text: str
) -> tuple[list[int], list[tuple[int, int]]]:
    """[CLS] text [SEP] as ids, with each token's (start, end) in `text`; the two added tokens have
    (0, 0)."""
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = [CLS, *encoding["input_ids"], SEP]
    return ids, [(0, 0), *encoding["offset_mapping"], (0, 0)]


def segments_of(
    offsets: Sequence[tuple[int, int]], clauses: Iterable[tuple[str, int]]
) -> list[int]:
    """For each token of a source its segment: FIRST_SECTION + the section of its clause; 0 for
    [CLS] and [SEP].

    `clauses` are (text, section); joined they are the text that `encode_source` gave `offsets` for.

    >>> segments_of([(0, 0), (0, 2), (2, 4), (0, 0)], [("原告", 0), ("诉称", 1)])
    [0, 2, 3, 0]
    """
    return by_token(offsets, ((text, FIRST_SECTION + section) for text, section in clauses), 0)


def by_token(
    offsets: Sequence[tuple[int, int]], clauses: Iterable[tuple[str, Value]], special: Value
) -> list[Value]:
    """What each token's clause has; `special` for [CLS] and [SEP].

    >>> by_token([(0, 0), (0, 2), (2, 4), (0, 0)], [("原告", 0.9), ("诉称", 0.1)], 0.0)
    [0.0, 0.9, 0.1, 0.0]
    """
    values = [value for text, value in clauses for _ in text]
    return [values[start] if end > start else special for start, end in offsets]


def vocabulary_strings(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """The pieces in the order of their ids."""
    return [piece for piece, _ in _model_state(tokenizer)["vocab"]]


def _model_state(tokenizer: PreTrainedTokenizerFast) -> dict:
    return json.loads(tokenizer.backend_tokenizer.to_str())["model"]


def _normalizer() -> normalizers.Normalizer:
    return normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])


def _wrap(pieces: Sequence[tuple[str, float]]) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.Unigram(list(pieces), unk_id=UNK, byte_fallback=False))
    backend.normalizer = _normalizer()
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.decoder = decoders.Fuse()
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL_TOKENS, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        split_special_tokens=True,  # a judgment that spells "[SEP]" is text, not a command
        **{f"{name}_token": token for name, token in names.items()},
    )
