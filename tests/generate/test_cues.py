"""Runs begin in the section the cue speaks of."""

from __future__ import annotations

import torch

from spaces.generate.cues import CueState, CueTokens
from spaces.generate.tokenizer import SEP
from spaces.sections import SECTIONS

CLAIMS, DEFENCES, FINDINGS, RULING, RULINGS, WORD, COLON = range(10, 17)
CUES = CueTokens(
    claim=(CLAIMS,),
    defence=(DEFENCES,),
    findings=(FINDINGS,),
    ruling=(RULING,),
    rulings=(RULINGS,),
    colons=(COLON,),
)
HEAD, CLAIM, DEFENCE, FACTS, REASONS, RULED, TAIL = range(2, 2 + len(SECTIONS))
SOURCE = [0, HEAD, CLAIM, CLAIM, DEFENCE, FACTS, RULED, 0]
UNRULED = [0, 1, 2, 3, 4, 5, 7]  # all but the ruling


def state_of(*sources: list[int], beams: int = 1) -> CueState:
    return CueState(segments=torch.tensor(sources), beams=beams, cues=CUES)


def say(state: CueState, *tokens: int) -> list[int]:
    for token in tokens:
        state.advance(
            tokens=torch.full(state.stage.shape, token), furthest=torch.full(state.stage.shape, -1)
        )
    return begins(state)


def begins(state: CueState, furthest: int = -1) -> list[int]:
    """Where the first beam may begin a run."""
    places = torch.full(state.stage.shape, furthest)
    anywhere = torch.ones_like(state.segments, dtype=torch.bool)
    return state.reachable(places, anywhere)[0, 0].nonzero().flatten().tolist()


def test_each_cue_leads_to_its_section() -> None:
    state = state_of(SOURCE)
    assert say(state) == UNRULED
    assert say(state, WORD, CLAIMS) == [2, 3]
    assert say(state, WORD) == [2, 3]
    assert say(state, DEFENCES) == [4]
    assert say(state, FINDINGS) == UNRULED
    assert say(state, RULING, WORD) == [6]


def test_a_stage_never_comes_back() -> None:
    state = state_of(SOURCE)
    assert say(state, DEFENCES, CLAIMS) == [4]  # 被告辩称…不同意诉讼请求
    assert say(state, FINDINGS, DEFENCES) == UNRULED  # 被告辩称…，本院不予采信
    assert say(state, RULING, CLAIMS) == [6]  # 驳回原告的诉讼请求
    assert say(state, FINDINGS) == [6]


def test_a_ruling_that_is_asked_for_is_not_the_ruling() -> None:
    state = state_of(SOURCE)
    assert say(state, CLAIMS, RULING) == [2, 3]  # 请求判决被告…
    assert say(state, RULINGS) == [6]


def test_behind_the_statutes_the_court_speaks() -> None:
    """判决 within a defence may be asked for; behind the statutes it opens the ruling."""
    for cited, places in ((False, [4]), (True, [6])):
        state = state_of(SOURCE)
        say(state, DEFENCES)
        state.advance(
            tokens=torch.tensor([[RULING]]),
            furthest=torch.tensor([[4]]),
            cited=torch.tensor([[cited]]),
        )
        assert begins(state) == places


def test_a_section_that_is_not_there_binds_nobody_and_a_defence_is_not_announced() -> None:
    silent = [0, HEAD, CLAIM, RULED, 0]
    state = state_of(silent)
    assert say(state, DEFENCES) == [0, 1, 2, 3, 4]
    assert state.banned(20)[0, 0].nonzero().flatten().tolist() == [DEFENCES]
    assert not state_of(SOURCE).banned(20).any()


def test_a_source_of_the_ruling_alone_or_without_sections_binds_nobody() -> None:
    assert say(state_of([0, RULED, RULED, 0])) == [0, 1, 2, 3]
    assert say(state_of([0, 0, 0])) == [0, 1, 2]


def test_stages_move_with_their_beams_and_documents() -> None:
    state = state_of(SOURCE, SOURCE, beams=2)
    tokens = torch.tensor([[CLAIMS, WORD], [RULING, DEFENCES]])
    state.advance(tokens=tokens, furthest=torch.full_like(tokens, -1))
    state.reorder(torch.tensor([[1, 0], [1, 1]]))
    state.keep(torch.tensor([1]))
    anywhere = torch.ones_like(state.segments, dtype=torch.bool)
    reachable = state.reachable(torch.full((1, 2), -1), anywhere)[0]
    assert [row.nonzero().flatten().tolist() for row in reachable] == [[4], [4]]


def test_cues_among_pieces() -> None:
    pieces = [
        "原告",
        "诉称",
        "被告辩称",
        "判决",
        "判决如下",
        "驳回原告的诉讼请求",
        "经审理查明",
        "判决书",
    ]
    found = CueTokens.of(pieces)
    assert (found.claim, found.defence, found.findings) == ((1,), (2,), (6,))
    assert (found.ruling, found.rulings) == ((3,), (4,))


NOWHERE = torch.tensor([[-1]])


def test_a_ruling_that_is_there_is_waited_for() -> None:
    state = state_of(SOURCE, [0, RULED, RULED, 0, 0, 0, 0, 0])
    assert state.waiting(NOWHERE).flatten().tolist() == [True, False]
    say(state, FINDINGS)
    assert state.waiting(NOWHERE).flatten().tolist() == [True, False]
    say(state, RULINGS)
    assert state.waiting(NOWHERE).flatten().tolist() == [True, False]  # announced is not yet told
    assert not state.waiting(torch.tensor([[6], [2]])).any()
    assert not state_of([0, CLAIM, DEFENCE, 0]).waiting(NOWHERE).any()


def test_nothing_is_waited_for_that_cannot_be_said() -> None:
    """A vocabulary without the cues of the ruling: the text would never end."""
    segments = torch.tensor([SOURCE])
    assert not CueState(segments=segments, beams=1, cues=CueTokens()).waiting(NOWHERE).any()


def test_what_is_waited_for_moves_with_its_documents() -> None:
    state = state_of(SOURCE, [0, CLAIM, DEFENCE, 0, 0, 0, 0, 0])
    state.keep(torch.tensor([1]))
    assert state.waiting(NOWHERE).tolist() == [[False]]


def test_the_ruling_is_waited_for_to_the_last_clause_that_is_wanted() -> None:
    source = torch.tensor([[0, REASONS, RULED, RULED, RULED, RULED, 0]])
    wanted = torch.tensor([[False, True, True, True, True, False, False]])
    state = CueState(segments=source, beams=1, cues=CUES, wanted=wanted)
    say(state, RULINGS)
    seen = [state.waiting(torch.tensor([[i]])).item() for i in range(6)]
    assert seen == [True, True, True, False, False, False]  # token 4 is the stop
    none = CueState(segments=source, beams=1, cues=CUES, wanted=wanted & False)
    say(none, RULINGS)
    assert not none.waiting(torch.tensor([[2]])).any()


def test_the_ruling_is_told_in_its_own_words() -> None:
    state = state_of([0, REASONS, RULED, RULED, 0])
    assert [state.verbatim(torch.tensor([[i]])).item() for i in (-1, 1, 2)] == [False, False, True]
    say(state, RULINGS)
    assert all(state.verbatim(torch.tensor([[i]])).item() for i in (-1, 1, 2, 3))


def test_where_a_text_would_end_before_the_ruling_it_is_announced() -> None:
    state = state_of(SOURCE)
    logits = torch.zeros(1, 1, 20)
    logits[..., SEP] = 5.0
    announced = state.announce(logits.clone(), state.waiting(NOWHERE))[0, 0]
    assert announced[RULINGS] == 5.0 and announced.sum() == 10.0
    say(state, RULINGS)
    assert torch.equal(state.announce(logits.clone(), state.waiting(NOWHERE)), logits)


def test_of_a_ruling_only_its_announcement_and_a_colon_are_generated() -> None:
    def spoken() -> list[int]:
        return state.spoken(20)[0, 0].nonzero().flatten().tolist()

    state = state_of(SOURCE)
    assert spoken() == [SEP, RULINGS]
    say(state, RULINGS)
    assert spoken() == [SEP, COLON]
    say(state, COLON)
    assert spoken() == [SEP]
    unruled = state_of([0, CLAIM, DEFENCE, 0])
    assert unruled.spoken(20)[0, 0].nonzero().flatten().tolist() == [SEP]


def test_a_run_leads_to_the_stage_of_its_section() -> None:
    """What is told of the reasons comes behind claim and defence, cue or no cue."""
    state = state_of([0, CLAIM, DEFENCE, REASONS, RULED, 0])
    assert say(state, CLAIMS) == [1]
    state.advance(tokens=torch.tensor([[WORD]]), furthest=torch.tensor([[2]]))
    assert say(state) == [2]
    state.advance(tokens=torch.tensor([[WORD]]), furthest=torch.tensor([[3]]))
    assert say(state) == [0, 1, 2, 3, 5]
    assert say(state, RULING) == [4]  # a ruling, not one that is asked for


def test_a_run_that_goes_on_into_the_ruling_tells_it_unannounced() -> None:
    """Else the text would wait for an announcement, and tell of rulings nobody made until then."""
    state = state_of([0, REASONS, RULED, RULED, 0])
    word = torch.tensor([[WORD]])
    state.advance(tokens=word, furthest=torch.tensor([[1]]))
    assert state.waiting(torch.tensor([[1]])).item()
    state.advance(tokens=word, furthest=torch.tensor([[2]]))
    assert not state.waiting(torch.tensor([[2]])).item()
    assert begins(state) == [2, 3]


def test_what_is_wanted_of_the_ruling_is_told_word_by_word() -> None:
    source = torch.tensor([[0, REASONS, RULED, RULED, RULED, RULED, RULED, 0]])
    wanted = torch.tensor([[False, False, False, True, True, False, True, False]])
    state = CueState(segments=source, beams=1, cues=CUES, wanted=wanted)
    say(state, RULINGS)
    assert [begins(state, i) for i in (1, 3, 4)] == [[3], [4], [6]]
    assert begins(state, 6) == [2, 3, 4, 5, 6]  # all is told: as without
    onward = [state.onward(torch.tensor([[i]])).item() for i in range(-1, 7)]
    assert onward == [False, False, False, True, True, False, True, False]
