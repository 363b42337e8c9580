"""Layers multiply as PyTorch's do, follow their weights, and round each vector by itself."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from spaces.errors import ConfigError
from spaces.generate import linear
from spaces.generate.beam import beam_search
from spaces.generate.linear import Int8Linear, Linear, join
from spaces.generate.tokenizer import CLS, SEP


@pytest.mark.parametrize("rows", [1, 3, 4, 40])
@pytest.mark.parametrize("packed", [True, False])
def test_a_packed_layer_is_the_plain_one(rows, packed, monkeypatch) -> None:
    monkeypatch.setattr(linear, "_HAS_PACKED", linear._HAS_PACKED and packed)
    layers = [Linear(24, 16) for _ in range(3)]
    x, owner = torch.randn(1, rows, 24), nn.Module()
    with torch.inference_mode():
        plain = torch.cat([nn.functional.linear(x, o.weight, o.bias) for o in layers], dim=-1)
        assert torch.allclose(torch.cat([o(x) for o in layers], dim=-1), plain, atol=1e-5)
        assert torch.allclose(join(layers, x, owner), plain, atol=1e-5)
    assert (owner in linear._packed) == (linear._HAS_PACKED and rows > 3)


def test_a_layer_follows_its_weights_and_is_copied() -> None:
    layer, x = Linear(8, 8), torch.randn(5, 8)  # fewer rows would not be packed
    with torch.no_grad():
        layer(x)
        layer.weight.mul_(2)
        layer.bias.zero_()
        doubled = layer(x)
        assert torch.allclose(doubled, x @ layer.weight.T, atol=1e-5)
        layer.weight = nn.Parameter(torch.eye(8))
        assert torch.allclose(layer(x), x, atol=1e-6)
        assert torch.equal(copy.deepcopy(layer)(x), layer(x))
    assert set(layer.state_dict()) == {"weight", "bias"}
    layer(x).sum().backward()
    assert layer.weight.grad is not None


@pytest.mark.parametrize("fast", [True, False])
def test_eight_bits_are_close_and_each_vector_by_itself(fast, monkeypatch) -> None:
    monkeypatch.setattr(linear, "_HAS_INT8", linear._HAS_INT8 and fast)
    plain = nn.Linear(64, 32)
    layer = Int8Linear(plain.weight, plain.bias)
    x = torch.randn(5, 64) * torch.tensor([1.0, 1000.0, 0.001, 1.0, 0.0])[:, None]
    with torch.inference_mode():
        wanted, found = plain(x) - plain.bias, layer(x) - plain.bias
        for row, near in zip(wanted, found, strict=True):
            assert (row - near).norm() <= 0.02 * row.norm() + 1e-5
        for i in range(5):
            assert torch.allclose(layer(x[i : i + 1])[0], layer(x)[i], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_generator_in_less_precision_scores_nearly_the_same(tiny_generator, precision) -> None:
    source = [CLS, *range(5, 30), SEP]
    sizes = {"max_new_tokens": 6, "beams": 2}
    ids = torch.tensor([source])
    less = copy.deepcopy(tiny_generator).to_precision(precision)
    with torch.inference_mode():
        scores = []
        for model in (tiny_generator, less):
            cache = model.prefill(source_ids=ids, source_mask=torch.ones_like(ids).bool(), **sizes)
            scores.append(model.step(tokens=torch.full((1, 2), CLS), cache=cache)[0])
    plain, near = scores
    assert (plain - near).norm() < 0.1 * plain.norm()
    together = beam_search(less, [source, source[:9] + [SEP]], **sizes)
    assert together[0].tokens == beam_search(less, [source], **sizes)[0].tokens


def test_an_unknown_precision_is_named(tiny_generator) -> None:
    with pytest.raises(ConfigError, match="precision: expected one of float32, bfloat16, int8"):
        copy.deepcopy(tiny_generator).to_precision("int4")
