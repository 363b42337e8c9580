"""Sentence vectors of a whole corpus on disk, in half precision, read through a memory map.

The vectors of a few hundred thousand clauses fill gigabytes when they are padded in memory; here a
directory holds them end to end, and a document is a view of its rows, so memory stays flat whatever
the size of the corpus:

- `vectors.f16`: rows of `width` little-endian half-precision numbers, document after document;
- `index.jsonl`: `{"format": 1, "width": 320}`, then for each document `{"id": …, "labels":
  "0100…"}`, a digit per row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spaces.errors import InputError, ModelError

__all__ = ["LabelledVectors", "VectorStore", "join_stores", "write_vectors"]

FORMAT = 1
VECTORS, INDEX = "vectors.f16", "index.jsonl"


@dataclass(frozen=True)
class LabelledVectors:
    """The clauses of one judgment: `vectors` (n, d) float16 or float32, `labels` (n,) of 0 and 1,
    or of probabilities to learn from (a store keeps 0 and 1).

    Raises ValueError when the shapes do not fit together.
    """

    vectors: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        if np.ndim(self.vectors) != 2 or np.shape(self.labels) != np.shape(self.vectors)[:1]:
            raise ValueError(
                f"expected vectors (n, d) and labels (n,), "
                f"got {np.shape(self.vectors)} and {np.shape(self.labels)}"
            )

    def __len__(self) -> int:
        return len(self.vectors)


def write_vectors(
    directory: str | Path, documents: Iterable[tuple[str | int, LabelledVectors]], *, width: int
) -> VectorStore:
    """Write `(id, document)` one by one, as they come, and open the store.

    What an interrupted call leaves is never taken for a store: the index gets its name last. Raises
    ModelError for vectors of another width, and for numbers that half precision cannot hold.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / INDEX).unlink(missing_ok=True)
    part_vectors, part_index = directory / (VECTORS + ".partial"), directory / (INDEX + ".partial")
    with (
        open(part_vectors, "wb") as vectors,
        open(part_index, "w", encoding="utf-8", newline="\n") as index,
    ):
        index.write(json.dumps({"format": FORMAT, "width": width}) + "\n")
        for key, document in documents:
            if document.vectors.shape[1] != width:
                raise ModelError(
                    f"document {key!r}: expected vectors of {width}, "
                    f"got {document.vectors.shape[1]}"
                )
            with np.errstate(
                over="ignore"
            ):  # becomes infinity, which the next line reports with the document's id
                half = document.vectors.astype("<f2")
            if not np.isfinite(half).all():
                raise ModelError(
                    f"document {key!r}: expected finite vectors below 65504, got infinity or NaN: "
                    "check the encoder's weights"
                )
            vectors.write(half.tobytes())
            labels = "".join("1" if label else "0" for label in document.labels)
            index.write(json.dumps({"id": key, "labels": labels}, ensure_ascii=False) + "\n")
    os.replace(part_vectors, directory / VECTORS)
    os.replace(part_index, directory / INDEX)
    return VectorStore(directory)


def join_stores(directory: str | Path, parts: Iterable[Path], *, width: int) -> VectorStore:
    """The stores in `parts`, one behind the other, written into `directory` and opened. One part
    is open at a time."""

    def documents() -> Iterator[tuple[str | int, LabelledVectors]]:
        for part in parts:
            store = VectorStore(part)
            yield from zip(store.ids, store, strict=True)

    return write_vectors(directory, documents(), width=width)


class VectorStore(Sequence[LabelledVectors]):
    """What `write_vectors` wrote, as a sequence of documents; `ids[i]` is the id of document i,
    `width` that of a vector.

    Raises InputError when the directory is not a whole store.
    """

    def __init__(self, directory: str | Path) -> None:
        directory = Path(directory)
        try:
            header, *rows = _read_index(directory / INDEX)
            self.width = int(header["width"])
            if header["format"] != FORMAT:
                raise InputError(
                    f"{directory}: expected format {FORMAT}, got {header['format']}: write anew"
                )
            self.ids: list[str | int] = [row["id"] for row in rows]
            digits = "".join(row["labels"] for row in rows).encode("ascii")
            self._labels = np.frombuffer(digits, dtype=np.uint8) - ord("0")
            self._ends = np.cumsum([0] + [len(row["labels"]) for row in rows])
            size = (directory / VECTORS).stat().st_size
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{directory}: expected stored sentence vectors ({INDEX}, {VECTORS}), "
                f"got {error!r}: write them anew"
            ) from error
        total = int(self._ends[-1])
        if size != 2 * total * self.width:
            raise InputError(
                f"{directory / VECTORS}: expected {2 * total * self.width} bytes "
                f"for {total} vectors of {self.width}, "
                f"got {size}: write them anew"
            )
        if size:
            self._vectors = np.memmap(
                directory / VECTORS, dtype="<f2", mode="r", shape=(total, self.width)
            )
        else:  # a file of nothing cannot be mapped
            self._vectors = np.zeros((0, self.width), dtype="<f2")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place):
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        start, end = self._ends[place], self._ends[place + 1]
        return LabelledVectors(vectors=self._vectors[start:end], labels=self._labels[start:end])


def _read_index(path: Path) -> Iterator[dict]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
