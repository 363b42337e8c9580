"""`spaces grow`: twice as wide, the same function, and training tells the copies apart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from spaces.cli import main
from spaces.errors import ConfigError, InputError
from spaces.extract.features import FEATURES
from spaces.generate.model import Generator, GeneratorConfig
from spaces.grow import grow, widen_backbone, widen_generator, widen_labeller
from spaces.pipeline import run
from spaces.summarizer import Summarizer

POSITIONS = ["rotary", "relative", "absolute"]


def make(position: str, **changed) -> Generator:
    """A random generator; its biases, norms and heads are random too."""
    sizes = {"vocab_size": 40, "hidden_size": 24, "num_hidden_layers": 3, "dropout": 0.0}
    sizes |= {"num_attention_heads": 3, "intermediate_size": 32, "max_relative_position": 4}
    sizes |= {"max_position": 6, "initializer_range": 0.3, "position": position}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        generator = Generator(GeneratorConfig(**sizes | changed)).eval()
        for name, weight in generator.named_parameters():
            if name.endswith("bias") or "norm" in name:
                weight += torch.randn_like(weight) * 0.3
    return generator


def batch() -> dict[str, Tensor]:
    ids = torch.randint(5, 40, (2, 14), generator=torch.Generator().manual_seed(1))
    ids[:, 10:12] = ids[:, 3:5]  # something for the selective read to find
    lengths = {"source_lengths": torch.tensor([8, 6]), "lengths": torch.tensor([14, 13])}
    return {"input_ids": ids, **lengths}


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("position", POSITIONS)
@torch.no_grad()
def test_logits_stay(position: str, residual: bool, width: int) -> None:
    generator = make(position, residual_attention=residual)
    wide = widen_generator(generator, width)
    assert wide.config.hidden_size == 24 * width == wide.backbone.words.weight.shape[1]
    assert wide.config.num_attention_heads == 3 * width
    assert wide.config.intermediate_size == 32 * width
    assert wide.config.head_size == generator.config.head_size
    before, after = generator(**batch()), wide(**batch())
    assert before.logits.std() > 0.5  # something to get wrong
    assert (before.logits - after.logits).abs().max() < 1e-4
    assert (before.tag_logits - after.tag_logits).abs().max() < 1e-4


@pytest.mark.parametrize("position", POSITIONS)
@torch.no_grad()
def test_steps_stay(position: str) -> None:
    generator, ids = make(position), batch()["input_ids"]
    mask = torch.arange(8) < torch.tensor([8, 6])[:, None]
    found = []
    for model in (generator, widen_generator(generator, 2)):
        cache = model.prefill(source_ids=ids[:, :8], source_mask=mask, beams=2, max_new_tokens=4)
        steps = [ids[:, 8 + 2 * t : 10 + 2 * t] for t in range(3)]
        found.append([model.step(tokens=tokens, cache=cache) for tokens in steps])
    for before, after in zip(*found, strict=True):
        for one, other in zip(before, after, strict=True):
            assert (one - other).abs().max() < 1e-4


@torch.no_grad()
def test_states_are_repeated_and_no_matrix_is() -> None:
    backbone, ids = make("rotary").backbone, batch()["input_ids"]
    wide = widen_backbone(backbone, 2)
    states = backbone(input_ids=ids)
    assert (wide(input_ids=ids) - states.repeat(1, 1, 2)).abs().max() < 1e-4
    up = wide.blocks[0].up.weight
    assert not torch.allclose(up[:, :24], up[:, 24:])  # nor do rows of copies agree
    assert not torch.allclose(up[:32], up[32:])
    assert torch.equal(up, widen_backbone(backbone, 2).blocks[0].up.weight)  # seeded
    assert not torch.equal(up, widen_backbone(backbone, 2, seed=1).blocks[0].up.weight)


def test_training_tells_copies_apart() -> None:
    wide = widen_generator(make("rotary", sparse_top_k=0), 2).train()
    labels = torch.full((2, 14), -100)
    labels[:, 8:12] = batch()["input_ids"][:, 9:13]
    optimizer = torch.optim.Adam(wide.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        loss = wide(**batch(), labels=labels, copy_labels=labels.clamp(max=2)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    words = wide.backbone.words.weight[batch()["input_ids"][0, 0]]
    assert not torch.allclose(words[:24], words[24:])


@torch.no_grad()
def test_a_labeller_reads_the_wider_vectors(tiny_summarizer) -> None:
    labeller = tiny_summarizer.labeller
    vectors = torch.randn(1, 7, labeller.config.input_size)
    own, features = vectors.split([vectors.shape[2] - FEATURES, FEATURES], dim=2)
    mask = torch.ones(1, 7, dtype=torch.bool)
    wide = widen_labeller(labeller, 2)
    before = labeller(vectors=vectors, mask=mask).logits
    after = wide(vectors=torch.cat([own, own, features], dim=2), mask=mask).logits
    assert (before - after).abs().max() < 1e-5


@torch.no_grad()
def test_the_default_model_grows() -> None:
    """All of it: clause scores, and the logits over a text of the samples."""
    model = Summarizer.from_pretrained()
    text = (Path(__file__).parents[1] / "data/samples/loan.txt").read_text("utf-8")[:300]
    ids = torch.tensor([model.tokenizer(text, add_special_tokens=False)["input_ids"]])
    lengths = torch.tensor([[ids.shape[1] * 2 // 3], [ids.shape[1]]])
    asked = {"input_ids": ids, "source_lengths": lengths[0], "lengths": lengths[1]}
    wide = widen_generator(model.generator, 2)
    before, after = model.generator(**asked), wide(**asked)
    assert (before.logits - after.logits).abs().max() < 1e-4
    assert (before.tag_logits - after.tag_logits).abs().max() < 1e-4


def test_a_grown_directory_summarizes_as_before(
    tiny_model_dir: Path, judgment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").mkdir()
    shutil.copytree(tiny_model_dir, tmp_path / "model", dirs_exist_ok=True)
    arguments = ["grow", str(tmp_path / "model"), str(tmp_path / "wide"), "--width", "2"]
    assert main(arguments) == 0
    assert "hidden size 32 -> 64, heads 2 -> 4" in capsys.readouterr().err
    before, after = (
        Summarizer.from_pretrained(tmp_path / name).summarize(judgment)
        for name in ("model", "wide")
    )
    assert before.text == after.text and before.text
    for one, other in zip(before.clauses, after.clauses, strict=True):
        assert abs(one.score - other.score) < 1e-4
    assert main(arguments) == 2
    assert "expected a new or empty folder" in capsys.readouterr().err


def test_training_continues_from_a_grown_model(
    tiny_model_dir: Path, training_config: Path, tmp_path: Path
) -> None:
    grow(tiny_model_dir, tmp_path / "wide")
    settings = [f"work_folder={tmp_path / 'work'}", f"model_folder={tmp_path / 'model'}"]
    run("all", training_config, [*settings, f"pretrain.start={tmp_path / 'wide'}"])
    trained = Summarizer.from_pretrained(tmp_path / "model")
    assert trained.generator.config.hidden_size == 64
    assert trained.encoder.backbone.config.hidden_size == 64


@pytest.mark.parametrize("width", [1, 0, -2])
def test_a_width_that_is_none_is_named(tiny_model_dir: Path, tmp_path: Path, width: int) -> None:
    with pytest.raises(ConfigError, match="width: expected a whole number of at least 2"):
        grow(tiny_model_dir, tmp_path / "wide", width=width)


def test_an_output_that_is_there_is_left_alone(tiny_model_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a new or empty folder"):
        grow(tiny_model_dir, tiny_model_dir)
