"""Layers multiply as PyTorch's do, follow their weights, and round each vector by itself."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

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
    assert ("packed" in linear._made.get(owner, {})) == linear._HAS_PACKED


def test_a_layer_follows_its_weights_and_is_copied() -> None:
    layer, x = Linear(8, 8), torch.randn(5, 8)
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


@pytest.mark.parametrize("columns", [64, 24])  # the kernel for few rows takes 32 at a time
@pytest.mark.parametrize("fast", [True, False])
def test_eight_bits_are_close_and_each_vector_by_itself(columns, fast, monkeypatch) -> None:
    for name in ("_HAS_INT8", "_HAS_PACKED"):
        monkeypatch.setattr(linear, name, getattr(linear, name) and fast)
    plain = nn.Linear(columns, 32)
    layer = Int8Linear(plain.weight, plain.bias)
    x = torch.randn(5, columns) * torch.tensor([1.0, 1000.0, 0.001, 1.0, 0.0])[:, None]
    with torch.inference_mode():
        wanted, found = plain(x) - plain.bias, layer(x) - plain.bias
        for row, near in zip(wanted, found, strict=True):
            assert (row - near).norm() <= 0.02 * row.norm() + 1e-5
        for i in range(5):  # alone and among others: but for the rounding of the product
            alone = layer(x[i : i + 1])[0] - plain.bias
            assert (alone - found[i]).norm() <= 0.01 * found[i].norm() + 1e-6


@pytest.mark.parametrize("rows", [0, 1, 2, 3])  # of two each: few up to 4
def test_eight_bits_of_several_layers_are_joined(rows) -> None:
    layers = [Int8Linear(one.weight, one.bias) for one in (nn.Linear(64, 16), nn.Linear(64, 8))]
    x, owner = torch.randn(64, rows, 2).permute(2, 1, 0), nn.Module()
    with torch.inference_mode():
        apart = torch.cat([one(x) for one in layers], dim=-1)
        assert torch.allclose(join(layers, x, owner), apart, rtol=1e-5, atol=1e-6)
        layers[1].bias.zero_()
        assert torch.allclose(join(layers, x, owner)[..., 16:], layers[1](x), atol=1e-6)
    assert ("packed" in linear._made[owner]) == (linear._HAS_PACKED and rows in (0, 3))


def test_a_matrix_in_the_place_of_another_is_packed_anew() -> None:
    layer, x = Linear(64, 32), torch.randn(8, 64)
    with torch.inference_mode():
        for _ in range(20):  # a tensor that is gone may leave its address to the next
            with torch.inference_mode(False):
                layer.weight = nn.Parameter(torch.randn(32, 64))
            plain = nn.functional.linear(x, layer.weight, layer.bias)
            assert torch.allclose(layer(x), plain, atol=1e-4)


def test_eight_bits_may_be_made_where_nothing_is_recorded() -> None:
    with torch.inference_mode():
        plain = nn.Linear(64, 32)
        layer, x = Int8Linear(plain.weight, plain.bias), torch.randn(2, 64)
        assert (plain(x) - layer(x)).norm() <= 0.02 * plain(x).norm()


def test_a_processor_without_avx512_multiplies_in_every_precision() -> None:
    old = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    code = """
import torch
from spaces.generate.linear import PRECISIONS, Linear, reduce
plain = torch.nn.Sequential(Linear(64, 32))
for precision in PRECISIONS:
    model = torch.nn.Sequential(Linear(64, 32))
    model.load_state_dict(plain.state_dict())
    reduce(model, precision)
    with torch.inference_mode():
        for rows in (1, 5):
            x = torch.randn(rows, 64)
            assert (plain(x) - model(x)).norm() <= 0.02 * plain(x).norm(), (precision, rows)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **old}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


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
