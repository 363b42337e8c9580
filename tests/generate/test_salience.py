"""What the labeller thinks of each clause, in the logits of a step: numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from spaces.generate.copying import BEGIN, INSIDE, OUTSIDE, CopyState
from spaces.generate.salience import Salience
from spaces.generate.tokenizer import CLS, SEP

# two clauses: 10 11 (probability 0.9) and 12 11 13 (0.1)
SOURCE = torch.tensor([[CLS, 10, 11, 12, 11, 13, SEP]])
MASK = torch.ones_like(SOURCE, dtype=torch.bool)
PROBABILITIES = torch.tensor([[0.0, 0.9, 0.9, 0.1, 0.1, 0.1, 0.0]])
NINE = math.log(9)  # the log odds of 0.9


def begun(*copied: int) -> CopyState:
    state = CopyState(source_ids=SOURCE, source_mask=MASK, beams=1)
    for place, token in enumerate(copied):
        tag = torch.tensor([[INSIDE if place else BEGIN]])
        state.advance(tags=tag, tokens=torch.tensor([[token]]))
    return state


def added(salience: Salience, state: CopyState, tag: int) -> list[float]:
    return salience.tokens(state, tags=torch.tensor([[tag]]), vocab_size=20)[0, 0].tolist()


def test_without_probabilities_passing_over_costs_by_the_number_of_tokens() -> None:
    salience = Salience(source_mask=MASK, skip_cost=100.0)
    found = added(salience, begun(10), BEGIN)
    assert [found[token] for token in (11, 12, 13)] == [0, -1, -3]  # the nearest 11 counts
    assert not any(added(salience, begun(10), OUTSIDE))
    assert not salience.tags(begun(10)).any()


def test_passing_over_costs_by_what_is_passed_over() -> None:
    salience = Salience(source_mask=MASK, probabilities=PROBABILITIES, skip_cost=100.0)
    assert added(salience, begun(10), BEGIN)[12] == pytest.approx(-0.9)
    assert added(salience, begun(10), BEGIN)[13] == pytest.approx(-0.9 - 0.2)


def test_a_probable_clause_is_begun_sooner_than_an_improbable_one() -> None:
    salience = Salience(source_mask=MASK, probabilities=PROBABILITIES, keep_weight=0.5)
    found = added(salience, begun(), BEGIN)
    assert found[10] == pytest.approx(0.5 * NINE, abs=1e-3)
    assert found[13] == pytest.approx(-0.5 * NINE, abs=1e-3)
    assert found[11] == pytest.approx(0.5 * NINE, abs=1e-3)  # the better of its places
    # a run that is under way is no beginning
    assert added(salience, begun(12), INSIDE)[11] == 0


def test_a_run_goes_on_into_the_next_clause_as_that_is_probable() -> None:
    salience = Salience(source_mask=MASK, probabilities=PROBABILITIES, keep_weight=1.0)
    at_border = salience.tags(begun(10, 11))[0, 0]
    assert at_border[INSIDE].item() == pytest.approx(-NINE, abs=1e-3)
    assert not at_border[[OUTSIDE, BEGIN]].any()
    assert not salience.tags(begun(10)).any()  # within a clause
    assert not salience.tags(begun()).any()  # no run


def test_a_clause_at_the_threshold_is_neither_favoured_nor_put_off() -> None:
    salience = Salience(
        source_mask=MASK, probabilities=PROBABILITIES, threshold=0.9, keep_weight=1.0
    )
    assert added(salience, begun(), BEGIN)[10] == pytest.approx(0.0, abs=1e-3)
    assert added(salience, begun(), BEGIN)[12] < -4 + 1e-3  # as far as log odds count


def test_ending_passes_over_all_that_is_left() -> None:
    salience = Salience(source_mask=MASK, probabilities=PROBABILITIES, end_cost=100.0)
    assert added(salience, begun(), OUTSIDE)[SEP] == pytest.approx(-2.1)
    assert added(salience, begun(10, 11), OUTSIDE)[SEP] == pytest.approx(-0.3)


def test_documents_that_are_done_leave() -> None:
    both = Salience(
        source_mask=MASK.expand(2, -1),
        probabilities=torch.cat([PROBABILITIES.flip(1), PROBABILITIES]),
        keep_weight=1.0,
        skip_cost=10.0,
    )
    both.keep(torch.tensor([1]))
    alone = Salience(source_mask=MASK, probabilities=PROBABILITIES, keep_weight=1.0, skip_cost=10.0)
    assert added(both, begun(10), BEGIN) == added(alone, begun(10), BEGIN)
