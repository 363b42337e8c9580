"""Sentence vectors from sentence-transformers directories, and from models of this package."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch

from spaces.cli import main
from spaces.errors import ConfigError, ModelError
from spaces.extract.encoder import SentenceEncoder
from spaces.vectors import load_encoder

TEXTS = ["原告与被告借款合同纠纷", "被告归还借款"]


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A sentence-transformers directory around a random BERT of two layers."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("foreign")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set("".join(TEXTS)))]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    bert = folder / "bert"
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(bert)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(words),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
        BertModel(config).save_pretrained(bert)
    transformer = Transformer(str(bert))
    model = SentenceTransformer(modules=[transformer, Pooling(16)], device="cpu")
    model.save(str(folder / "model"))
    return folder / "model"


@pytest.fixture
def copied(foreign, tmp_path):
    """One to break."""
    return shutil.copytree(foreign, tmp_path / "model")


def test_a_sentence_transformers_directory(foreign) -> None:
    vectors = load_encoder(foreign).encode(TEXTS)
    assert vectors.shape == (2, 16) and vectors.dtype == np.float32
    from transformers import AutoModel, AutoTokenizer

    bert, tokenizer = AutoModel.from_pretrained(foreign), AutoTokenizer.from_pretrained(foreign)
    for text, vector in zip(TEXTS, vectors, strict=True):
        with torch.no_grad():
            states = bert(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        np.testing.assert_allclose(vector, states.mean(0), atol=1e-5)


def test_the_command_takes_it(foreign, tmp_path, capsys) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("原告借款\t原告还款\t1\n合同\t被告\t0\n借\t告\t0\n", encoding="utf-8")
    arguments = ["similarity", str(pairs), "--model", str(foreign), "--format", "json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["dims"] == 16
    assert main([*arguments, "--pooling", "cls"]) == 2
    assert "names its own: leave cls out" in capsys.readouterr().err


def test_without_the_extra_it_is_named(foreign, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ConfigError, match=r"needs the extra `sentence`: pip install .*\[sentence"):
        load_encoder(foreign)


def test_no_code_comes_with_a_directory(copied) -> None:
    modules = json.loads((copied / "modules.json").read_text())
    modules[1]["type"] = "custom.Evil"
    (copied / "modules.json").write_text(json.dumps(modules))
    (copied / "custom.py").write_text("raise SystemExit('code of a model was run')")
    with pytest.raises(ModelError, match="found custom.Evil: code that comes with a model"):
        load_encoder(copied)


def test_pickled_weights_are_refused(copied) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pytorch_model.bin: expected weights in safetensors"):
        load_encoder(copied)


def test_directories_that_are_none(copied) -> None:
    (copied / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="expected a sentence-transformers directory, found") as e:
        load_encoder(copied)
    assert "\n" not in str(e.value)
    (copied / "modules.json").write_text('{"a": 1}')
    with pytest.raises(ModelError, match="modules.json: expected a list of modules"):
        load_encoder(copied)


def test_a_generator_that_training_starts_from(tiny_model_dir, tiny_summarizer, tmp_path) -> None:
    start = tmp_path / "start"
    shutil.copytree(tiny_model_dir / "generator", start / "generator")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_model_dir / name, start)
    backbone = tiny_summarizer.generator.backbone
    expected = SentenceEncoder(backbone, tiny_summarizer.tokenizer, pooling="cls").encode(TEXTS)
    vectors = load_encoder(start, pooling="cls").encode(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    (start / "generator" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="generator/model.safetensors: no such file"):
        load_encoder(start)


def test_a_model_of_this_package(tiny_model_dir, tiny_summarizer) -> None:
    vectors = load_encoder(tiny_model_dir).encode(TEXTS)
    np.testing.assert_allclose(
        vectors,
        SentenceEncoder(tiny_summarizer.parts.encoder, tiny_summarizer.tokenizer).encode(TEXTS),
        atol=1e-6,
    )
