"""Sentence vectors: means over a text's own tokens, whatever else is in the batch."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from spaces.errors import ConfigError, ModelError
from spaces.extract.encoder import SentenceEncoder

CLS, SEP = 2, 3


class CharacterTokenizer:
    """One token for each character that is not white space."""

    cls_token_id, sep_token_id = CLS, SEP

    def __call__(self, texts, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [[5 + ord(c) % 40 for c in t if not c.isspace()] for t in texts]}


class Attending(nn.Module):
    """One attention layer: each token sees every real token of its row, and the row's length."""

    def __init__(self, hidden: int = 8, spoil_padding: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(64, hidden)
        self.config = SimpleNamespace(hidden_size=hidden)
        self.spoil_padding = spoil_padding
        self.rows: list[torch.Tensor] = []

    def forward(self, *, input_ids, attention_mask):
        assert input_ids.dtype == torch.long and attention_mask.dtype == torch.bool
        self.rows.append(input_ids)
        x = self.embed(input_ids)
        scores = (x @ x.transpose(1, 2)).masked_fill(~attention_mask[:, None, :], -torch.inf)
        states = torch.tanh(scores.softmax(-1) @ x)
        if self.spoil_padding:
            states = states.masked_fill(~attention_mask[:, :, None], torch.nan)
        return states


TEXTS = ["本院认为，", "甲", "原告的诉讼请求没有事实和法律依据。", "", "被告辩称", "甲", " \n"]


def test_a_vector_is_the_mean_over_its_own_tokens():
    backbone, tokenizer = Attending(), CharacterTokenizer()
    vector = SentenceEncoder(backbone, tokenizer).encode(["甲乙 丙"])[0]
    ids = torch.tensor([[CLS, *tokenizer(["甲乙丙"], False)["input_ids"][0], SEP]])
    states = backbone(input_ids=ids, attention_mask=torch.ones_like(ids, dtype=torch.bool))
    np.testing.assert_allclose(vector, states[0, 1:-1].mean(0).detach(), atol=1e-6)


@pytest.mark.parametrize("pooling", ["last", "cls"])
@pytest.mark.parametrize("batch_tokens", [1, 20, 4096])
def test_a_vector_does_not_depend_on_its_batch(batch_tokens, pooling):
    encoder = SentenceEncoder(Attending(), CharacterTokenizer(), pooling=pooling)
    texts = [*TEXTS, "乙", "丙丁", "戊"]  # more than four rows, and no multiple of it
    together = encoder.encode(texts, batch_tokens=batch_tokens)
    assert together.dtype == np.float32 and together.shape == (len(texts), 8)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(vector, encoder.encode([text])[0], atol=1e-5)


def test_whatever_a_backbone_leaves_at_padding_is_ignored():
    clean = SentenceEncoder(Attending(), CharacterTokenizer()).encode(TEXTS)
    spoiled = SentenceEncoder(Attending(spoil_padding=True), CharacterTokenizer()).encode(TEXTS)
    np.testing.assert_allclose(spoiled, clean, atol=1e-6)


def test_blank_texts_are_zeros():
    encoder = SentenceEncoder(Attending(), CharacterTokenizer())
    assert not encoder.encode(TEXTS)[[3, 6]].any()
    assert encoder.encode(["", " "]).shape == (2, 8)
    assert encoder.encode([]).shape == (0, 8)


def test_batches_hold_what_was_asked_and_repeats_are_encoded_once():
    backbone = Attending()
    SentenceEncoder(backbone, CharacterTokenizer()).encode(TEXTS, batch_tokens=40)
    assert all(rows.numel() <= 40 for rows in backbone.rows)
    assert sum(int((rows[:, 0] == CLS).sum()) for rows in backbone.rows) == 4
    lengths = [rows.shape[1] for rows in backbone.rows]
    assert lengths == sorted(lengths, reverse=True)


def test_a_corpus_of_clauses_comes_in_few_shapes():
    """Kernels are kept for each shape: memory grew with the corpus."""
    backbone = Attending()
    encoder = SentenceEncoder(backbone, CharacterTokenizer(), max_tokens=50)
    for seed in range(40):
        lengths = np.random.default_rng(seed).integers(1, 60, size=150)
        encoder.encode(["甲" * n + str(i) for i, n in enumerate(lengths)])
    assert len(backbone.rows) > 200
    assert len({rows.numel() for rows in backbone.rows}) <= 20
    assert max(rows.shape[1] for rows in backbone.rows) == 50


def test_a_long_text_loses_nothing():
    text = "一二三四五六七八九十甲乙丙"  # windows of 5, 5 and 3 tokens
    encoder = SentenceEncoder(Attending(), CharacterTokenizer(), max_tokens=7)
    windows = encoder.encode([text[:5], text[5:10], text[10:]])
    expected = (5 * windows[0] + 5 * windows[1] + 3 * windows[2]) / 13
    np.testing.assert_allclose(encoder.encode([text])[0], expected, atol=1e-6)


def test_the_backbone_is_left_as_it_was():
    backbone = Attending()
    assert backbone.train().training
    SentenceEncoder(backbone, CharacterTokenizer()).encode(["甲"])
    assert backbone.training


def test_wrong_use():
    with pytest.raises(ConfigError, match="max_tokens: expected more than the 2 tokens"):
        SentenceEncoder(Attending(), CharacterTokenizer(), max_tokens=2)
    with pytest.raises(TypeError, match="list of texts"):
        SentenceEncoder(Attending(), CharacterTokenizer()).encode("甲乙")
    nameless = Attending()
    del nameless.config
    with pytest.raises(ModelError, match="config.hidden_size"):
        SentenceEncoder(nameless, CharacterTokenizer()).encode([""])


class Layered(nn.Module):
    """Two layers that name themselves, and give something beside their states."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(64, 8)

        class Layer(nn.Linear):
            def forward(self, x):
                return torch.tanh(super().forward(x)), "keys and values"

        self.blocks = nn.ModuleList(Layer(8, 8) for _ in range(2))

    def layers(self, input_ids):
        x, found = self.embed(input_ids), []
        for block in self.blocks:
            x = block(x)[0]
            found.append(x)
        return found

    def forward(self, *, input_ids, attention_mask):
        return self.layers(input_ids)[-1]


def test_pooling():
    backbone, tokenizer = Layered(), CharacterTokenizer()
    ids = torch.tensor([[CLS, *tokenizer(["甲乙丙"], False)["input_ids"][0], SEP]])
    first, last = (states[0].detach() for states in backbone.layers(ids))
    expected = {
        "last": last[1:-1].mean(0),
        "first-last": (first[1:-1] + last[1:-1]).mean(0) / 2,
        "cls": last[0],
    }
    for pooling, vector in expected.items():
        encoder = SentenceEncoder(backbone, tokenizer, pooling=pooling)
        found = encoder.encode(["甲", "甲乙丙", "", "原告的诉讼请求"])
        np.testing.assert_allclose(found[1], vector, atol=1e-6)
        assert not found[2].any()
    assert not backbone.blocks[0]._forward_hooks


def test_the_windows_of_a_long_text_share_their_cls():
    encoder = SentenceEncoder(Attending(), CharacterTokenizer(), max_tokens=5, pooling="cls")
    parts = encoder.encode(["甲乙丙", "丁戊"])
    np.testing.assert_allclose(encoder.encode(["甲乙丙丁戊"])[0], parts.mean(0), atol=1e-6)


def test_pooling_that_cannot_be():
    with pytest.raises(ConfigError, match="pooling: expected one of last, first-last, cls, got"):
        SentenceEncoder(Attending(), CharacterTokenizer(), pooling="max")
    with pytest.raises(ConfigError, match="first-last needs a backbone that names its layers"):
        SentenceEncoder(Attending(), CharacterTokenizer(), pooling="first-last")
    frameless = CharacterTokenizer()
    frameless.cls_token_id = None
    with pytest.raises(ConfigError, match="cls needs a tokenizer with a"):
        SentenceEncoder(Attending(), frameless, pooling="cls")
