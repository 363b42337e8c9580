"""How alike two sentences are by their vectors, and how well that agrees with people.

A pairs file has two sentences and a label in each line. The cosine of the two vectors is compared
with the labels by Spearman's rank correlation, as in Su et al. 2021, "Whitening Sentence
Representations for Better Semantics and Faster Retrieval". Whitening is learned without labels from
the sentences of the same file: their vectors go to disk in half precision as they are computed, and
are read back through a memory map, once to learn and once to compare, so a file may be of any size.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from spaces.errors import InputError, ModelError, RecordError
from spaces.extract.store import LabelledVectors, VectorStore, write_vectors
from spaces.extract.whitening import Whitening
from spaces.files import readable

__all__ = ["Pair", "Result", "compare", "correlate", "read_pairs", "spearman"]

CHUNK = 512  # pairs whose vectors are in memory together


class Encoder(Protocol):
    """Whatever turns sentences into vectors, (n, d) float32."""

    def encode(self, texts: Sequence[str]) -> np.ndarray: ...


@dataclass(frozen=True)
class Pair:
    """Two sentences, and how alike people (or the makers of the set) find them."""

    first: str
    second: str
    label: float


@dataclass(frozen=True)
class Result:
    """pairs: how many; dims: of the vectors that were compared; whitened: whether they were;
    spearman: rank correlation of cosine and label, -1 to 1.
    """

    pairs: int
    dims: int
    whitened: bool
    spearman: float

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def read_pairs(path: str | Path) -> list[Pair]:
    """The pairs of a file, one a line: `sentence1 TAB sentence2 TAB label` (BQ, LCQMC), with an id
    before them (ATEC, PAWS-X), or with "||" for TAB (the Chinese STS-B). Which, the first line
    says; a heading above the pairs and blank lines are passed over.

    Raises RecordError, naming file and line, and InputError for a file without pairs.
    """
    path, pairs = readable(path), []
    separator, width = "\t", 0
    for number, line in _lines(path):
        where = f"{path}:{number}"
        if not width:
            separator = "||" if "||" in line and "\t" not in line else "\t"
            width = line.count(separator) + 1
            if width not in (3, 4):
                raise RecordError(
                    f"{where}: expected sentence1, sentence2 and label, with or without an id "
                    f"before them, separated by TAB or ||; got {width} field{'s' * (width > 1)}"
                )
            if line.rsplit(separator, 1)[-1].strip().lower() in ("label", "score", "similarity"):
                continue
        fields = [field.strip() for field in line.split(separator)]
        if len(fields) != width:
            told = "TAB" if separator == "\t" else separator
            raise RecordError(
                f"{where}: expected {width} fields separated by {told}, as in the first line, "
                f"got {len(fields)}"
            )
        first, second, label = fields[-3:]
        if not first or not second:
            raise RecordError(f"{where}: expected two sentences, got an empty one: remove the line")
        pairs.append(Pair(first, second, _number(label, where)))
    if not pairs:
        raise InputError(f"{path}: expected pairs of sentences, got none")
    return pairs


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with open(path, "rb") as file:
        for number, data in enumerate(file, start=1):
            try:
                line = data.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").decode("utf-8")
            except UnicodeDecodeError as error:
                raise RecordError(
                    f"{path}:{number}: expected UTF-8, got byte 0x{data[error.start]:02x}; convert "
                    "the file first, for example: iconv -f GB18030 -t UTF-8"
                ) from None
            if line.strip():
                yield number, line.rstrip("\r\n")


def _number(label: str, where: str) -> float:
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RecordError(f"{where}: label: expected a number, got {label!r}")
    return value


def compare(
    pairs: Sequence[Pair], encoder: Encoder, *, whiten: bool = False, dims: int = 256
) -> tuple[np.ndarray, int]:
    """The cosine of each pair, (n,) float32 from -1 to 1, and the dimensions of the vectors.

    With `whiten` vectors are whitened, as learned from all of `pairs`, and cut to `dims`. A vector
    of zeros is like nothing: 0. Raises ConfigError where the vectors vary in fewer than `dims`.
    """
    if not whiten:
        chunks = list(_encoded(pairs, encoder))
        cosines = [_cosines(vectors) for vectors in chunks]
        return np.concatenate(cosines), chunks[0].shape[1]
    with TemporaryDirectory(prefix="spaces-") as folder:
        store = _stored(pairs, encoder, Path(folder))
        white = Whitening(dims).fit(chunk.vectors for chunk in store)
        cosines = [_cosines(white.transform(chunk.vectors)) for chunk in store]
        del store  # the map is closed before its file goes
    return np.concatenate(cosines), white.kernel_.shape[1]


def _encoded(pairs: Sequence[Pair], encoder: Encoder) -> Iterator[np.ndarray]:
    """The vectors of CHUNK pairs at a time, (2n, d): all first sentences, then all second ones."""
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        yield encoder.encode([pair.first for pair in chunk] + [pair.second for pair in chunk])


def _stored(pairs: Sequence[Pair], encoder: Encoder, folder: Path) -> VectorStore:
    """Those vectors on disk, in half precision; a document of the store is a chunk."""
    chunks = _encoded(pairs, encoder)
    head = next(chunks)

    def documents() -> Iterator[tuple[int, LabelledVectors]]:
        for number, vectors in enumerate(itertools.chain([head], chunks)):
            yield number, LabelledVectors(vectors, np.zeros(len(vectors), dtype=int))

    return write_vectors(folder, documents(), width=head.shape[1])


def _cosines(vectors: np.ndarray) -> np.ndarray:
    """(2n, d) -> (n,): of row i and row n + i."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(lengths > 0, lengths, 1)
    first, second = np.split(units, 2)
    return (first * second).sum(1)


def correlate(
    pairs: Sequence[Pair], encoder: Encoder, *, whiten: bool = False, dims: int = 256
) -> Result:
    """How well the cosines of `compare` rank the pairs as their labels do.

    Raises InputError where all labels are equal, ModelError where all cosines are: neither ranks.
    """
    labels = np.array([pair.label for pair in pairs])
    if len(set(labels.tolist())) < 2:
        raise InputError(
            f"expected pairs with different labels to rank, got {len(labels)} with the same one"
        )
    cosines, size = compare(pairs, encoder, whiten=whiten, dims=dims)
    value = spearman(cosines, labels)
    if math.isnan(value):
        raise ModelError("the vectors of all pairs are equally alike: there is nothing to rank")
    return Result(len(pairs), size, whiten, value)


def spearman(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation: Pearson's of the ranks, where equal values share the average of
    their ranks (Spearman 1904; ties as in Kendall 1945). NaN where all of x or all of y are equal.

    >>> spearman([1, 2, 3, 4], [1, 3, 2, 4])  # 1 - 6 * (1 + 1) / (4 * 15)
    0.8
    """
    a, b = _ranks(np.asarray(x)), _ranks(np.asarray(y))
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt((a @ a) * (b @ b))
    return round(float(a @ b) / scale, 12) if scale else math.nan


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 1, equal values sharing their average: [5, 7, 5] -> [1.5, 3, 1.5]."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    return (ends - (counts - 1) / 2)[place]
