from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.errors import ConfigError
from spaces.generate.rules import NoRepeat, repeat_limits
from spaces.generate.tokenizer import CLS, PAD, SEP

VOCAB = 9


def rule_for(*sources: list[int], beams: int = 1, limits=None, protected=()) -> NoRepeat:
    width = max(map(len, sources))
    ids = torch.tensor([s + [PAD] * (width - len(s)) for s in sources])
    return NoRepeat(
        source_ids=ids, beams=beams, max_new_tokens=20, limits=limits or {2: 1}, protected=protected
    )


def say(rule: NoRepeat, *tokens: int) -> set[int]:
    """The tokens banned after these, for one document and one beam."""
    for token in tokens:
        rule.advance(tokens=torch.tensor([[token]]))
    return set(rule.banned(VOCAB)[0, 0].nonzero().flatten().tolist())


def test_an_ngram_the_source_lacks_occurs_once():
    rule = rule_for([CLS, 5, SEP])
    assert say(rule) == set()
    assert say(rule, 6) == set()
    assert say(rule, 7, 6) == {7}


def test_an_ngram_occurs_as_often_as_in_the_source():
    rule = rule_for([CLS, 6, 7, 6, 7, SEP])
    assert say(rule, 7, 6, 7) == {6}  # 7 6 is once in the source
    rule = rule_for([CLS, 6, 7, 6, 7, SEP])
    assert say(rule, 6, 7, 5, 6) == set()  # 6 7 is there twice
    assert say(rule, 7, 8, 6) == {7}


def test_a_token_repeated_on_the_spot():
    rule = rule_for([CLS, 5, SEP], limits={3: 1})
    assert say(rule, 6, 6) == set()
    assert say(rule, 6) == {6}


def test_protected_tokens_are_banned_only_where_the_source_lacks_the_ngram():
    rule = rule_for([CLS, 6, 7, SEP], protected=[7])
    assert say(rule, 6, 7, 5, 6) == set()
    rule = rule_for([CLS, 6, 8, SEP], protected=[7])
    assert say(rule, 6, 7, 5, 6) == {7}


def test_no_ngram_reaches_from_source_to_summary():
    rule = rule_for([5, 6])
    assert say(rule, 7, 6) == set()


def test_several_lengths_each_with_its_limit():
    rule = rule_for([CLS, 5, SEP], limits={3: 1, 2: 2})
    assert say(rule, 6, 7, 5, 6) == set()
    assert say(rule, 7) == {5}
    assert say(rule, 8, 6) == {7}


def test_limits():
    assert repeat_limits(0) == {}
    assert repeat_limits(3) == {3: 1}
    assert repeat_limits(9) == {9: 1, 4: 2}
    assert repeat_limits(16) == {16: 1, 8: 2, 4: 3}
    for wrong in (1, -2):
        with pytest.raises(ConfigError, match="no_repeat must be"):
            repeat_limits(wrong)


def plain_banned(
    source: list[int], text: list[int], size: int, times: int, protected: set[int]
) -> set[int]:
    def count(where: list[int], gram: list[int]) -> int:
        return sum(where[i : i + size] == gram for i in range(len(where)))

    tail = text[len(text) - size + 1 :] if len(text) >= size - 1 else None
    banned = set()
    for token in range(5, VOCAB):
        gram = [*tail, token] if tail is not None else []
        said, has = count(text, gram), count(source, gram)
        if said >= max(times, has) and not (token in protected and has):
            banned.add(token)
    return banned


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_match_lengths_equal_counted_ngrams(seed):
    rng = random.Random(seed)
    beams, protected = rng.randint(1, 3), {5}
    limits = {rng.randint(2, 4): rng.randint(1, 2) for _ in range(2)}
    symbols = range(5, rng.randint(6, VOCAB))
    sources = [[CLS, *rng.choices(symbols, k=rng.randint(0, 10)), SEP] for _ in range(3)]
    rule = rule_for(*sources, beams=beams, limits=limits, protected=protected)
    texts: list[list[list[int]]] = [[[] for _ in range(beams)] for _ in sources]
    for step in range(12):
        banned = rule.banned(VOCAB)
        for b, source in enumerate(sources):
            for w in range(beams):
                expected = set().union(
                    *(
                        plain_banned(source, texts[b][w], size, times, protected)
                        for size, times in limits.items()
                    )
                )
                assert set(banned[b, w].nonzero().flatten().tolist()) == expected
        if step == 6:
            rule.keep(torch.tensor([0, 2]))
            del sources[1], texts[1]
        parents = [[rng.randrange(beams) for _ in range(beams)] for _ in sources]
        tokens = [[rng.choice(symbols) for _ in range(beams)] for _ in sources]
        rule.reorder(torch.tensor(parents))
        rule.advance(tokens=torch.tensor(tokens))
        texts = [
            [[*texts[b][p], t] for p, t in zip(parents[b], tokens[b], strict=True)]
            for b in range(len(sources))
        ]
