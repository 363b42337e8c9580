"""No ruling before an answer, a finding, a reason and the statutes."""

from __future__ import annotations

import torch

from spaces.generate.cues import CueTokens
from spaces.generate.grounds import ANSWER, FACT, OTHER, REASON, STATUTE, Grounds
from spaces.generate.tokenizer import SEP

THINKS, CITES, ALSO_CITES, RULES, WORD, SIZE = 10, 11, 12, 13, 14, 16
CUES = CueTokens(reasons=(THINKS,), statutes=(CITES, ALSO_CITES), rulings=(RULES,))
# facts, two reasons, statutes, the ruling
SOURCE = [OTHER, REASON, REASON, STATUTE, STATUTE, OTHER]
NO, YES = torch.tensor([[False]]), torch.tensor([[True]])


def grounds_of(*sources: list[int], cues: CueTokens = CUES) -> Grounds:
    return Grounds(torch.tensor(sources), cues)


def untold(grounds: Grounds, furthest: int, ruled: torch.Tensor = NO) -> torch.Tensor:
    return grounds.untold(torch.tensor([[furthest]]), ruled)


def begins(grounds: Grounds, furthest: int) -> list[int]:
    return grounds.reachable(untold(grounds, furthest))[0, 0].nonzero().flatten().tolist()


def announced(
    grounds: Grounds, furthest: int, behind_stop: torch.Tensor = YES, **logits: float
) -> tuple[dict, list, list]:
    """The logits that are not 0, what is early, and what is due."""
    values = torch.zeros(1, 1, SIZE)
    for name, value in logits.items():
        values[..., globals()[name]] = value
    raised, early, due = grounds.announce(
        values, untold(grounds, furthest), behind_stop=behind_stop
    )
    ids = [mask[0, 0].nonzero().flatten().tolist() for mask in (early, due)]
    return {i: v for i, v in enumerate(raised[0, 0].tolist()) if v}, *ids


def test_runs_begin_no_further_than_what_is_due() -> None:
    grounds = grounds_of(SOURCE)
    assert begins(grounds, -1) == begins(grounds, 0) == [0, 1, 2]  # a reason is due
    assert begins(grounds, 1) == begins(grounds, 2) == [0, 1, 2, 3, 4]  # the statutes are
    assert begins(grounds, 3) == [0, 1, 2, 3, 4, 5]


def test_statutes_are_told_from_their_first_word_on() -> None:
    grounds = grounds_of(SOURCE, [OTHER] * 6)
    cited = [grounds.cited(torch.full((2, 1), place)).flatten().tolist() for place in (2, 3, 5)]
    assert cited == [[False, False], [True, False], [True, False]]


def test_what_the_source_lacks_is_not_waited_for() -> None:
    everywhere = list(range(6))
    assert begins(grounds_of([OTHER] * 6), -1) == everywhere
    assert begins(grounds_of([OTHER, REASON] + [OTHER] * 4), 1) == everywhere
    assert begins(grounds_of([OTHER, OTHER, STATUTE, OTHER, OTHER, OTHER]), -1) == [0, 1, 2]


def test_a_ruling_that_was_announced_is_told() -> None:
    grounds = grounds_of(SOURCE)
    assert untold(grounds, -1).tolist() == [[[False, False, True, True]]]
    assert not untold(grounds, -1, ruled=YES).any()


def test_what_comes_too_early_gives_way_to_what_is_due() -> None:
    grounds = grounds_of(SOURCE)
    early = [CITES, ALSO_CITES, RULES]
    assert announced(grounds, -1, RULES=3.0) == ({RULES: 3.0, THINKS: 3.0}, early, [THINKS])
    assert announced(grounds, -1, CITES=2.0) == ({CITES: 2.0, THINKS: 2.0}, early, [THINKS])
    assert announced(grounds, -1, SEP=1.0) == ({SEP: 1.0, THINKS: 1.0}, early, [THINKS])
    assert announced(grounds, -1, THINKS=5.0, RULES=3.0)[0] == {THINKS: 5.0, RULES: 3.0}
    assert announced(grounds, 2, RULES=3.0) == ({RULES: 3.0, CITES: 3.0}, [RULES], [CITES])
    assert announced(grounds, 4, RULES=3.0) == ({RULES: 3.0}, [], [])
    # not within a clause
    assert announced(grounds, -1, NO, RULES=3.0) == ({RULES: 3.0}, early, [THINKS])


def test_answers_and_findings_come_before_the_reasons() -> None:
    answers, finds = 5, 6
    cues = CueTokens(
        answers=(answers,),
        facts=(finds,),
        findings=(finds, THINKS, CITES),
        reasons=(THINKS,),
        statutes=(CITES,),
        rulings=(RULES,),
    )
    grounds = grounds_of([OTHER, ANSWER, FACT, REASON, STATUTE, OTHER], cues=cues)
    assert [len(begins(grounds, told)) for told in (-1, 0, 1, 2, 3, 4)] == [2, 2, 3, 4, 5, 6]
    early = [finds, THINKS, CITES, RULES]
    assert announced(grounds, 0, THINKS=3.0) == ({THINKS: 3.0, answers: 3.0}, early, [answers])
    assert announced(grounds, 1, THINKS=3.0) == ({THINKS: 3.0, finds: 3.0}, early[1:], [finds])
    assert announced(grounds, 2, CITES=3.0)[1:] == (early[2:], [THINKS])
    # a judgment whose reasons stand before what it found
    grounds = grounds_of([OTHER, REASON, FACT, OTHER], cues=cues)
    assert [len(begins(grounds, told)) for told in (-1, 1, 2)] == [2, 3, 4]


def test_without_words_to_announce_it_nothing_is_kept_back() -> None:
    grounds = grounds_of(SOURCE, cues=CueTokens(rulings=(RULES,)))
    assert announced(grounds, -1, RULES=3.0) == ({RULES: 3.0}, [], [])


def test_grounds_go_with_their_documents() -> None:
    grounds = grounds_of(SOURCE, [OTHER] * 6)
    grounds.keep(torch.tensor([1]))
    assert begins(grounds, -1) == list(range(6))


def test_cues_of_grounds_among_pieces() -> None:
    pieces = ["本院认为", "依照", "依据", "根据", "我认为", "判决如下", "被告辩称", "经审理查明"]
    cues = CueTokens.of([*pieces, "辩称", "查明"])
    assert (cues.reasons, cues.statutes) == ((0,), (1, 2))
    assert (cues.answers, cues.facts) == ((6,), (7,))
