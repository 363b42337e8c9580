"""Encoder and labeller trained together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from spaces.errors import ConfigError
from spaces.extract.context import ClauseEncoder, TokenizedClauses
from spaces.extract.features import FEATURES, add_features
from spaces.extract.labeller import Labeller, LabellerConfig
from spaces.extract.tuning import Example, tune_extractor
from spaces.generate.backbone import Backbone, BackboneConfig
from spaces.generate.tokenizer import CLS, FIRST_SECTION, SEP
from spaces.outline import columns, outline
from spaces.sections import SECTIONS

WORTH = "被告归还原告借款"


def build(tokenizer) -> tuple[Backbone, Labeller]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = Backbone(
            BackboneConfig(
                vocab_size=len(tokenizer),
                hidden_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=64,
                segments=FIRST_SECTION + len(SECTIONS),
                dropout=0.0,
            )
        )
        labeller = Labeller(
            LabellerConfig(input_size=32 + FEATURES, hidden_size=16, dilations=(1,))
        )
    return backbone.eval(), labeller.eval()


def tokenize(clauses: list, tokenizer) -> TokenizedClauses:
    texts, sections = columns(clauses)
    return TokenizedClauses.of(texts, [FIRST_SECTION + s for s in sections], tokenizer)


def make_example(text: str, tokenizer) -> tuple[list, np.ndarray, Example]:
    """A clause is worth keeping when the one before it is WORTH: only the context tells."""
    clauses = outline(text)
    labels = np.array(
        [i > 0 and clauses[i - 1].text.startswith(WORTH) for i in range(len(clauses))]
    )
    features = add_features(
        np.zeros((len(clauses), 0)), [c.section for c in clauses], [c.text for c in clauses]
    )
    return clauses, features, Example(tokenize(clauses, tokenizer), features, labels)


def make_text(random: np.random.Generator) -> str:
    return "".join(f"{random.choice([WORTH, '本院认为应当', '被告约定利息'])}，" for _ in range(12))


def tune(parts: tuple, examples: list[Example], folder: Path) -> tuple:
    return tune_extractor(
        *parts,
        examples,
        window=40,
        frame=(CLS, SEP),
        epochs=12,
        learning_rate=3e-3,
        labeller_learning_rate=1e-2,
        batch_size=8,
        output_dir=folder,
        seed=1,
    )


@pytest.fixture(scope="module")
def tuned(tiny_tokenizer, tmp_path_factory):
    random = np.random.default_rng(0)
    examples = [make_example(make_text(random), tiny_tokenizer)[2] for _ in range(48)]
    before = build(tiny_tokenizer)
    after = tune(before, examples, tmp_path_factory.mktemp("tuning"))
    return before, after, random


def test_it_learns_what_the_context_tells(tuned, tiny_tokenizer):
    before, (encoder, labeller), random = tuned
    assert not encoder.training and not labeller.training
    clauses, features, example = make_example(make_text(random), tiny_tokenizer)
    vectors = ClauseEncoder(encoder, tiny_tokenizer, window=40, first_segment=FIRST_SECTION).encode(
        [columns(clauses)]
    )[0]
    (found,) = labeller.probabilities([np.concatenate([vectors, features], axis=1)])
    assert ((found > 0.5) == example.labels.astype(bool)).mean() > 0.9


def test_both_parts_move_and_what_was_given_does_not(tuned, tiny_tokenizer):
    before, after, _ = tuned
    for given, fresh, changed in zip(before, build(tiny_tokenizer), after, strict=True):
        weights = changed.state_dict()
        moved = [not torch.equal(w, weights[name]) for name, w in given.state_dict().items()]
        assert any(moved)
        for name, weight in fresh.state_dict().items():
            assert torch.equal(weight, given.state_dict()[name])
    assert after[0].dropout.p == before[0].config.dropout


def test_nothing_to_learn_from_is_told(tiny_tokenizer, tmp_path):
    empty = Example(
        TokenizedClauses.of([], [], tiny_tokenizer), np.zeros((0, FEATURES)), np.zeros(0)
    )
    with pytest.raises(ConfigError, match="at least one with tokens, got none"):
        tune(build(tiny_tokenizer), [empty], tmp_path)
