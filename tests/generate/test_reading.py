"""Selective read: match lengths by hand and against a plain version, steps against the whole."""

from __future__ import annotations

import random

import pytest
import torch

from spaces.generate.reading import ReadState, SelectiveRead, match_lengths, weights_of

LONGEST = 3


def plain(ids: list[int], source_length: int, longest: int) -> list[list[int]]:
    """For each place i of the target and j of the source, compared token by token."""
    rows = []
    for i in range(len(ids)):
        row = [0] * len(ids)
        for j in range(1, source_length - 1):
            n = 0
            while (
                n < longest
                and i - n >= source_length
                and j - 1 - n >= 0
                and ids[i - n] == ids[j - 1 - n]
            ):
                n += 1
            row[j] = n
        rows.append(row)
    return rows


def draw(seed: int) -> tuple[list[int], int]:
    """A source and a target of few different tokens, so that long matches happen."""
    rng = random.Random(seed)
    source = [2, *(rng.randint(5, 7) for _ in range(rng.randint(1, 9))), 3]
    target = [2, *(rng.randint(5, 7) for _ in range(rng.randint(0, 6)))]
    return [*source, *target], len(source)


@pytest.mark.parametrize("seed", range(25))
def test_match_lengths_equal_a_plain_count(seed: int) -> None:
    ids, source_length = draw(seed)
    found = match_lengths(torch.tensor([ids]), torch.tensor([source_length]), LONGEST)[0].tolist()
    expected = plain(ids, source_length, LONGEST)
    # a row above the target's first place is of the source: nothing was written there
    assert found[source_length:] == expected[source_length:]
    assert not any(map(any, found[:source_length]))


def test_only_the_longest_matches_are_read() -> None:
    weights = weights_of(torch.tensor([[0, 1, 3, 3], [0, 0, 0, 0]]))
    assert weights.tolist() == [[0, 0, 0.5, 0.5], [0, 0, 0, 0]]


def test_what_is_read_is_the_word_after_the_match() -> None:
    read = SelectiveRead(4, LONGEST)
    words = torch.nn.functional.one_hot(torch.arange(8) % 4, 4).float()[None]
    # source [CLS] 7 8 9 [SEP], target [CLS] 7 8: after 8 stands the 9 of place 3
    out = read(torch.tensor([[2, 7, 8, 9, 3, 2, 7, 8]]), torch.tensor([5]), words)[0]
    assert torch.equal(out[7], read.turn(words[0, 3]))
    assert torch.equal(out[6], read.turn(words[0, 2]))
    assert not out[:5].any()


@torch.no_grad()
def test_steps_equal_the_whole_for_every_beam_through_reorder_and_keep() -> None:
    read, width, steps = SelectiveRead(6, LONGEST), 9, 6
    rng = random.Random(3)
    lengths = torch.tensor([9, 6, 8])
    sources = torch.zeros(3, width, dtype=torch.long)
    for b, n in enumerate(lengths.tolist()):
        sources[b, :n] = torch.tensor([2, *(rng.randint(5, 7) for _ in range(n - 2)), 3])
    mask = torch.arange(width) < lengths[:, None]
    words = torch.randn(3, width, 6)
    state = ReadState(sources, mask, words, 2)
    written = torch.full((3, 2, 0), 0)
    rows = torch.arange(3)
    for step in range(steps):
        token = torch.randint(5, 8, (len(rows), 2)) if step else torch.full((3, 2), 2)
        written = torch.cat([written, token[:, :, None]], dim=2)
        out = read.step(token, state)
        for b, row in enumerate(rows.tolist()):
            n = int(lengths[row])
            for w in range(2):
                ids = torch.cat([sources[row, :n], written[b, w]])[None]
                vectors = torch.zeros(1, ids.shape[1], 6)
                vectors[0, :n] = words[row, :n]
                whole = read(ids, torch.tensor([n]), vectors)[0, -1]
                assert torch.allclose(out[b, w], whole, atol=1e-6)
        if step == 2:
            parents = torch.tensor([[1, 1], [0, 1], [1, 0]])
            state.reorder(parents)
            written = written[torch.arange(3)[:, None], parents]
        if step == 3:
            kept = torch.tensor([0, 2])
            state.keep(kept)
            written, rows = written[kept], rows[kept]
