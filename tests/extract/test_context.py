"""Vectors of clauses in context: windows, means, and what may and may not change them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spaces.errors import ConfigError, ModelError
from spaces.extract.context import ClauseEncoder, cut_windows
from spaces.extract.encoder import SentenceEncoder
from spaces.generate.backbone import Backbone, BackboneConfig
from spaces.generate.tokenizer import CLS, FIRST_SECTION, SEP
from spaces.outline import columns, outline
from spaces.sections import SECTIONS


def make_backbone(tokenizer, segments: int) -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        config = BackboneConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            segments=segments,
            initializer_range=0.4,
        )
        return Backbone(config).eval()


@pytest.fixture(scope="module")
def backbone(tiny_tokenizer) -> Backbone:
    return make_backbone(tiny_tokenizer, FIRST_SECTION + len(SECTIONS))


@pytest.mark.parametrize(
    "counts, window, first, cuts",
    [
        ([3, 3, 3, 9], 8, None, [(0, 6), (6, 9), (9, 15), (15, 18)]),
        ([3, 3, 3], 100, None, [(0, 9)]),
        ([3, 3, 3], 8, 4, [(0, 3), (3, 9)]),
        ([0, 0], 8, None, []),
        ([], 8, None, []),
        ([0, 2, 0, 2], 4, None, [(0, 2), (2, 4)]),
        ([20], 8, 3, [(0, 3), (3, 9), (9, 15), (15, 20)]),
    ],
)
def test_windows_end_with_a_clause(counts, window, first, cuts):
    assert cut_windows(np.array(counts, dtype=int), window, first) == cuts


def test_a_vector_is_the_mean_of_its_tokens_in_the_whole_window(backbone, tiny_tokenizer, judgment):
    clauses = outline(judgment)[:4]
    ids = [tiny_tokenizer(c.text, add_special_tokens=False)["input_ids"] for c in clauses]
    flat = [CLS, *(i for each in ids for i in each), SEP]
    segments = [
        0,
        *(FIRST_SECTION + c.section for c, e in zip(clauses, ids, strict=True) for _ in e),
        0,
    ]
    with torch.no_grad():
        states = backbone(input_ids=torch.tensor([flat]), segments=torch.tensor([segments]))[0]
    (vectors,) = ClauseEncoder(
        backbone, tiny_tokenizer, window=512, first_segment=FIRST_SECTION
    ).encode([columns(clauses)])
    start = 1
    for vector, own in zip(vectors, ids, strict=True):
        expected = states[start : start + len(own)].mean(0).numpy()
        np.testing.assert_allclose(vector, expected, atol=1e-5)
        start += len(own)


def test_what_else_is_in_the_batch_changes_nothing(backbone, tiny_tokenizer, judgment):
    encoder = ClauseEncoder(backbone, tiny_tokenizer, window=48, first_segment=FIRST_SECTION)
    texts = [judgment, judgment[60:200], "", judgment[:30]]
    together = encoder.encode([columns(outline(text)) for text in texts], batch_tokens=150)
    for text, vectors in zip(texts, together, strict=True):
        (alone,) = encoder.encode([columns(outline(text))])
        assert vectors.shape == (len(outline(text)), 32)
        np.testing.assert_allclose(vectors, alone, atol=1e-5)


def test_neighbours_and_sections_matter(backbone, tiny_tokenizer, judgment):
    encoder = ClauseEncoder(backbone, tiny_tokenizer, window=512, first_segment=FIRST_SECTION)
    clauses = outline(judgment)[:5]
    (vectors,) = encoder.encode([columns(clauses)])
    (fewer,) = encoder.encode([columns(clauses[:4])])
    assert np.abs(vectors[:4] - fewer).max() > 1e-3
    other = [c._replace(section=(c.section + 1) % len(SECTIONS)) for c in clauses]
    assert np.abs(vectors - encoder.encode([columns(other)])[0]).max() > 1e-3


def test_no_window_reads_each_clause_by_itself(tiny_tokenizer, judgment):
    # knows no sections, and needs none; in double precision the shape of a batch does not show
    backbone = make_backbone(tiny_tokenizer, 2).double()
    documents = [outline(judgment), outline(judgment[:80])]
    found = ClauseEncoder(backbone, tiny_tokenizer, window=0, first_segment=FIRST_SECTION).encode(
        [columns(d) for d in documents]
    )
    for clauses, vectors in zip(documents, found, strict=True):
        alone = SentenceEncoder(backbone, tiny_tokenizer).encode([c.text for c in clauses])
        np.testing.assert_allclose(vectors, alone, atol=1e-6)


def test_a_clause_longer_than_a_window_is_read_whole(backbone, tiny_tokenizer):
    text = "借款利息" * 40 + "，驳回。"
    encoder = ClauseEncoder(backbone, tiny_tokenizer, window=20, first_segment=FIRST_SECTION)
    long, short = (
        encoder.encode([columns(outline(text))])[0],
        encoder.encode([columns(outline(text[8:]))])[0],
    )
    assert np.isfinite(long).all() and np.abs(long - short).max() > 1e-4


def test_what_does_not_fit_is_told(backbone, tiny_tokenizer):
    with pytest.raises(ConfigError, match="window: expected 0 or more than 2 tokens, got 2"):
        ClauseEncoder(backbone, tiny_tokenizer, window=2, first_segment=FIRST_SECTION)
    with pytest.raises(ModelError, match="the encoder tells 2 segments apart, a judgment has"):
        ClauseEncoder(
            make_backbone(tiny_tokenizer, 2), tiny_tokenizer, window=64, first_segment=FIRST_SECTION
        )
