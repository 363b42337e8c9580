"""The labeller's network, and the choice of clauses that a reader will see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spaces.errors import ConfigError, ModelError
from spaces.extract.labeller import GatedBlock, Labeller, LabellerConfig, pad_vectors, select


def tiny_labeller(seed: int = 0, **settings) -> Labeller:
    """A labeller of 6 -> 4 whose alphas are not 0, so that its convolutions do something."""
    torch.manual_seed(seed)
    labeller = Labeller(LabellerConfig(input_size=6, hidden_size=4, **settings)).eval()
    with torch.no_grad():
        for block in labeller.blocks:
            block.alpha.fill_(1.0)
    return labeller


def documents(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 6)).astype(np.float32) for length in lengths]


def test_defaults_are_those_of_the_original():
    config = LabellerConfig()
    assert (config.input_size, config.hidden_size, config.kernel_size) == (768, 384, 3)
    assert config.dilations == [1, 2, 4, 8, 1, 1]
    assert (config.dropout, config.threshold) == (0.1, 0.2)


def test_a_block_is_the_identity_at_first():
    block = GatedBlock(size=4, kernel_size=3, dilation=2)
    x = torch.randn(2, 5, 4)
    assert torch.equal(block(x=x, mask=torch.ones(2, 5, dtype=torch.bool)), x)
    assert all(block.alpha == 0 for block in Labeller(LabellerConfig(input_size=6)).blocks)


def test_a_block_is_what_its_formula_says():
    torch.manual_seed(0)
    block = GatedBlock(size=4, kernel_size=3, dilation=2)
    block.alpha.data.fill_(0.5)
    x = torch.randn(1, 7, 4)
    weight, bias = block.conv.weight, block.conv.bias  # (8, 4, 3), (8)
    expected = x.clone()
    for n in range(7):
        out = bias.clone()
        for tap, place in enumerate([n - 2, n, n + 2]):
            if 0 <= place < 7:
                out = out + weight[:, :, tap] @ x[0, place]
        gated = out[:4] * torch.sigmoid(out[4:])
        normal = (gated - gated.mean()) / torch.sqrt(gated.var(unbiased=False) + 1e-5)
        expected[0, n] += 0.5 * normal
    actual = block(x=x, mask=torch.ones(1, 7, dtype=torch.bool))
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("garbage", [100.0, torch.nan, torch.inf])
def test_a_masked_place_never_influences_another(garbage):
    labeller = tiny_labeller()
    vectors = torch.randn(2, 9, 6)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[0, 4] = mask[1, 6:] = False  # a hole, and padding
    labels = torch.randint(0, 2, (2, 9))
    clean = labeller(vectors=vectors, mask=mask, labels=labels)
    changed = labeller(
        vectors=vectors.masked_fill(~mask[:, :, None], garbage),
        mask=mask,
        labels=labels.masked_fill(~mask, -100),
    )
    torch.testing.assert_close(changed.logits, clean.logits, rtol=0, atol=0)
    torch.testing.assert_close(changed.loss, clean.loss, rtol=0, atol=0)
    assert not clean.logits[~mask].any()


def test_the_loss_is_the_mean_over_real_clauses():
    labeller = tiny_labeller()
    vectors, mask = pad_vectors(documents(5, 3))
    labels = torch.tensor([[1, 0, 0, 1, 0], [0, 1, 1, 0, 0]])
    output = labeller(vectors=vectors, mask=mask, labels=labels)
    p = torch.sigmoid(output.logits)
    losses = -torch.where(labels == 1, p.log(), (1 - p).log())
    torch.testing.assert_close(output.loss, losses[mask].sum() / 8)


def test_a_batch_equals_one_by_one():
    labeller, batch = tiny_labeller(), documents(3, 40, 1, 0, 17)
    together = labeller.probabilities(batch, batch_size=3)
    for document, probabilities in zip(batch, together, strict=True):
        assert probabilities.shape == (len(document),) and probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, labeller.probabilities([document])[0], atol=1e-6)


def test_probabilities_use_no_dropout_and_leave_the_mode_alone():
    labeller = tiny_labeller(dropout=0.5).train()
    first, second = (labeller.probabilities(documents(8))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert labeller.training
    assert labeller.probabilities([]) == []


def test_half_precision_vectors_are_read():
    labeller, document = tiny_labeller(), documents(5)[0].astype(np.float16)
    expected = labeller.probabilities([document.astype(np.float32)])[0]
    np.testing.assert_array_equal(labeller.probabilities([document])[0], expected)


def test_saved_and_loaded(tmp_path):
    labeller, document = tiny_labeller(kernel_size=5, threshold=0.3), documents(12)
    labeller.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    loaded = Labeller.from_pretrained(tmp_path)
    assert (loaded.config.kernel_size, loaded.config.threshold) == (5, 0.3)
    expected = labeller.probabilities(document)[0]
    np.testing.assert_array_equal(loaded.probabilities(document)[0], expected)


def test_vectors_of_another_encoder_are_refused():
    with pytest.raises(ModelError, match="expects vectors of 6, the encoder gives 7"):
        tiny_labeller().probabilities([np.zeros((3, 7), dtype=np.float32)])


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 4},
        {"dropout": 1.0},
        {"threshold": 2},
        {"dilations": [0]},
        {"hidden_size": 0},
        {"input_size": 0},
    ],
)
def test_a_wrong_setting_is_named(settings):
    with pytest.raises(ConfigError, match=f"labeller {next(iter(settings))}: expected"):
        LabellerConfig(**settings)


def kept(*args, **kwargs) -> list[int]:
    return np.flatnonzero(select(*args, **kwargs)).tolist()


def test_select_keeps_what_passes():
    assert kept([0.9, 0.2, 0.21, 0.1], threshold=0.2) == [0, 2]
    assert kept(np.array([0.2, 0.5], dtype=np.float32), threshold=0.2) == [1]


def test_select_keeps_the_best_when_nothing_passes():
    assert kept([0.01, 0.03, 0.02], threshold=0.2) == [1]
    assert kept([0.01, 0.03, 0.02], threshold=0.2, min_clauses=2) == [1, 2]
    assert kept([0.01, 0.3, 0.02], threshold=0.2, min_clauses=9) == [0, 1, 2]
    assert kept([0.1, 0.1, 0.1], threshold=0.2) == [0]


def test_select_drops_the_least_probable_until_the_rest_fits():
    p, tokens = [0.5, 0.9, 0.7, 0.6], [10, 10, 10, 10]
    assert kept(p, token_counts=tokens, max_tokens=40) == [0, 1, 2, 3]
    assert kept(p, token_counts=tokens, max_tokens=39) == [1, 2, 3]
    assert kept(p, token_counts=tokens, max_tokens=20) == [1, 2]
    assert kept([0.5] * 4, token_counts=tokens, max_tokens=20) == [0, 1]
    # The clause that does not fit ends the list, even if a less probable short one would fit.
    assert kept([0.9, 0.8, 0.7], token_counts=[5, 99, 5], max_tokens=10) == [0]


def test_select_is_never_empty():
    assert kept([0.9, 0.8], token_counts=[50, 50], max_tokens=10) == [0]
    assert kept([0.0], token_counts=[0], max_tokens=0) == [0]
    assert kept([]) == [] == kept([], token_counts=[], max_tokens=5)
    # A clause that the tokenizer finds nothing in would leave the generator an empty source.
    assert kept([0.9, 0.1], token_counts=[0, 3], max_tokens=10) == [1]


@given(
    # select compares single precision: 1e-193 is 0 to it
    st.lists(st.tuples(st.floats(0, 1, width=32), st.integers(0, 30)), max_size=12),
    st.integers(0, 60),
    st.integers(1, 4),
)
def test_select_holds_its_promises(clauses, max_tokens, min_clauses):
    p, tokens = np.array([c[0] for c in clauses]), np.array([c[1] for c in clauses])
    keep = select(p, token_counts=tokens, max_tokens=max_tokens, min_clauses=min_clauses)
    assert keep.any() == bool(clauses)
    assert keep.sum() <= 1 or tokens[keep].sum() <= max_tokens
    said = tokens > 0
    if (keep & said).any():
        assert p[keep & said].min() >= p[said & ~keep].max(initial=0)


def test_select_refuses_nonsense():
    with pytest.raises(ModelError, match="NaN"):
        select([0.1, float("nan")])
    with pytest.raises(ConfigError, match="both or neither"):
        select([0.1], max_tokens=5)
    with pytest.raises(ConfigError, match="one for each of 2 clauses, got 1"):
        select([0.1, 0.2], token_counts=[1], max_tokens=5)
    with pytest.raises(ConfigError, match="min_clauses"):
        select([0.1], min_clauses=0)


def test_select_takes_labels_of_unsigned_integers_as_probabilities() -> None:
    labels = np.array([0, 1, 0, 1], dtype=np.uint8)  # as `VectorStore` gives them
    assert select(labels, threshold=0.5).tolist() == [False, True, False, True]
