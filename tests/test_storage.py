"""The model directory: what is written is read again, and what is wrong with it is named."""

from __future__ import annotations

import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from spaces import storage
from spaces.errors import ConfigError, InputError, ModelError
from spaces.extract.features import FEATURES
from spaces.generate.model import Generator
from spaces.summarizer import Summarizer

WIDTH = 32 + FEATURES  # what the tiny model's labeller reads of a clause


@pytest.fixture
def model_dir(tiny_model_dir, tmp_path):
    """A copy to break."""
    return shutil.copytree(tiny_model_dir, tmp_path / "model")


def edit(path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_weights(path, change) -> None:
    weights = load_file(path)
    change(weights)
    save_file(weights, path)


def test_saved_and_loaded_is_the_same(tiny_summarizer, tiny_model_dir, judgment) -> None:
    state = torch.get_rng_state()
    loaded = Summarizer.from_pretrained(tiny_model_dir)
    assert torch.equal(torch.get_rng_state(), state)
    assert loaded.config == tiny_summarizer.config
    assert loaded.fingerprint() == tiny_summarizer.fingerprint()
    assert loaded.summarize(judgment) == tiny_summarizer.summarize(judgment)


def test_half_precision_on_disk_is_float32_in_memory(tiny_summarizer, tmp_path, judgment) -> None:
    before = tiny_summarizer.fingerprint()
    tiny_summarizer.save_pretrained(tmp_path / "half")
    assert tiny_summarizer.fingerprint() == before, "saving changes nothing in memory"
    stored = load_file(tmp_path / "half" / "generator" / "model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float16}
    loaded = Summarizer.from_pretrained(tmp_path / "half")
    assert all(p.dtype == torch.float32 for part in loaded.parts[1:] for p in part.parameters())
    assert loaded.summarize(judgment).text


def test_a_model_directory_is_replaced_whole_and_keeps_other_files(model_dir, variant_of) -> None:
    (model_dir / "MODEL_CARD.md").write_text("card")
    (model_dir / "figures").mkdir()
    (model_dir / "figures" / "dev.json").write_text("{}")
    variant_of(beams=3).save_pretrained(model_dir)
    assert Summarizer.from_pretrained(model_dir).config.beams == 3
    assert (model_dir / "MODEL_CARD.md").read_text() == "card"
    assert (model_dir / "figures" / "dev.json").exists()
    assert [path.name for path in model_dir.parent.iterdir()] == ["model"]


@pytest.fixture
def variant_of(tiny_summarizer):
    from dataclasses import replace

    return lambda **changes: Summarizer(
        *tiny_summarizer.parts, replace(tiny_summarizer.config, **changes)
    )


def test_a_failed_save_leaves_the_old_model(model_dir, variant_of, monkeypatch) -> None:
    def fail(*args) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Generator, "save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        variant_of(beams=3).save_pretrained(model_dir)
    assert Summarizer.from_pretrained(model_dir).config.beams == 1
    assert [path.name for path in model_dir.parent.iterdir()] == ["model"]


def test_places_that_are_not_replaced(tiny_summarizer, tmp_path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("thesis", "file"):
        with pytest.raises(InputError, match="expected a new folder or a model directory"):
            tiny_summarizer.save_pretrained(tmp_path / name)
    with pytest.raises(ConfigError, match="dtype: expected one of float16, .* got 'int8'"):
        tiny_summarizer.save_pretrained(tmp_path / "new", dtype="int8")
    assert not (tmp_path / "new").exists()


def test_weights_too_large_for_half_precision(tiny_summarizer, tmp_path) -> None:
    import copy

    parts = tiny_summarizer.parts
    labeller = copy.deepcopy(parts.labeller)
    with torch.no_grad():
        labeller.classify.bias.fill_(1e6)
    large = Summarizer(parts.tokenizer, parts.encoder, labeller, parts.generator)
    with pytest.raises(ConfigError, match="classify.bias of labeller is not finite as float16"):
        large.save_pretrained(tmp_path / "large")
    assert list(tmp_path.iterdir()) == []
    large.save_pretrained(tmp_path / "large", dtype="float32")


def test_no_default_model(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(storage, "DEFAULT_MODEL", tmp_path / "default")
    with pytest.raises(ModelError, match="default model is not in this installation.*spaces train"):
        Summarizer.from_pretrained()


def test_paths_that_are_no_model(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, found in [("file", "a file"), ("empty", "without config.json"), ("no", "no such")]:
        with pytest.raises(ModelError, match=f"expected a model directory .* found .*{found}"):
            Summarizer.from_pretrained(tmp_path / name)


BROKEN = {
    "config not JSON": (lambda d: (d / "config.json").write_text("{"), "config.json: expected a"),
    "config a list": (lambda d: (d / "config.json").write_text("[]"), "JSON object, found list"),
    "version": (
        lambda d: edit(d / "config.json", format_version=99),
        "expected format_version 1, found 99",
    ),
    "setting": (lambda d: edit(d / "config.json", beams=0), "config.json: beams: expected a whole"),
    "unknown setting": (lambda d: edit(d / "config.json", beam=1), "config.json: beam: no such"),
    "no tokenizer": (lambda d: (d / "tokenizer.json").unlink(), "tokenizer.json: no such file"),
    "tokenizer not one": (
        lambda d: (d / "tokenizer.json").write_text('{"model": 3}'),
        "tokenizer.json: expected a tokenizer",
    ),
    "no part": (lambda d: shutil.rmtree(d / "labeller"), "labeller/config.json: no such file"),
    "no weights": (
        lambda d: (d / "encoder" / "model.safetensors").unlink(),
        "encoder/model.safetensors: no such file",
    ),
    "corrupt weights": (
        lambda d: (d / "encoder" / "model.safetensors").write_bytes(b"\x80" * 100),
        "encoder/model.safetensors: expected safetensors",
    ),
    "truncated weights": (
        lambda d: (d / "generator" / "model.safetensors").write_bytes(
            (d / "generator" / "model.safetensors").read_bytes()[:-10]
        ),
        "generator/model.safetensors: expected safetensors",
    ),
    "another part's config": (
        lambda d: shutil.copy(d / "encoder" / "config.json", d / "generator" / "config.json"),
        "generator/config.json: expected model_type 'spaces-generator', found 'spaces-backbone'",
    ),
    "impossible sizes": (
        lambda d: edit(d / "encoder" / "config.json", num_attention_heads=5),
        "encoder/config.json: hidden_size",
    ),
    "nonsense sizes": (
        lambda d: edit(d / "labeller" / "config.json", hidden_size="big"),
        "labeller/config.json",
    ),
    "another labeller": (
        lambda d: edit(d / "labeller" / "config.json", hidden_size=24),
        f"expected shape .24, {WIDTH}. after its config.json, found .16, {WIDTH}.",
    ),
    "missing weight": (
        lambda d: edit_weights(
            d / "generator" / "model.safetensors", lambda weights: weights.pop("bias")
        ),
        "without bias .1 missing.",
    ),
    "unknown weight": (
        lambda d: edit_weights(
            d / "generator" / "model.safetensors",
            lambda weights: weights.update(extra=torch.zeros(1)),
        ),
        "with extra .1 unknown.",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named(model_dir, name) -> None:
    change, message = BROKEN[name]
    change(model_dir)
    with pytest.raises(ModelError, match=message) as caught:
        Summarizer.from_pretrained(model_dir)
    assert str(model_dir) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parts_of_two_models(model_dir, tiny_summarizer) -> None:
    from spaces.extract.labeller import Labeller, LabellerConfig

    other = Labeller(LabellerConfig(input_size=64, hidden_size=8))
    other.save_pretrained(model_dir / "labeller")
    expected = f"expects vectors of 64, the encoder gives {WIDTH} .*: was it"
    with pytest.raises(ModelError, match=expected):
        Summarizer.from_pretrained(model_dir)


def test_pickled_weights_are_not_read(model_dir) -> None:
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was read",))

    weights = model_dir / "encoder" / "model.safetensors"
    for path in (weights, weights.with_name("pytorch_model.bin")):
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError, match="expected safetensors"):
        Summarizer.from_pretrained(model_dir)
