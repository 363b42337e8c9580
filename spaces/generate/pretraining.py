"""Pretraining from nothing: the generator learns to copy, to select and to fill gaps in this
language.

Every example is a source and a target under the UniLM mask, as in the task itself, and three things
are learned at once:

- *gap clauses* (PEGASUS, Zhang et al. 2020): of a stretch of a judgment the clauses that say most
  of what the rest says (their ROUGE-1 against it) are the target; some of them are taken out of the
  source, most stay and must be found and copied;
- *denoising* (BART, Lewis et al. 2020): a short text is the target, its clauses shuffled and
  thinned out the source;
- *masked words* (BERT): a tenth of the source tokens are hidden or replaced and asked for in place,
  which is what makes the mean of the hidden states a usable sentence vector.

Copy tags come from the same LCS as in training proper. Token ids lie on disk as 16-bit integers and
are memory-mapped: the memory taken does not grow with the corpus.
"""

from __future__ import annotations

import json
import lzma
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from spaces.errors import ConfigError, InputError, RecordError
from spaces.generate.copying import copy_labels
from spaces.generate.model import IGNORE
from spaces.generate.tokenizer import CLS, MASK, PAD, SEP, SPECIAL_TOKENS
from spaces.sentences import split_clauses


@dataclass(frozen=True)
class Objectives:
    """How examples are made; shares are probabilities, lengths count tokens.

    `size` is the fixed length of an example; its source may take `source_share` of it.
    """

    size: int = 448
    source_share: float = 0.75
    denoise_share: float = 0.25
    gap_removed: float = 0.25
    mask_share: float = 0.1

    def __post_init__(self) -> None:
        for name in ("source_share", "denoise_share", "gap_removed", "mask_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"pretrain.{name} must lie between 0 and 1, not {getattr(self, name)}"
                )
        if self.source_room < 1 or self.target_room < 1:
            raise ConfigError(
                f"pretrain.size = {self.size} and pretrain.source_share = {self.source_share} leave"
                f" {max(self.source_room, 0)} tokens for a source and {max(self.target_room, 0)}"
                " for its target; each needs one at least"
            )

    @property
    def source_room(self) -> int:
        """Tokens of a source, [CLS] and [SEP] not counted."""
        return int(self.size * self.source_share) - 2

    @property
    def target_room(self) -> int:
        return self.size - self.source_room - 4


def read_texts(paths: Iterable[str | Path], kinds: Sequence[str] = ()) -> Iterator[str]:
    """Texts of JSON-lines files, plain or .xz: `text`, `summary` or `target` of each; `kinds` keeps
    only those kinds. A text in sentences is joined with line breaks. Raises InputError for a file
    that is not there, RecordError for a line that is no JSON object."""
    for path in map(Path, paths):
        if not path.is_file():
            raise InputError(f"{path}: no such corpus file; check data.corpus in the config")
        opener = lzma.open if path.suffix == ".xz" else open
        with opener(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                record = _parse(line, f"{path}:{number}")
                if not kinds or record.get("kind", "") in kinds or "kind" not in record:
                    for name in ("text", "summary", "target"):
                        text = record.get(name)
                        if isinstance(text, list):
                            text = "\n".join(sentence["sentence"] for sentence in text)
                        if text:
                            yield text


def _parse(line: str, where: str) -> dict:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecordError(f"{where}: expected a JSON object, got {error}") from error
    if not isinstance(record, dict):
        raise RecordError(f"{where}: expected a JSON object, got {type(record).__name__}")
    return record


def store_tokens(texts: Iterable[str], tokenizer, folder: str | Path) -> None:
    """Tokenize clause by clause into `tokens.bin` (uint16), with `clauses.npy` (where clauses
    begin) and `documents.npy`.

    Raises ConfigError for a vocabulary that 16 bits cannot number.
    """
    if len(tokenizer) > 2**16:
        raise ConfigError(
            f"a vocabulary of {len(tokenizer)} does not fit 16-bit ids: at most 65536"
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # arrays, not lists: a number takes 8 bytes instead of 40
    clause_starts, document_starts, position = array("q"), array("q"), 0
    with open(folder / "tokens.bin", "wb") as file:
        for text in texts:
            document_starts.append(len(clause_starts))
            clauses = [clause.text for clause in split_clauses(text)]
            if not clauses:
                continue
            for ids in tokenizer(clauses, add_special_tokens=False)["input_ids"]:
                if ids:
                    clause_starts.append(position)
                    file.write(np.asarray(ids, dtype=np.uint16).tobytes())
                    position += len(ids)
    document_starts.append(len(clause_starts))
    clause_starts.append(position)
    np.save(folder / "clauses.npy", np.frombuffer(clause_starts, dtype=np.int64))
    np.save(folder / "documents.npy", np.frombuffer(document_starts, dtype=np.int64))


def join_tokens(parts: Iterable[str | Path], folder: str | Path) -> None:
    """What `store_tokens` wrote into the folders `parts`, one behind the other, into `folder`."""
    folder, done = Path(folder), []
    with open(folder / "tokens.bin", "wb") as whole:
        for part in map(Path, parts):
            with open(part / "tokens.bin", "rb") as file:
                shutil.copyfileobj(file, whole)
            done.append(part)
    for name in ("clauses.npy", "documents.npy"):
        counts = [len(np.load(part / name, mmap_mode="r")) - 1 for part in done]
        # on disk from the first: a corpus has millions of clauses
        joined = np.lib.format.open_memmap(folder / name, "w+", np.int64, (1 + sum(counts),))
        end = 0
        for part, count in zip(done, counts, strict=True):
            # each part's first start is where the part before ended
            joined[end + 1 : end + 1 + count] = joined[end] + np.load(part / name)[1:]
            end += count
        joined.flush()


class PretrainingExamples(torch.utils.data.Dataset):
    """Windows of the stored documents, each turned into an example; the same index and seed give
    the same example."""

    def __init__(self, folder: str | Path, vocab_size: int, objectives: Objectives, seed: int = 0):
        folder = Path(folder)
        self.tokens = np.memmap(folder / "tokens.bin", dtype=np.uint16, mode="r")
        self.clauses = np.load(folder / "clauses.npy", mmap_mode="r")
        self.vocab_size, self.objectives, self.seed = vocab_size, objectives, seed
        self.source_room = objectives.source_room
        self.windows = self._windows(np.load(folder / "documents.npy"))

    def _windows(self, documents: np.ndarray) -> np.ndarray:
        """Stretches of whole clauses that fill a source, (n, 2) first and last clause; short ends
        are dropped."""
        starts = np.asarray(self.clauses)
        windows = []
        for first, last in zip(documents[:-1], documents[1:], strict=True):
            begin = int(first)
            while begin < last:
                end = int(np.searchsorted(starts, starts[begin] + self.source_room, "right")) - 1
                end = min(max(end, begin + 1), int(last))
                if starts[end] - starts[begin] >= 32:
                    windows.append((begin, end))
                begin = end
        return np.asarray(windows, dtype=np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        random = np.random.default_rng([self.seed, index])
        first, last = self.windows[index]
        bounds = np.asarray(self.clauses[first : last + 1])
        clauses = [
            self.tokens[a:b][: self.source_room].tolist()
            for a, b in zip(bounds[:-1], bounds[1:], strict=True)
        ]
        if random.random() < self.objectives.denoise_share:
            source, target = self._denoise(clauses, random)
        else:
            source, target = self._gaps(clauses, random)
        return self._example(source, target, random)

    def _gaps(self, clauses: list[list[int]], random) -> tuple[list[int], list[int]]:
        """Source: the clauses, some of the principal ones hidden behind one [MASK]; target: the
        principal ones."""
        room = self.objectives.target_room
        chosen, used = set(), 0
        for i in np.argsort(-principal_scores(clauses), kind="stable"):
            if used + len(clauses[i]) <= min(room, max(len(c) for c in clauses) + room // 2):
                chosen.add(int(i))
                used += len(clauses[i])
        source, target = [], []
        for i, clause in enumerate(clauses):
            if i not in chosen:
                source += clause
                continue
            target += clause
            source += [MASK] if random.random() < self.objectives.gap_removed else clause
        return source, target

    def _denoise(self, clauses: list[list[int]], random) -> tuple[list[int], list[int]]:
        """Target: clauses in order, about half of an example; source: the same, shuffled, words
        dropped or hidden."""
        room = self.objectives.size // 2 - 4
        begin = int(random.integers(len(clauses)))
        kept: list[list[int]] = []
        for clause in clauses[begin:]:
            if sum(map(len, kept)) + len(clause) > room:
                break
            kept.append(clause)
        kept = kept or [clauses[begin][:room]]
        source: list[int] = []
        for i in random.permutation(len(kept)):
            for token in kept[i]:
                chance = random.random()
                if chance >= 0.1:
                    source.append(token)
                elif chance < 0.05:
                    source.append(MASK)
        return source, [token for clause in kept for token in clause]

    def _example(self, source: list[int], target: list[int], random) -> dict[str, torch.Tensor]:
        clean = np.asarray(source, dtype=np.int64)
        noisy, hidden = clean.copy(), random.random(len(clean)) < self.objectives.mask_share
        kind = random.random(len(clean))
        noisy[hidden & (kind < 0.8)] = MASK
        replaced = hidden & (kind >= 0.9)
        noisy[replaced] = random.integers(len(SPECIAL_TOKENS), self.vocab_size, replaced.sum())
        ids = np.concatenate([[CLS], noisy, [SEP, CLS], target]).astype(np.int64)
        in_place = np.where(hidden & (clean != MASK), clean, IGNORE)
        labels = np.concatenate([[IGNORE], in_place, [IGNORE], target, [SEP]])
        tags = copy_labels(noisy.tolist(), list(target))
        copy = np.concatenate([np.full(len(clean) + 2, IGNORE), tags, [0]])
        size = self.objectives.size
        return {
            "input_ids": _fixed(ids, size, PAD),
            "labels": _fixed(labels, size, IGNORE),
            "copy_labels": _fixed(copy, size, IGNORE),
            "source_lengths": torch.tensor(len(clean) + 2),
            "lengths": torch.tensor(min(len(ids), size)),
        }


def principal_scores(clauses: Sequence[Sequence[int]]) -> np.ndarray:
    """ROUGE-1 F1 of each clause against all the others, (n,).

    The first has 2 hits, 2 tokens of its own and 4 in the rest, the second 2 hits, 3 and 3:

    >>> principal_scores([[1, 2], [1, 2, 3], [9]])
    array([0.66666667, 0.66666667, 0.        ])
    """
    flat = np.concatenate([np.asarray(c, dtype=np.int64) for c in clauses])
    values, inverse = np.unique(flat, return_inverse=True)
    totals = np.bincount(inverse, minlength=len(values))
    scores, begin = np.zeros(len(clauses)), 0
    for i, clause in enumerate(clauses):
        own = np.bincount(inverse[begin : begin + len(clause)], minlength=len(values))
        begin += len(clause)
        scores[i] = 2 * np.minimum(own, totals - own).sum() / len(flat)
    return scores


def _fixed(values: np.ndarray, size: int, fill: int) -> torch.Tensor:
    out = np.full(size, fill, dtype=np.int64)
    out[: min(len(values), size)] = values[:size]
    return torch.from_numpy(out)
