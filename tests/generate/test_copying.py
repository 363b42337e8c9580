from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.generate.copying import (
    BEGIN,
    INSIDE,
    NOT_COPIED,
    NOT_GENERATED,
    OUTSIDE,
    CopyState,
    copy_labels,
    resolve_positions,
)
from spaces.generate.numbers import NumberTokens
from spaces.generate.tokenizer import CLS, PAD, SEP, UNK

VOCAB = 12


def state_of(*sources: list[int], beams: int = 1) -> CopyState:
    width = max(map(len, sources))
    ids = torch.tensor([s + [PAD] * (width - len(s)) for s in sources])
    mask = torch.tensor([[True] * len(s) + [False] * (width - len(s)) for s in sources])
    return CopyState(source_ids=ids, source_mask=mask, beams=beams)


def choose(state: CopyState, *tag_logits: float) -> tuple[list[int], list[set[int]]]:
    """Chosen tags and sets of allowed tokens, all beams given the same tag logits."""
    shape = state.match.shape[:2]
    tags, allowed = state.choose(
        tag_logits=torch.tensor(tag_logits).expand(*shape, 3),
        banned=torch.zeros(*shape, VOCAB, dtype=torch.bool),
    )
    sets = [set(row.nonzero().flatten().tolist()) for row in allowed.flatten(0, 1)]
    return tags.flatten().tolist(), sets


def say(state: CopyState, tag: int, token: int) -> None:
    shape = state.match.shape[:2]
    state.advance(tags=torch.full(shape, tag), tokens=torch.full(shape, token))


WANTS_O, WANTS_B, WANTS_I = (2.0, 1.0, 0.0), (1.0, 2.0, 0.0), (0.0, 1.0, 2.0)
GENERATED = set(range(VOCAB)) - set(NOT_GENERATED)


# --- labels ---


@pytest.mark.parametrize(
    ("source", "target", "tags"),
    [
        ([2, 10, 11, 12, 13, 3], [10, 11, 20, 13], [1, 2, 0, 1]),
        ([2, 3], [10], [0]),
        ([2, 10, 3], [], []),
        ([2, 10, 3], [10], [1]),
        # 10 11 occurs twice; the one that continues to 12 is taken
        ([2, 10, 11, 9, 10, 11, 12, 3], [10, 11, 12], [1, 2, 2]),
        # adjacent in the target only, then in the source only
        ([2, 10, 9, 11, 3], [10, 11], [1, 1]),
        ([2, 10, 11, 3], [10, 20, 11], [1, 0, 1]),
        # the same special token on both sides is no copy
        ([2, 3, 4, 0], [2, 3, 4, 0], [0, 0, 0, 0]),
        # [UNK]: alone in the source; one of two; one of two inside a run
        ([2, UNK, 10, 3], [UNK, 10], [1, 2]),
        ([2, UNK, 10, UNK, 3], [UNK, 10], [0, 1]),
        ([2, 10, UNK, 11, UNK, 3], [10, UNK, 11], [1, 2, 2]),
    ],
)
def test_labels(source, target, tags):
    assert copy_labels(source, target) == tags


ids = st.lists(st.integers(0, 9), max_size=12)


def plain_lcs(a: list[int], b: list[int]) -> int:
    rows = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            same = x == y and x not in NOT_COPIED
            rows[i + 1][j + 1] = rows[i][j] + 1 if same else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


@given(ids, ids)
def test_labels_cover_a_longest_common_subsequence(source, target):
    source = [t for t in source if t != UNK]
    tags = copy_labels(source, target)
    assert len(tags) == len(target)
    assert sum(tag != OUTSIDE for tag in tags) == plain_lcs(source, target)


@given(ids, ids)
def test_a_decoder_can_follow_the_labels(source, target):
    state = state_of([CLS, *source, SEP])
    for tag, token in zip(copy_labels(source, target), target, strict=True):
        if tag != OUTSIDE:
            allowed = state.allowed(tags=torch.tensor([[tag]]), vocab_size=VOCAB)
            assert allowed[0, 0, token]
        say(state, tag, token)


# --- the rule ---


def test_a_written_out_run():
    a, b, c, d = 5, 6, 7, 8
    state = state_of([CLS, a, b, c, a, d, SEP])
    assert choose(state, *WANTS_B) == ([BEGIN], [{a, b, c, d}])
    say(state, BEGIN, a)
    assert state.match[0, 0].nonzero().flatten().tolist() == [1, 4]
    assert state.ends.item() == 1
    assert choose(state, *WANTS_I) == ([INSIDE], [{b, d}])
    say(state, INSIDE, d)
    assert state.ends.item() == 5
    say(state, OUTSIDE, a)
    assert state.ends.item() == -1


def test_inside_never_follows_outside_nor_starts():
    state = state_of([CLS, 5, 6, SEP])
    assert choose(state, *WANTS_I) == ([BEGIN], [{5, 6}])
    say(state, OUTSIDE, 5)
    assert choose(state, *WANTS_I) == ([BEGIN], [{5, 6}])
    assert choose(state, 1.0, 0.0, 2.0) == ([OUTSIDE], [GENERATED])


def test_no_continuation_falls_back_to_begin():
    state = state_of([CLS, 5, 6, SEP])
    say(state, BEGIN, 6)
    assert choose(state, 1.0, 0.0, 2.0) == ([BEGIN], [{5, 6}])


def test_nothing_to_copy_falls_back_to_outside():
    assert choose(state_of([CLS, SEP]), *WANTS_B) == ([OUTSIDE], [GENERATED])
    assert choose(state_of([CLS, UNK, UNK, SEP]), *WANTS_B) == ([OUTSIDE], [GENERATED])


def test_source_of_one_token():
    state = state_of([CLS, 5, SEP])
    assert choose(state, *WANTS_B) == ([BEGIN], [{5}])
    say(state, BEGIN, 5)
    assert choose(state, *WANTS_I) == ([BEGIN], [{5}])
    lone = state_of([5])
    assert choose(lone, *WANTS_B) == ([BEGIN], [{5}])


def test_unknown_continues_a_run_but_begins_one_only_when_alone():
    state = state_of([CLS, 5, UNK, 6, UNK, SEP])
    assert choose(state, *WANTS_B) == ([BEGIN], [{5, 6}])
    say(state, BEGIN, 5)
    assert choose(state, *WANTS_I) == ([INSIDE], [{UNK}])
    say(state, INSIDE, UNK)
    assert state.ends.item() == 2
    assert choose(state, *WANTS_I) == ([INSIDE], [{6}])
    assert choose(state_of([CLS, 5, UNK, SEP]), *WANTS_B) == ([BEGIN], [{UNK, 5}])


def test_a_copy_that_bans_leave_nothing_of_becomes_outside():
    state = state_of([CLS, 5, 6, 7, SEP])
    say(state, BEGIN, 5)
    banned = torch.zeros(1, 1, VOCAB, dtype=torch.bool)
    banned[..., 6] = True
    wants = torch.tensor([[WANTS_I]])
    tags, allowed = state.choose(tag_logits=wants, banned=banned)
    assert tags.item() == OUTSIDE
    assert set(allowed[0, 0].nonzero().flatten().tolist()) == GENERATED - {6}
    tags, allowed = state.choose(tag_logits=torch.tensor([[WANTS_B]]), banned=banned)
    assert tags.item() == BEGIN
    assert allowed[0, 0].nonzero().flatten().tolist() == [5, 7]
    banned[..., 5:8] = True
    tags, allowed = state.choose(tag_logits=torch.tensor([[WANTS_B]]), banned=banned)
    assert tags.item() == OUTSIDE
    assert set(allowed[0, 0].nonzero().flatten().tolist()) == GENERATED - {5, 6, 7}


def test_reorder_moves_the_match_with_its_beam_and_keep_drops_documents():
    state = state_of([CLS, 5, 6, SEP], [CLS, 7, 8, 9, SEP], beams=2)
    tokens = torch.tensor([[5, 6], [7, 9]])
    state.advance(tags=torch.full((2, 2), BEGIN), tokens=tokens)
    assert state.ends.tolist() == [[1, 2], [1, 3]]
    state.reorder(torch.tensor([[1, 1], [1, 0]]))
    assert state.ends.tolist() == [[2, 2], [3, 1]]
    state.keep(torch.tensor([1]))
    assert state.ends.tolist() == [[3, 1]]
    assert choose(state, 1.0, 0.0, 2.0) == ([BEGIN, INSIDE], [{7, 8, 9}, {8}])


def test_resolve_positions():
    assert resolve_positions([], []) == []
    assert resolve_positions([1, 2, 0, 1], [0, 6, -1, 3]) == [5, 6, -1, 3]
    assert resolve_positions([1, 1, 2], [4, 1, 8]) == [4, 7, 8]


# --- the same rule with n-gram tables ---


def plain_allowed(source: list[int], run: list[int], tag: int) -> set[int]:
    """All tokens that follow the run in the source, from the table of its (n + 1)-grams."""
    unknowns = source.count(UNK)
    n = 0 if tag == BEGIN else len(run)
    grams = [source[i : i + n + 1] for i in range(len(source) - n)]
    grams = [g for g in grams if not set(g) & set(NOT_COPIED)]
    grams = [g for g in grams if g[0] != UNK or unknowns == 1]
    return {g[-1] for g in grams if g[:-1] == (run if n else [])}


def plain_choice(
    source: list[int], run: list[int], tag_logits: list[float]
) -> tuple[int, set[int]]:
    order = sorted(range(3), key=lambda tag: -tag_logits[tag])
    tag = next(t for t in order if t != INSIDE or run)
    while tag != OUTSIDE and not plain_allowed(source, run, tag):
        tag -= 1
    return tag, GENERATED if tag == OUTSIDE else plain_allowed(source, run, tag)


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_match_positions_equal_ngram_tables(seed):
    rng = random.Random(seed)
    symbols = [UNK, 5, 6, 7, 8][rng.randint(0, 1) : rng.randint(2, 5)]
    sources = [
        [CLS, *rng.choices(symbols, k=rng.randint(0, 12)), SEP] for _ in range(rng.randint(1, 3))
    ]
    beams = rng.randint(1, 3)
    state = state_of(*sources, beams=beams)
    runs = [[[] for _ in range(beams)] for _ in sources]
    texts = [[[] for _ in range(beams)] for _ in sources]  # (token, tag, end)
    for _ in range(8):
        logits = [
            [[rng.random(), rng.random(), 2 * rng.random()] for _ in range(beams)] for _ in sources
        ]
        tags, allowed = state.choose(
            tag_logits=torch.tensor(logits),
            banned=torch.zeros(len(sources), beams, VOCAB, dtype=bool),
        )
        tokens = torch.zeros_like(tags)
        for b, source in enumerate(sources):
            for w in range(beams):
                tag, may = plain_choice(source, runs[b][w], logits[b][w])
                assert tags[b, w] == tag
                assert set(allowed[b, w].nonzero().flatten().tolist()) == may
                token = tokens[b, w] = rng.choice(sorted(may))
                runs[b][w] = {OUTSIDE: [], BEGIN: [int(token)]}.get(tag, [*runs[b][w], int(token)])
        state.advance(tags=tags, tokens=tokens)
        for b, source in enumerate(sources):
            for w in range(beams):
                texts[b][w] = [
                    *texts[b][w],
                    (*map(int, (tokens[b, w], tags[b, w], state.ends[b, w])),),
                ]
                check_positions(source, texts[b][w])
        parents = torch.tensor([[rng.randrange(beams) for _ in range(beams)] for _ in sources])
        state.reorder(parents)
        runs = [[runs[b][p] for p in row] for b, row in enumerate(parents.tolist())]
        texts = [[texts[b][p] for p in row] for b, row in enumerate(parents.tolist())]


def check_positions(source: list[int], text: list[tuple[int, int, int]]) -> None:
    tokens, tags, ends = map(list, zip(*text, strict=True))
    positions = resolve_positions(tags, ends)
    for i, (token, tag, position) in enumerate(zip(tokens, tags, positions, strict=True)):
        assert (position == -1) == (tag == OUTSIDE)
        if tag != OUTSIDE:
            assert source[position] == token
        if tag == INSIDE:
            assert tags[i - 1] != OUTSIDE and position == positions[i - 1] + 1


DIGITS, POINTS = tuple(range(20, 24)), (24,)


def numbers(tokens: list[int]) -> list[tuple[int, ...]]:
    """Stretches of digits, with a point only between two digits."""
    found: list[tuple[int, ...]] = []
    run: list[int] = []
    for i, token in enumerate([*tokens, 0]):
        inner = 0 < i < len(tokens) - 1
        point = token in POINTS and inner and tokens[i - 1] in DIGITS and tokens[i + 1] in DIGITS
        if token in DIGITS or point:
            run.append(token)
        elif run:
            found.append(tuple(run))
            run = []
    return found


@pytest.mark.parametrize("seed", range(30))
def test_numbers_are_copied_whole(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    inner = torch.randint(18, 25, (1, 14), generator=draw)
    source = torch.cat([torch.tensor([[2]]), inner, torch.tensor([[3]])], dim=1)
    state = CopyState(
        source_ids=source,
        source_mask=torch.ones_like(source, dtype=torch.bool),
        beams=4,
        numbers=NumberTokens(digits=DIGITS, points=POINTS),
    )
    nothing_banned = torch.zeros(1, 4, 25, dtype=torch.bool)
    written: list[list[int]] = [[] for _ in range(4)]
    for _ in range(25):
        logits = torch.randn(1, 4, 3, generator=draw)
        tags, allowed = state.choose(tag_logits=logits, banned=nothing_banned)
        tokens = torch.multinomial(allowed[0].float(), 1, generator=draw).T
        state.advance(tags=tags, tokens=tokens)
        for beam in range(4):
            written[beam].append(int(tokens[0, beam]))
    possible = set(numbers(source[0].tolist()))
    for beam in range(4):
        ended = written[beam]
        if state.numeric[0, beam]:  # the last number may not be complete yet
            ended = ended[: max(i for i, t in enumerate(ended) if t not in (*DIGITS, *POINTS)) + 1]
        assert {n for n in numbers(ended) if len(n) > 1} <= possible


def test_without_digits_a_run_may_begin_anywhere() -> None:
    source = torch.tensor([[2, 20, 21, 22, 3]])
    mask = torch.ones_like(source, dtype=torch.bool)
    plain = CopyState(source_ids=source, source_mask=mask, beams=1)
    whole = CopyState(
        source_ids=source, source_mask=mask, beams=1, numbers=NumberTokens(digits=DIGITS)
    )
    begin = torch.tensor([[1]])
    assert plain.allowed(tags=begin, vocab_size=25)[0, 0].nonzero().flatten().tolist() == [
        20,
        21,
        22,
    ]
    assert whole.allowed(tags=begin, vocab_size=25)[0, 0].nonzero().flatten().tolist() == [20]


def test_the_name_of_a_law_is_copied_whole_and_its_article_behind_it() -> None:
    """20 《 21 》 第 二 条 、 第 二 条 23: no run begins within, nor ends in 《 21 》."""
    opens, closes, nth, two, article, comma = range(14, 20)
    articles = [nth, two, article, comma, nth, two, article]
    source = torch.tensor([[2, 20, opens, 21, closes, *articles, 23, 3]])
    state = CopyState(
        source_ids=source,
        source_mask=torch.ones_like(source, dtype=torch.bool),
        beams=1,
        numbers=NumberTokens(
            opens=(opens,),
            closes=(closes,),
            ordinals=(nth,),
            numerals=(two,),
            units=(article,),
            marks=(comma,),
        ),
    )
    begins = state.allowed(tags=torch.tensor([[1]]), vocab_size=25)[0, 0]
    assert set(begins.nonzero().flatten().tolist()) == {20, opens, 23}
    assert not state.allowed(tags=torch.tensor([[0]]), vocab_size=25)[0, 0, opens]
    state.advance(tags=torch.tensor([[1]]), tokens=torch.tensor([[opens]]))
    assert choices(state) == {21}
    state.advance(tags=torch.tensor([[2]]), tokens=torch.tensor([[21]]))
    assert choices(state) == {closes}
    state.advance(tags=torch.tensor([[2]]), tokens=torch.tensor([[closes]]))
    assert len(choices(state)) > 1


STOP, MARK = 18, 19


def item_state() -> CopyState:
    source = torch.tensor([[2, 10, 20, 21, MARK, 11, 3]])
    return CopyState(
        source_ids=source,
        source_mask=torch.ones_like(source, dtype=torch.bool),
        beams=1,
        numbers=NumberTokens(digits=DIGITS, points=POINTS, stops=(STOP,), marks=(MARK,)),
    )


def choices(state: CopyState) -> set[int]:
    nothing_banned = torch.zeros(1, 1, 25, dtype=torch.bool)
    wants = torch.tensor(WANTS_O).expand(1, 1, 3)
    _, allowed = state.choose(tag_logits=wants, banned=nothing_banned)
    return set(allowed[0, 0].nonzero().flatten().tolist())


def test_a_digit_is_generated_only_to_number_an_item() -> None:
    state = item_state()
    assert set(DIGITS) <= choices(state)  # at the beginning
    say(state, OUTSIDE, 12)
    assert not set(DIGITS) & choices(state)  # after a word
    say(state, OUTSIDE, STOP)
    assert set(DIGITS) <= choices(state)
    say(state, OUTSIDE, 22)
    assert choices(state) == {MARK}  # nothing but a mark behind it
    say(state, OUTSIDE, MARK)
    assert not set(DIGITS) & choices(state)


def test_behind_a_copied_number_anything_may_stand() -> None:
    state = item_state()
    say(state, BEGIN, 20)
    say(state, INSIDE, 21)
    assert {12, MARK} <= choices(state)


def test_the_items_number_moves_with_its_beam() -> None:
    source = torch.tensor([[2, 10, 20, 21, MARK, 11, 3]])
    mask = torch.ones_like(source, dtype=torch.bool)
    state = CopyState(
        source_ids=source,
        source_mask=mask,
        beams=2,
        numbers=NumberTokens(digits=DIGITS, stops=(STOP,), marks=(MARK,)),
    )
    state.advance(tags=torch.tensor([[OUTSIDE, OUTSIDE]]), tokens=torch.tensor([[22, 12]]))
    state.reorder(torch.tensor([[1, 0]]))
    assert state.counted.tolist() == [[False, True]]
    state.keep(torch.tensor([0]))
    assert state.counted.tolist() == [[False, True]]


def test_runs_go_forward_through_the_source() -> None:
    source = torch.tensor([[2, 10, 11, 12, 13, 10, 14, 3]])
    mask = torch.ones_like(source, dtype=torch.bool)

    def begins(look_back: int | None, *copied: int) -> set[int]:
        state = CopyState(source_ids=source, source_mask=mask, beams=1, look_back=look_back)
        for tag, token in zip((BEGIN, INSIDE, OUTSIDE), copied, strict=False):
            say(state, tag, token)
        allowed = state.allowed(tags=torch.tensor([[BEGIN]]), vocab_size=20)
        return set(allowed[0, 0].nonzero().flatten().tolist())

    assert begins(None, 11, 12, 15) == {10, 11, 12, 13, 14}
    assert begins(0, 11, 12, 15) == {13, 10, 14}
    assert begins(1, 11, 12, 15) == {12, 13, 10, 14}
    assert begins(0) == {10, 11, 12, 13, 14}


def test_no_run_begins_where_the_source_leans_on_what_stands_before() -> None:
    source = torch.tensor([[2, 10, 11, 12, 3]])
    leaning = torch.tensor([[False, False, True, True, False]])
    mask = torch.ones_like(source, dtype=torch.bool)
    state = CopyState(source_ids=source, source_mask=mask, beams=1, leaning=leaning)
    assert choose(state, *WANTS_B) == ([BEGIN], [{10}])
    say(state, BEGIN, 10)
    assert choose(state, *WANTS_I) == ([INSIDE], [{11}])  # but one may go on there
    assert choose(state, *WANTS_B) == ([BEGIN], [{10, 11}])  # or begin right behind another


def test_no_run_ends_where_the_source_leads_to_what_stands_behind() -> None:
    source = torch.tensor([[2, 8, 9, 10, 3]])
    leading = torch.tensor([[False, True, True, False, False]])
    mask = torch.ones_like(source, dtype=torch.bool)
    state = CopyState(source_ids=source, source_mask=mask, beams=1, leading=leading)
    say(state, BEGIN, 8)
    for wanted in (WANTS_O, WANTS_B, WANTS_I):
        assert choose(state, *wanted) == ([INSIDE], [{9}])
    say(state, INSIDE, 9)
    assert choose(state, *WANTS_O) == ([INSIDE], [{10}])
    say(state, INSIDE, 10)
    assert choose(state, *WANTS_O)[0] == [OUTSIDE]


def test_how_far_a_beam_came_moves_with_it() -> None:
    source = torch.tensor([[2, 10, 11, 12, 3]])
    mask = torch.ones_like(source, dtype=torch.bool)
    state = CopyState(source_ids=source, source_mask=mask, beams=2, look_back=0)
    state.advance(tags=torch.tensor([[BEGIN, BEGIN]]), tokens=torch.tensor([[12, 10]]))
    state.reorder(torch.tensor([[1, 0]]))
    assert state.furthest.tolist() == [[1, 3]]
    state.keep(torch.tensor([0]))
    assert state.furthest.tolist() == [[1, 3]]
