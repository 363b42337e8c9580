"""Modules with a config beside them: what is written is read again, and nothing is made up."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from spaces.errors import ConfigError, ModelError
from spaces.extract.labeller import Labeller, LabellerConfig
from spaces.generate.backbone import Backbone, BackboneConfig
from spaces.generate.model import Generator, GeneratorConfig

SIZES = {
    "vocab_size": 30,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}


def tiny(cls, seed: int = 0):
    torch.manual_seed(seed)
    if cls is Labeller:
        return Labeller(LabellerConfig(input_size=6, hidden_size=4))
    config = GeneratorConfig if cls is Generator else BackboneConfig
    return cls(config(**SIZES))


def weights_of(model) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


@pytest.mark.parametrize("cls", [Backbone, Generator, Labeller])
def test_what_is_written_is_read_again(cls, tmp_path) -> None:
    model = tiny(cls)
    model.save_pretrained(tmp_path / "new" / "folder")
    before = torch.get_rng_state()
    read = cls.from_pretrained(tmp_path / "new" / "folder")
    assert torch.equal(torch.get_rng_state(), before)
    assert not read.training
    assert read.config.to_dict() == {**model.config.to_dict(), "dtype": "float32"}
    expected = weights_of(model)
    assert all(torch.equal(expected[name], weight) for name, weight in weights_of(read).items())


def test_halves_on_disk_are_float32_in_memory(tmp_path) -> None:
    tiny(Backbone).save_pretrained(tmp_path, "float16")
    assert load_file(tmp_path / "model.safetensors")["words.weight"].dtype == torch.float16
    assert {weight.dtype for weight in Backbone.from_pretrained(tmp_path).parameters()} == {
        torch.float32
    }


def test_the_same_seed_the_same_weights_another_seed_others() -> None:
    first, again, other = (weights_of(tiny(Generator, seed)) for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["backbone.words.weight"], other["backbone.words.weight"])
    assert first["backbone.words.weight"].std() == pytest.approx(0.02, rel=0.2)


def test_fields_that_are_changed(tmp_path) -> None:
    tiny(Backbone).save_pretrained(tmp_path)
    assert Backbone.from_pretrained(tmp_path).config.residual_attention is False
    changed = Backbone.from_pretrained(tmp_path, residual_attention=True)
    assert changed.config.residual_attention is True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("classify.bias"), "found a file without classify.bias .1 missing"),
        (lambda w: w.update(more=torch.zeros(1)), "found a file with more .1 unknown"),
        (lambda w: w.update({"classify.bias": torch.zeros(2)}), r"shape \[1\] .* found \[2\]"),
    ],
)
def test_a_weight_that_is_missing_or_foreign_is_never_made_up(change, message, tmp_path) -> None:
    tiny(Labeller).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    change(weights)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=message):
        Labeller.from_pretrained(tmp_path)


def test_what_is_not_a_number_is_not_written(tmp_path) -> None:
    labeller = tiny(Labeller)
    with torch.no_grad():
        labeller.classify.bias.fill_(1e6)
    labeller.save_pretrained(tmp_path / "float32")
    with pytest.raises(ConfigError, match=r"classify\.bias of half is not finite as float16"):
        labeller.save_pretrained(tmp_path / "half", "float16")
    assert not (tmp_path / "half").exists()
