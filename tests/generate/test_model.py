"""The generator: its loss by hand, its heads, and step by step the same as at once."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from spaces.generate.backbone import prefix_lm_mask
from spaces.generate.model import Generator, GeneratorConfig

POSITIONS = ["rotary", "relative"]
VOCABULARY = 30


def make(position: str = "rotary", **settings) -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GeneratorConfig(
            vocab_size=VOCABULARY,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            position=position,
            max_relative_position=3,
            initializer_range=0.3,
            **settings,
        )
        generator = Generator(config).eval()
        with torch.no_grad():
            generator.bias.normal_()
            generator.copy.bias.normal_()
        return generator


@pytest.fixture(params=POSITIONS)
def generator(request: pytest.FixtureRequest) -> Generator:
    return make(request.param)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Two examples of sources of 4 and 6 tokens and targets of 4 and 2; some source places are
    asked too, as in pretraining."""
    ids = torch.randint(5, VOCABULARY, (2, 9), generator=torch.Generator().manual_seed(0))
    source_lengths, lengths = torch.tensor([4, 6]), torch.tensor([9, 8])
    labels = torch.full((2, 9), -100)
    labels[0, 4:9] = torch.tensor([7, 8, 9, 10, 3])
    labels[1, 6:8] = torch.tensor([11, 3])
    labels[0, 2] = 12
    copy_labels = torch.full((2, 9), -100)
    copy_labels[0, 4:9] = torch.tensor([1, 2, 2, 0, 0])
    copy_labels[1, 6:8] = torch.tensor([1, 0])
    ids[1, 8:] = 0
    return {
        "input_ids": ids,
        "source_lengths": source_lengths,
        "lengths": lengths,
        "labels": labels,
        "copy_labels": copy_labels,
    }


def unlabelled(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v for k, v in batch.items() if k not in ("labels", "copy_labels")}


@torch.no_grad()
@pytest.mark.parametrize(("k", "weight"), [(0, 2.0), (0, 0.5), (3, 2.0), (3, 0.0)])
def test_the_loss_is_lm_plus_weighted_copy(batch, k: int, weight: float) -> None:
    generator = make(sparse_top_k=k, copy_weight=weight)
    everywhere = generator(**unlabelled(batch))
    lm, copied = [], []
    for b in range(2):
        for i in range(9):
            label, tag = batch["labels"][b, i].item(), batch["copy_labels"][b, i].item()
            if label != -100:
                row = everywhere.logits[b, i]
                counted = set(row.topk(k or VOCABULARY).indices.tolist()) | {label}
                lm.append(row[sorted(counted)].logsumexp(0) - row[label])
            if tag != -100:
                copied.append(-everywhere.tag_logits[b, i].log_softmax(-1)[tag])
    assert len(lm) == 8
    assert len(copied) == 7
    lm_loss, copy_loss = torch.stack(lm).mean().item(), torch.stack(copied).mean().item()
    output = generator(**batch)
    assert output.lm_loss.item() == pytest.approx(lm_loss, abs=1e-5)
    assert output.copy_loss.item() == pytest.approx(copy_loss, abs=1e-5)
    assert output.loss.item() == pytest.approx(lm_loss + weight * copy_loss, abs=1e-5)


def test_the_losses_by_part_carry_no_gradient(generator: Generator, batch) -> None:
    output = generator(**batch)
    assert output.loss.requires_grad
    assert not output.lm_loss.requires_grad
    assert not output.copy_loss.requires_grad
    assert output.logits is None


@torch.no_grad()
def test_only_the_places_asked_go_through_the_head(generator: Generator, batch) -> None:
    seen = []
    head = generator.token_logits
    generator.token_logits = lambda hidden: seen.append(head(hidden)) or seen[-1]
    generator(**batch)
    whole = generator(**unlabelled(batch)).logits
    asked = batch["labels"] != -100
    assert seen[0].shape == (8, VOCABULARY)
    assert torch.allclose(seen[0], whole[asked], atol=1e-5)


@torch.no_grad()
def test_padding_and_other_examples_do_not_change_the_scores(generator, batch) -> None:
    whole = generator(**unlabelled(batch))
    for b, length in enumerate([9, 8]):
        alone = generator(
            input_ids=batch["input_ids"][b : b + 1, :length],
            source_lengths=batch["source_lengths"][b : b + 1],
            lengths=batch["lengths"][b : b + 1],
        )
        assert torch.allclose(whole.logits[b, :length], alone.logits[0], atol=1e-5)
        assert torch.allclose(whole.tag_logits[b, :length], alone.tag_logits[0], atol=1e-5)


@torch.no_grad()
def test_the_forward_pass_reads_under_the_prefix_mask_with_two_segments(generator, batch) -> None:
    hidden = generator.backbone(
        input_ids=batch["input_ids"],
        attention_mask=prefix_lm_mask(batch["source_lengths"], batch["lengths"], 9),
        segments=torch.tensor([[0] * 4 + [1] * 5, [0] * 6 + [1] * 3]),
        extra=generator.reading(
            batch["input_ids"],
            batch["source_lengths"],
            generator.backbone.words(batch["input_ids"]),
        ),
    )
    output = generator(**unlabelled(batch))
    assert torch.allclose(output.logits, generator.token_logits(hidden), atol=1e-6)
    assert torch.allclose(output.tag_logits, generator.copy(hidden), atol=1e-6)


def test_the_output_matrix_is_the_embeddings(batch) -> None:
    generator = make()
    shapes = [p.shape for p in generator.parameters()]
    assert shapes.count((VOCABULARY, 16)) == 1
    hidden = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    expected = generator.norm(F.gelu(generator.transform(hidden)))
    expected = expected @ generator.backbone.words.weight.T + generator.bias
    assert torch.allclose(generator.token_logits(hidden), expected, atol=1e-6)
    before = generator.token_logits(hidden).detach()
    with torch.no_grad():
        generator.backbone.words.weight[6] += torch.arange(
            16.0
        )  # not a constant, which LayerNorm hides
    changed = (generator.token_logits(hidden) - before).abs().amax(0) > 1e-6
    assert changed.nonzero().flatten().tolist() == [6]


@torch.no_grad()
def test_steps_equal_the_whole(generator: Generator, batch) -> None:
    ids, sources = batch["input_ids"], batch["source_lengths"]
    whole = generator(**unlabelled(batch))
    width = int(sources.max())
    cache = generator.prefill(
        source_ids=ids[:, :width],
        source_mask=torch.arange(width) < sources[:, None],
        beams=2,
        max_new_tokens=5,
    )
    for t in range(2):  # the shorter target has two
        newest = torch.stack([ids[b, sources[b] + t] for b in range(2)])
        logits, tag_logits = generator.step(tokens=newest[:, None].expand(2, 2), cache=cache)
        assert logits.dtype == tag_logits.dtype == torch.float32
        for b in range(2):
            place = sources[b] + t
            for w in range(2):
                assert torch.allclose(logits[b, w], whole.logits[b, place], atol=1e-4)
                assert torch.allclose(tag_logits[b, w], whole.tag_logits[b, place], atol=1e-4)


@torch.no_grad()
def test_a_saved_generator_scores_the_same(generator: Generator, batch, tmp_path) -> None:
    generator.config.sparse_top_k = 4
    generator.save_pretrained(tmp_path)
    loaded = Generator.from_pretrained(tmp_path)
    assert not loaded.training
    assert loaded.config.sparse_top_k == 4
    assert torch.equal(loaded(**batch).loss, generator(**batch).loss)
    inputs = unlabelled(batch)
    assert torch.equal(loaded(**inputs).logits, generator(**inputs).logits)


@torch.no_grad()
def test_new_words_start_as_the_mean_of_their_pieces(batch, tmp_path) -> None:
    generator = make()
    before = copy.deepcopy(generator)
    assert generator.extend_embeddings([[7, 8], [9, 10, 10]]) is generator
    words, bias = generator.backbone.words.weight, generator.bias
    assert words.shape == (VOCABULARY + 2, 16)
    for rows, old in ((words, before.backbone.words.weight), (bias, before.bias)):
        assert torch.equal(rows[:VOCABULARY], old)
        assert torch.allclose(rows[VOCABULARY], (old[7] + old[8]) / 2)
        assert torch.allclose(rows[VOCABULARY + 1], (old[9] + 2 * old[10]) / 3, atol=1e-6)
    inputs = unlabelled(batch)
    logits = generator(**inputs).logits
    assert torch.allclose(logits[..., :VOCABULARY], before(**inputs).logits, atol=1e-6)
    generator.save_pretrained(tmp_path)
    loaded = Generator.from_pretrained(tmp_path)
    assert loaded.config.vocab_size == VOCABULARY + 2
    assert torch.equal(loaded(**inputs).logits, logits)


def test_no_new_words_change_nothing() -> None:
    generator = make()
    assert len(generator.extend_embeddings([]).bias) == VOCABULARY
