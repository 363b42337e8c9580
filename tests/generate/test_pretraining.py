"""Pretraining examples: token files, windows, gap clauses, denoising, masked words."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from spaces.errors import ConfigError, InputError, RecordError
from spaces.generate.copying import copy_labels
from spaces.generate.pretraining import (
    Objectives,
    PretrainingExamples,
    principal_scores,
    read_texts,
    store_tokens,
)
from spaces.generate.tokenizer import CLS, MASK, PAD, SEP
from spaces.sentences import split_clauses

VOCABULARY = 60000
Clauses = list[list[int]]


def write(folder: Path, documents: Sequence[Clauses]) -> Path:
    """Token files of documents given as lists of clauses of ids."""
    clauses = [clause for document in documents for clause in document]
    np.asarray([t for clause in clauses for t in clause], dtype=np.uint16).tofile(
        folder / "tokens.bin"
    )
    np.save(folder / "clauses.npy", np.cumsum([0, *map(len, clauses)]))
    np.save(folder / "documents.npy", np.cumsum([0, *map(len, documents)]))
    return folder


@pytest.fixture(scope="module")
def documents() -> list[Clauses]:
    """Clauses of 3 to 12 tokens: a token of their own first, so that each can be told apart, then
    tokens that others have too."""
    random = np.random.default_rng(0)
    names = iter(range(40000, VOCABULARY))

    def clause() -> list[int]:
        shared = random.integers(5, 60, int(random.integers(2, 12))).tolist()
        return [next(names), *shared]

    return [[clause() for _ in range(n)] for n in (40, 3, 0, 25, 60)]


@pytest.fixture(scope="module")
def folder(documents: list[Clauses], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tokens"), documents)


def examples_of(folder: Path, seed: int = 0, **settings) -> PretrainingExamples:
    settings = {"size": 128, "mask_share": 0.0, "denoise_share": 0.0} | settings
    return PretrainingExamples(folder, VOCABULARY, Objectives(**settings), seed)


def window(examples: PretrainingExamples, index: int, documents: list[Clauses]) -> Clauses:
    flat = [clause for document in documents for clause in document]
    first, last = examples.windows[index]
    return flat[first:last]


def parts(example: dict[str, torch.Tensor]) -> tuple[list[int], list[int]]:
    """Source and target of an example without their special tokens."""
    ids = example["input_ids"].tolist()
    middle, end = int(example["source_lengths"]), int(example["lengths"])
    assert ids[0] == CLS
    assert ids[middle - 1 : middle + 1] == [SEP, CLS]
    assert set(ids[end:]) <= {PAD}
    return ids[1 : middle - 1], ids[middle + 1 : end]


# --- files


def test_texts_of_plain_and_packed_files(tmp_path: Path) -> None:
    records = [
        {"text": "甲", "kind": "civil"},
        {"text": "乙", "kind": "criminal"},
        {"text": "丙", "summary": "丁"},
        {"target": "戊", "kind": "civil"},
        {"text": "", "kind": "civil"},
    ]
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (tmp_path / "plain.jsonl").write_text(lines, encoding="utf-8")
    with lzma.open(tmp_path / "packed.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write(lines)
    paths = [tmp_path / "plain.jsonl", tmp_path / "packed.jsonl.xz"]
    assert list(read_texts(paths)) == ["甲", "乙", "丙", "丁", "戊"] * 2
    # a record that does not say its kind is taken
    assert list(read_texts(paths[:1], ["civil"])) == ["甲", "丙", "丁", "戊"]
    with pytest.raises(InputError, match="absent.jsonl: no such corpus file"):
        list(read_texts([tmp_path / "absent.jsonl"]))


def test_stored_tokens_are_those_of_the_clauses(tiny_tokenizer, judgment: str, tmp_path) -> None:
    texts = [judgment, "", "原告，被告。", "\n"]
    store_tokens(texts, tiny_tokenizer, tmp_path)
    tokens = np.memmap(tmp_path / "tokens.bin", dtype=np.uint16, mode="r").tolist()
    clauses, documents = (np.load(tmp_path / f"{n}.npy") for n in ("clauses", "documents"))
    assert len(documents) == len(texts) + 1
    assert clauses[-1] == len(tokens)
    for text, first, last in zip(texts, documents[:-1], documents[1:], strict=True):
        stored = [tokens[clauses[i] : clauses[i + 1]] for i in range(first, last)]
        expected = [
            tiny_tokenizer(clause.text, add_special_tokens=False)["input_ids"]
            for clause in split_clauses(text)
        ]
        assert stored == [ids for ids in expected if ids]
    assert documents[1] > 5


class CodePoints:
    """A tokenizer of as many ids as 16 bits can number: a character's code."""

    def __len__(self) -> int:
        return 2**16

    def __call__(self, texts: list[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        assert not add_special_tokens
        return {"input_ids": [[ord(c) for c in text] for text in texts]}


def test_large_ids_are_stored(tmp_path: Path) -> None:
    text = "本院认为，借款应还。\uffff"
    store_tokens([text], CodePoints(), tmp_path)
    examples = PretrainingExamples(tmp_path, 2**16, Objectives(size=64))
    assert "".join(map(chr, examples.tokens.tolist())) == text


def test_ids_up_to_16_bits_come_back_from_the_memory_map(tmp_path: Path) -> None:
    clause = [65535, 32768, 5, *range(60000, 60040)]
    examples = PretrainingExamples(
        write(tmp_path, [[clause]]), 2**16, Objectives(size=128, mask_share=0.0, denoise_share=1.0)
    )
    assert isinstance(examples.tokens, np.memmap)
    assert parts(examples[0])[1] == clause


def test_a_vocabulary_that_16_bits_cannot_number_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="65537"):
        store_tokens([], range(2**16 + 1), tmp_path)


# --- windows


def test_windows_tile_the_documents(folder: Path, documents: list[Clauses]) -> None:
    examples = examples_of(folder)
    room = int(128 * 0.75) - 2
    taken = Counter(i for first, last in examples.windows for i in range(first, last))
    assert max(taken.values()) == 1
    begin = 0
    for document in documents:
        inside = [w for w in examples.windows.tolist() if begin <= w[0] < begin + len(document)]
        assert all(last <= begin + len(document) for _, last in inside)  # never across documents
        reached = begin
        for first, last in inside:
            assert first == reached
            reached = last
        # what is left at the end is too short to learn from
        rest = sum(map(len, document[reached - begin :]))
        assert rest < 32
        begin += len(document)
    assert sum(map(len, documents[1])) < 32  # that document has no window
    for i in range(len(examples)):
        length = sum(map(len, window(examples, i, documents)))
        assert 32 <= length <= room


def test_a_clause_longer_than_a_source_is_a_window_of_its_own(tmp_path: Path) -> None:
    long = [7] * 300
    examples = examples_of(write(tmp_path, [[[8] * 20, [9] * 20, long, [10] * 40]]))
    assert examples.windows.tolist() == [[0, 2], [2, 3], [3, 4]]
    source, _ = parts(examples[1])
    assert source == [7] * examples.objectives.source_room


def test_windows_are_as_large_as_they_can_be(tmp_path: Path) -> None:
    room = Objectives(size=128).source_room
    exact = [[7] * (room - 40), [8] * 40, [9] * 40]
    assert examples_of(write(tmp_path, [exact])).windows.tolist() == [[0, 2], [2, 3]]


# --- examples


@pytest.mark.parametrize("denoise_share", [0.0, 0.5, 1.0])
def test_every_example_has_the_layout(folder: Path, denoise_share: float) -> None:
    for example in examples_of(folder, mask_share=0.2, denoise_share=denoise_share):
        source, target = parts(example)
        middle, end = int(example["source_lengths"]), int(example["lengths"])
        labels, copy = example["labels"].tolist(), example["copy_labels"].tolist()
        assert {len(example[n]) for n in ("input_ids", "labels", "copy_labels")} == {128}
        assert target
        # each target place predicts the next token, the last one the end
        assert labels[middle:end] == [*target, SEP]
        assert copy[middle:end] == [*copy_labels(source, target), 0]
        assert labels[0] == labels[middle - 1] == -100
        assert set(copy[:middle]) | set(labels[end:]) | set(copy[end:]) == {-100}


def test_the_same_index_and_seed_give_the_same_example(folder: Path) -> None:
    settings = {"mask_share": 0.2, "denoise_share": 0.5}
    first, again = examples_of(folder, **settings), examples_of(folder, **settings)
    other = examples_of(folder, seed=1, **settings)
    expected = [first[i] for i in range(len(first))]
    for i in reversed(range(len(first))):  # in any order
        assert all(torch.equal(again[i][name], expected[i][name]) for name in expected[i])
    ids = [e["input_ids"] for e in expected]
    assert sum(not torch.equal(a, other[i]["input_ids"]) for i, a in enumerate(ids)) > len(ids) / 2


@pytest.mark.parametrize("removed", [0.0, 0.5, 1.0])
def test_gap_clauses_stand_in_the_source_or_behind_a_mask(
    folder: Path, documents: list[Clauses], removed: float
) -> None:
    examples, masks, shown = examples_of(folder, gap_removed=removed), 0, 0
    for i in range(len(examples)):
        source, target = parts(examples[i])
        expected_target, place = [], 0
        for clause in window(examples, i, documents):
            chosen = clause[0] in target
            expected_target += clause if chosen else []
            if source[place] == MASK:
                assert chosen
                masks, place = masks + 1, place + 1
            else:
                assert source[place : place + len(clause)] == clause
                shown, place = shown + chosen, place + len(clause)
        assert place == len(source)
        assert target == expected_target  # whole clauses, in the order of the document
        assert len(target) <= examples.objectives.target_room
    assert masks + shown > len(examples)
    assert masks / (masks + shown) == pytest.approx(removed, abs=0.3)


def test_gap_clauses_are_the_principal_ones(tmp_path: Path) -> None:
    aside = [[100 + 10 * i + j for j in range(10)] for i in range(6)]
    principal = [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]
    clauses = [*aside[:3], principal, *aside[3:], principal[:8]]
    examples = examples_of(write(tmp_path, [clauses]), size=120, gap_removed=0.0)
    assert len(examples) == 1
    assert examples.objectives.target_room == 28
    assert parts(examples[0])[1] == [*principal, *principal[:8]]


def test_denoising_restores_the_order_and_the_words(folder: Path, documents: list[Clauses]) -> None:
    examples, kept, hidden, total, shuffled = examples_of(folder, denoise_share=1.0), 0, 0, 0, 0
    for i in range(len(examples)):
        source, target = parts(examples[i])
        clauses = window(examples, i, documents)
        # the target: some clauses in a row, as they stand in the judgment
        stretches = [
            sum(clauses[a:b], [])
            for a in range(len(clauses))
            for b in range(a + 1, len(clauses) + 1)
        ]
        assert target in stretches
        assert len(target) <= 128 // 2
        # the source: nothing but words of the target and masks
        words = Counter(source)
        hidden += words.pop(MASK, 0)
        assert words <= Counter(target)
        kept, total = kept + sum(words.values()), total + len(target)
        names = [t for t in source if t >= 40000]
        shuffled += names != sorted(names)
    assert kept / total == pytest.approx(0.9, abs=0.04)
    assert hidden / total == pytest.approx(0.05, abs=0.03)
    assert shuffled > len(examples) / 2


def test_masked_places_ask_for_the_clean_token(folder: Path, documents: list[Clauses]) -> None:
    examples = examples_of(folder, mask_share=0.4, gap_removed=0.0)
    masked = replaced = same = total = 0
    for i in range(len(examples)):
        noisy, _ = parts(examples[i])
        clean = sum(window(examples, i, documents), [])
        asked = examples[i]["labels"].tolist()[1 : len(noisy) + 1]
        for token, true, label in zip(noisy, clean, asked, strict=True):
            assert label in (-100, true)
            assert token == true or label == true  # what was changed is asked for
            if label != -100:
                masked += token == MASK
                replaced += token not in (MASK, true)
                same += token == true
                assert token >= MASK  # [PAD], [CLS] and the like never stand in for a word
        total += len(noisy)
    count = masked + replaced + same
    assert count / total == pytest.approx(0.4, abs=0.05)
    assert masked / count == pytest.approx(0.8, abs=0.05)
    assert replaced / count == pytest.approx(0.1, abs=0.05)


def test_a_hidden_clause_is_not_asked_for_in_place(folder: Path) -> None:
    gaps = 0
    for example in examples_of(folder, mask_share=1.0, gap_removed=1.0):
        source, _ = parts(example)
        labels = example["labels"].tolist()[1 : len(source) + 1]
        assert MASK not in labels  # where a clause was taken out there is no clean token
        gaps += labels.count(-100)
    assert gaps


# --- scores and settings


def test_principal_scores_equal_a_plain_rouge_1(documents: list[Clauses]) -> None:
    clauses = [clause[1:] for clause in documents[0]]
    expected = []
    for i, clause in enumerate(clauses):
        rest = Counter(t for j, other in enumerate(clauses) if j != i for t in other)
        hits = sum((Counter(clause) & rest).values())
        precision, recall = hits / len(clause), hits / sum(rest.values())
        expected.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    assert principal_scores(clauses).tolist() == pytest.approx(expected)
    assert len(set(expected)) > 10
    assert principal_scores([[1, 2], [1, 2, 3], [9]]).tolist() == pytest.approx([2 / 3, 2 / 3, 0])


@pytest.mark.parametrize("name", ["source_share", "denoise_share", "gap_removed", "mask_share"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_share_outside_its_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"pretrain.{name} must lie between 0 and 1"):
        Objectives(**{name: value})


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_a_source_and_a_target_need_room(share: float) -> None:
    with pytest.raises(ConfigError, match="pretrain.source_share"):
        Objectives(size=100, source_share=share)


def test_corpus_lines_in_sentences_are_joined_and_broken_ones_named(tmp_path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": [{"sentence": "甲。"}, {"sentence": "乙。"}]}\n[1]\n', "utf-8")
    texts = read_texts([path])
    assert next(texts) == "甲。\n乙。"
    with pytest.raises(RecordError, match="corpus.jsonl:2: expected a JSON object, got list"):
        next(texts)
    path.write_text("{\n", "utf-8")
    with pytest.raises(RecordError, match="corpus.jsonl:1"):
        next(read_texts([path]))
