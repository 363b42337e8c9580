from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence

import pytest
import torch

from spaces.errors import ConfigError, ModelError
from spaces.generate.beam import Hypothesis, beam_search, sparse_log_softmax
from spaces.generate.copying import BEGIN, INSIDE, NOT_COPIED, OUTSIDE
from spaces.generate.cues import CueTokens
from spaces.generate.grounds import OTHER, REASON
from spaces.generate.tokenizer import CLS, SEP, UNK
from spaces.sections import SECTIONS

A, B, C, D = 5, 6, 7, 8
VOCAB = 9
WANTS_O, WANTS_B, WANTS_I = (2.0, 1.0, 0.0), (0.0, 2.0, 1.0), (0.0, 1.0, 2.0)
Scores = tuple[Sequence[float], Sequence[float]]


class FakeCache:
    def __init__(self, sources: list[tuple[int, ...]], beams: int) -> None:
        self.sources = sources
        self.texts = [[()] * beams for _ in sources]

    def reorder(self, parents: torch.Tensor) -> None:
        pairs = zip(self.texts, parents.tolist(), strict=True)
        self.texts = [[row[p] for p in chosen] for row, chosen in pairs]

    def keep(self, rows: torch.Tensor) -> None:
        self.sources = [self.sources[r] for r in rows.tolist()]
        self.texts = [self.texts[r] for r in rows.tolist()]


class FakeModel:
    """Scores from a function of the source and of what was said so far (CLS not included)."""

    device = torch.device("cpu")

    def __init__(self, scores: Callable[[tuple[int, ...], tuple[int, ...]], Scores]) -> None:
        self.scores = scores
        self.batches: list[int] = []  # documents in the batch, step by step

    def prefill(
        self, *, source_ids, source_mask, beams, max_new_tokens, source_segments
    ) -> FakeCache:
        rows = zip(source_ids, source_mask, strict=True)
        return FakeCache([tuple(ids[mask].tolist()) for ids, mask in rows], beams)

    def step(self, *, tokens, cache):
        self.batches.append(len(tokens))
        for texts, row in zip(cache.texts, tokens.tolist(), strict=True):
            for beam, token in enumerate(row):
                texts[beam] = (*texts[beam], token)
        answers = [
            [self.scores(source, text[1:]) for text in texts]
            for source, texts in zip(cache.sources, cache.texts, strict=True)
        ]
        assert all(text[0] == CLS for texts in cache.texts for text in texts)
        logits = torch.tensor([[list(answer[0]) for answer in row] for row in answers])
        return logits, torch.tensor([[list(answer[1]) for answer in row] for row in answers])


def table_model(
    table: dict[tuple[int, ...], tuple[dict[int, float], Sequence[float]]],
) -> FakeModel:
    """A written-out table: what was said -> ({token: probability}, tag scores); others: the end."""

    def scores(source, text):
        probabilities, tags = table.get(text, ({SEP: 1.0}, WANTS_O))
        return [math.log(probabilities.get(token, 1e-9)) for token in range(VOCAB)], tags

    return FakeModel(scores)


def random_model(seed: int, spread: float = 2.0, tags: Sequence[float] | None = None) -> FakeModel:
    def scores(source, text):
        rng = random.Random(f"{seed} {source} {text}")
        logits = [rng.gauss(0, spread) for _ in range(VOCAB)]
        return logits, tags or [rng.random(), rng.random(), 2 * rng.random()]

    return FakeModel(scores)


def search(model: FakeModel, source: list[int], **settings) -> Hypothesis:
    settings = {"max_new_tokens": 6, "no_repeat": 0, **settings}
    return beam_search(model, [[CLS, *source, SEP]], **settings)[0]


# --- sparse softmax ---


def test_only_the_k_largest_allowed_logits_share_the_probability():
    logits = torch.tensor([[[3.0, 2.0, 9.0, 1.0]]])
    allowed = torch.tensor([[[True, True, False, True]]])
    log_p, tokens = sparse_log_softmax(logits=logits, allowed=allowed, k=2)
    assert tokens.tolist() == [[[0, 1]]]
    expected = torch.tensor([3.0, 2.0]).log_softmax(0)
    assert torch.allclose(log_p[0, 0], expected)
    log_p, tokens = sparse_log_softmax(logits=logits, allowed=allowed, k=0)
    assert torch.allclose(log_p[0, 0, :3], torch.tensor([3.0, 2.0, 1.0]).log_softmax(0))
    assert log_p[0, 0, 3] == -math.inf


# --- a written-out score table ---

TRAP = {
    (): ({A: 0.6, B: 0.4}, WANTS_O),
    (A,): ({C: 0.5, D: 0.5}, WANTS_O),
    (B,): ({C: 0.9, SEP: 0.1}, WANTS_O),
}


def test_greedy_takes_the_best_token_and_two_beams_the_best_text():
    greedy = search(table_model(TRAP), [A], beams=1)
    assert greedy.tokens[0] == A
    two = search(table_model(TRAP), [A], beams=2)
    assert (two.tokens, two.tags, two.positions) == ([B, C], [OUTSIDE] * 2, [-1] * 2)
    assert two.score == pytest.approx(math.log(0.4 * 0.9) / 3, abs=1e-5)
    assert not two.truncated


def dead_end(after: tuple[int, ...]) -> FakeModel:
    """As `TRAP`, but behind `after` nothing may follow."""
    table = table_model(TRAP)

    def scores(source, text):
        logits, tags = table.scores(source, text)
        return ([-math.inf] * VOCAB if text == after else logits), tags

    return FakeModel(scores)


def test_a_text_that_nothing_may_follow_is_the_text():
    assert sparse_log_softmax(
        logits=torch.zeros(1, 1, 3), allowed=torch.zeros(1, 1, 3, dtype=torch.bool), k=2
    )[0].tolist() == [[[-math.inf] * 2]]
    stopped = search(dead_end((A,)), [A], beams=1)
    assert (stopped.tokens, stopped.truncated) == ([A], True)


def test_a_beam_that_nothing_may_follow_leaves_the_others_alone():
    two = search(dead_end((A,)), [A], beams=2)
    assert (two.tokens, two.truncated) == ([B, C], False)


def test_length_penalty_decides_between_short_and_long():
    table = {(): ({SEP: 0.45, A: 0.55}, WANTS_O), (A,): ({B: 0.7, C: 0.3}, WANTS_O)}
    assert search(table_model(table), [A], beams=2, length_penalty=0).tokens == []
    # log(0.55 * 0.7) / 3 > log(0.45)
    assert search(table_model(table), [A], beams=2, length_penalty=1).tokens == [A, B]


def test_the_limit_ends_a_hypothesis_as_it_is():
    def endless(source, text):
        return [0.1 * token if token != SEP else -9.0 for token in range(VOCAB)], WANTS_O

    for beams in (1, 3):
        cut = search(FakeModel(endless), [A], beams=beams, max_new_tokens=4)
        assert cut.truncated and cut.tokens == [D] * 4
    assert search(table_model({}), [A], max_new_tokens=1) == Hypothesis([], [], [], 0.0)


def test_a_text_ends_when_the_ruling_has_been_told():
    def scores(source, text):
        """The end is best at every step; A, the cue of the ruling, is not thought of."""
        return [0.0, 0.0, 0.0, 9.0, 0.0, -5.0, 0.0, 0.0, 2.0], WANTS_O

    head, ruled = 2, 2 + SECTIONS.index("ruling")
    source, segments = [CLS, B, C, SEP], [0, head, ruled, 0]

    def found(cues: CueTokens | None) -> list[int]:
        model = FakeModel(scores)
        rows = {"segments": [segments], "max_new_tokens": 6, "no_repeat": 0, "cues": cues}
        return beam_search(model, [source], **rows)[0].tokens

    assert found(CueTokens(rulings=(A,))) == [A, C]
    assert found(CueTokens(rulings=(A,), colons=(D,))) == [A, D, C]
    assert found(None) == []


@pytest.mark.parametrize("beams", [1, 3])
def test_only_so_many_tokens_in_a_row_are_generated(beams):
    def scores(source, text):
        return [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 9.0], WANTS_O  # D, for ever

    settings = {"beams": beams, "max_new_tokens": 9, "no_repeat": 0, "look_back": 0}
    limited = search(FakeModel(scores), [CLS, A, B, SEP], generate_limit=2, **settings)
    assert not limited.truncated  # it ends when nothing is left to copy
    assert limited.tags in ([0, 0, 1, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0])
    assert search(FakeModel(scores), [CLS, A, B, SEP], **settings).tokens == [D] * 9


def test_the_ruling_is_told_to_its_last_wanted_word_and_nothing_is_made_up_in_it():
    def scores(source, text):
        """A (the cue of the ruling), B copied, then what is generated: D, or else the end."""
        logits = [0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 1.0, 1.0, 9.0]
        if len(text) < 2:
            logits[(A, B)[len(text)]] = 99.0
        return logits, WANTS_B if len(text) == 1 else (2.0, 0.0, 1.0)

    ruled = 2 + SECTIONS.index("ruling")
    source, segments = [CLS, A, B, C, B, C, SEP], [0, 2, ruled, ruled, ruled, ruled, 0]

    def found(wanted: float) -> list[int]:
        rows = {"segments": [segments], "max_new_tokens": 8, "no_repeat": 0, "look_back": 0}
        probabilities = [0.0, 0.9, 0.9, 0.1, wanted, wanted, 0.0]
        return beam_search(
            FakeModel(scores),
            [source],
            salience=[probabilities],
            cues=CueTokens(rulings=(A,)),
            **rows,
        )[0].tokens

    assert found(0.1) == [A, B]  # told up to what is wanted, and D, generated, is not said
    assert found(0.9) == [A, B, C, B, C]


def test_the_ruling_may_say_what_was_said_before():
    """B C was generated, and the source has it once: the usual rule would break the ruling off."""

    def scores(source, text):
        logits = [0.0] * VOCAB
        logits[(B, C, A)[len(text)] if len(text) < 3 else SEP] = 99.0
        return logits, WANTS_O if len(text) < 3 else (2.0, 3.0, 1.0)

    ruled = 2 + SECTIONS.index("ruling")
    (found,) = beam_search(
        FakeModel(scores),
        [[CLS, D, B, C, D, SEP]],
        segments=[[0, 2, ruled, ruled, ruled, 0]],
        salience=[[0.0, 0.9, 0.9, 0.9, 0.9, 0.0]],
        cues=CueTokens(rulings=(A,)),
        max_new_tokens=8,
        no_repeat=2,
        look_back=0,
    )
    assert found.tokens[:5] == [B, C, A, B, C]


def test_no_ruling_is_told_before_its_grounds():
    """A announces the ruling, D the reasons; the model would announce the ruling at once."""

    def scores(source, text):
        logits = [0.0] * VOCAB
        logits[A] = 99.0
        return logits, WANTS_B if text[-1:] in ((A,), (D,)) else WANTS_O

    reasons, ruled = (2 + SECTIONS.index(name) for name in ("reasons", "ruling"))

    def found(grounds: list[list[int]] | None) -> list[int]:
        return beam_search(
            FakeModel(scores),
            [[CLS, C, B, SEP]],
            segments=[[0, reasons, ruled, 0]],
            salience=[[0.0, 0.9, 0.9, 0.0]],
            grounds=grounds,
            cues=CueTokens(findings=(D,), reasons=(D,), rulings=(A,)),
            max_new_tokens=8,
            no_repeat=0,
        )[0].tokens

    assert found(None) == [A, B]
    assert found([[OTHER, REASON, OTHER, OTHER]]) == [D, C, B]


def test_a_document_stops_as_soon_as_nothing_can_beat_its_best():
    greedy = table_model(TRAP)
    search(greedy, [A], max_new_tokens=50)
    assert len(greedy.batches) == 3
    # without a length penalty nothing open, at log 0.1, can beat log 0.9
    model = table_model({(): ({SEP: 0.9, A: 0.1}, WANTS_O), (A,): ({A: 1.0}, WANTS_O)})
    search(model, [A], beams=2, length_penalty=0, max_new_tokens=50)
    assert len(model.batches) == 1


def test_finished_documents_leave_the_batch():
    def scores(source, text):
        done = len(text) == source[1] - A  # a source that begins with A ends at once, B after one
        return [float(token == (SEP if done else A)) * 20 for token in range(VOCAB)], WANTS_O

    model = FakeModel(scores)
    sources = [[CLS, first, SEP] for first in (C, A, D, B)]
    found = beam_search(model, sources, max_new_tokens=9)
    assert [len(h.tokens) for h in found] == [2, 0, 3, 1]
    assert model.batches == [4, 3, 2, 1]


def test_match_state_follows_its_beam():
    # the second beam (B) takes the first place; its run goes on with D, the other's with C
    table = {
        (): ({A: 0.6, B: 0.4}, WANTS_B),
        (A,): ({C: 0.5, D: 0.5}, WANTS_B),
        (B,): ({D: 1.0}, WANTS_I),
        (B, D): ({C: 0.9, A: 0.1}, WANTS_I),
    }
    found = search(table_model(table), [A, C, B, D, A], beams=2)
    assert (found.tokens, found.tags) == ([B, D, A], [BEGIN, INSIDE, INSIDE])
    assert found.positions == [3, 4, 5]


def test_a_run_takes_its_places_from_its_end():
    table = {
        (): ({A: 1.0}, WANTS_B),
        (A,): ({C: 0.9, B: 0.1}, WANTS_I),
        (A, C): ({D: 1.0}, WANTS_O),
    }
    found = search(table_model(table), [A, B, A, C])
    assert (found.tokens, found.tags, found.positions) == ([A, C, D], [1, 2, 0], [3, 4, -1])
    # undecided: the first place
    del table[(A,)]
    assert search(table_model(table), [B, A, A]).positions == [2]


# --- small and awkward sources ---


@pytest.mark.parametrize("beams", [1, 3])
def test_a_source_of_one_token_and_of_none(beams):
    always_copy = {(A,) * n: ({A: 1.0}, WANTS_I) for n in range(3)}
    found = search(table_model(always_copy), [A], beams=beams)
    assert (found.tokens, found.tags) == ([A] * 3, [BEGIN] * 3)
    assert found.positions == [1] * 3
    nothing = search(table_model({(): ({D: 1.0}, WANTS_I)}), [], beams=beams)
    assert (nothing.tokens, nothing.tags, nothing.positions) == ([D], [OUTSIDE], [-1])


def test_no_sources_no_tokens():
    assert beam_search(table_model({}), [], max_new_tokens=3) == []
    with pytest.raises(ValueError, match="at least one token"):
        beam_search(table_model({}), [[]], max_new_tokens=3)


@pytest.mark.parametrize(
    "wrong",
    [{"beams": 0}, {"max_new_tokens": 0}, {"sparse_top_k": -1}, {"length_penalty": -1.0}]
    + [{"generate_limit": -1}]
    + [{"no_repeat": n} for n in (1, -3)],
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must be"):
        search(table_model({}), [A], **wrong)


def test_a_broken_model_is_named():
    broken = FakeModel(lambda source, text: ([math.nan] * VOCAB, WANTS_O))
    with pytest.raises(ModelError, match="NaN"):
        search(broken, [A])


# --- random scores ---


def plain_greedy(model: FakeModel, source: list[int], limit: int) -> list[int]:
    text: list[int] = []
    while len(text) < limit:
        logits, _ = model.scores((CLS, *source, SEP), tuple(text))
        best = max([SEP, *range(A, VOCAB)], key=lambda token: logits[token])
        if best == SEP:
            break
        text.append(best)
    return text


@pytest.mark.parametrize("seed", range(20))
def test_one_beam_is_greedy(seed):
    model = random_model(seed, tags=WANTS_O)
    found = search(model, [A], max_new_tokens=8)
    assert found.tokens == plain_greedy(model, [A], 8)
    assert found.truncated == (len(found.tokens) == 8)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_enough_beams_find_the_best_of_all_texts(seed, alpha):
    model, limit = random_model(seed, tags=WANTS_O), 3

    def score(text: tuple[int, ...]) -> float:
        total = 0.0
        said = text if len(text) == limit else (*text, SEP)
        for i, token in enumerate(said):
            logits, _ = model.scores((CLS, A, SEP), text[:i])
            some = [logits[t] for t in (SEP, *range(A, VOCAB))]
            total += logits[token] - math.log(sum(map(math.exp, some)))
        return total / len(said) ** alpha

    texts = [t for n in range(limit + 1) for t in itertools.product(range(A, VOCAB), repeat=n)]
    best = max(texts, key=score)
    found = search(
        model, [A], beams=100, max_new_tokens=limit, sparse_top_k=0, length_penalty=alpha
    )
    assert found.tokens == list(best)
    assert found.score == pytest.approx(score(best), abs=1e-5)


def random_sources(rng: random.Random) -> list[list[int]]:
    return [
        [CLS, *rng.choices([UNK, A, B, C, D], k=rng.randint(0, 9)), SEP]
        for _ in range(rng.randint(1, 5))
    ]


def check(source: list[int], found: Hypothesis) -> None:
    assert len(found.tokens) == len(found.tags) == len(found.positions)
    before, place = OUTSIDE, None
    for token, tag, position in zip(found.tokens, found.tags, found.positions, strict=True):
        if tag == OUTSIDE:
            assert position == -1 and token != UNK and token not in NOT_COPIED
        else:
            assert source[position] == token and token not in NOT_COPIED
        if tag == INSIDE:
            assert before != OUTSIDE and position == place + 1
        if tag == BEGIN and token == UNK:
            assert source.count(UNK) == 1
        before, place = tag, position


@pytest.mark.parametrize("seed", range(30))
def test_batch_equals_one_by_one_and_every_copy_is_in_the_source(seed):
    rng = random.Random(seed)
    sources, model = random_sources(rng), random_model(seed)
    settings = {
        "beams": rng.randint(1, 4),
        "max_new_tokens": rng.randint(1, 12),
        "sparse_top_k": rng.choice([0, 1, 2, 10]),
        "no_repeat": rng.choice([0, 2, 4]),
        "length_penalty": rng.choice([0.0, 1.0]),
    }
    together = beam_search(model, sources, **settings)
    for source, found in zip(sources, together, strict=True):
        assert beam_search(model, [source], **settings) == [found]
        check(source, found)


# --- repetition ---


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("tags", [WANTS_O, WANTS_B, WANTS_I])
@pytest.mark.parametrize("period", [1, 2, 3])
def test_repetition_cannot_run_away(beams, tags, period):
    loop = [A, B, C][:period]

    def scores(source, text):  # a loop, whatever was said; its end far behind, other words further
        logits = [-9.0] * VOCAB
        logits[SEP] = 0.0
        logits[loop[len(text) % period]] = 9.0
        return logits, tags

    source = [D, *loop, D]
    free = search(FakeModel(scores), source, beams=beams, max_new_tokens=60, no_repeat=0)
    assert free.truncated and len(free.tokens) == 60
    found = search(FakeModel(scores), source, beams=beams, max_new_tokens=60, no_repeat=16)
    text, whole = found.tokens, [CLS, *source, SEP]
    for size, times in ((16, 1), (8, 2), (4, 3)):
        grams = [tuple(text[i : i + size]) for i in range(len(text) - size + 1)]
        in_source = [tuple(whole[i : i + size]) for i in range(len(whole) - size + 1)]
        assert all(grams.count(g) <= max(times, in_source.count(g)) for g in grams)
    # a model that always wants to copy can end only where bans leave nothing to copy
    assert tags != WANTS_O or (not found.truncated and len(text) < 20)


# --- a real model ---


@pytest.mark.parametrize("beams", [1, 3])
def test_a_generator_in_a_batch_equals_one_by_one(tiny_generator, beams):
    rng = random.Random(beams)
    size = tiny_generator.config.vocab_size
    sources = [[CLS, *rng.choices(range(5, size), k=n), SEP] for n in (1, 30, 7, 0, 18)]
    together = beam_search(tiny_generator, sources, beams=beams, max_new_tokens=24)
    for source, found in zip(sources, together, strict=True):
        (alone,) = beam_search(tiny_generator, [source], beams=beams, max_new_tokens=24)
        assert (alone.tokens, alone.tags) == (found.tokens, found.tags)
        assert alone.positions == found.positions
        assert alone.score == pytest.approx(found.score, abs=1e-3)
        check(source, found)
