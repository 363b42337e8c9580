"""The backbone under the UniLM mask: who sees whom, positions, the cache, new words."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spaces.errors import ModelError
from spaces.generate.backbone import Backbone, BackboneConfig, prefix_lm_mask
from spaces.generate.positions import extended, rotary_angles, rotate, sinusoids

POSITIONS = ["rotary", "relative", "absolute", "rotary real", "relative real", "absolute real"]
VOCABULARY = 40


def make(position: str, *, layers: int = 2, clip: int = 3, seed: int = 0) -> Backbone:
    """A random backbone whose attention is far from even, so that a wrong mask or distance shows;
    distances are clipped, and learned positions end, well inside the sequences used here. "real":
    a RealFormer."""
    position, _, residual = position.partition(" ")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = BackboneConfig(
            vocab_size=VOCABULARY,
            hidden_size=24,
            num_hidden_layers=layers,
            num_attention_heads=3,
            intermediate_size=32,
            position=position,
            max_relative_position=clip,
            max_position=5,
            residual_attention=bool(residual),
            initializer_range=0.4,
        )
        return Backbone(config).eval()


@pytest.fixture(params=POSITIONS)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return make(request.param)


def tokens(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(5, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def read(backbone: Backbone, ids: Tensor, source_lengths: list[int], lengths: list[int]) -> Tensor:
    """Hidden states (B, L, E) of source and target in one pass under the prefix mask."""
    source, total = torch.tensor(source_lengths), torch.tensor(lengths)
    return backbone(
        input_ids=ids,
        attention_mask=prefix_lm_mask(source, total, ids.shape[1]),
        segments=(torch.arange(ids.shape[1]) >= source[:, None]).long(),
    )


def differs(a: Tensor, b: Tensor) -> list[bool]:
    """For each place whether the hidden states (L, E) differ."""
    return [(x - y).abs().max().item() > 1e-4 for x, y in zip(a, b, strict=True)]


# --- the mask


def test_mask_by_hand() -> None:
    found = prefix_lm_mask(torch.tensor([2, 3]), torch.tensor([4, 3]), 5).int().tolist()
    assert found[0] == [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 0, 0, 0, 0],  # padding looks at something
    ]
    assert found[1] == [
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
    ]


def test_mask_of_random_lengths_follows_the_rule() -> None:
    random = torch.Generator().manual_seed(1)
    lengths = torch.randint(2, 9, (20,), generator=random)
    source = (lengths * torch.rand(20, generator=random)).long().clamp(min=1)
    mask = prefix_lm_mask(source, lengths, 9)
    for b, (s, n) in enumerate(zip(source.tolist(), lengths.tolist(), strict=True)):
        for i in range(n):
            for j in range(9):
                assert mask[b, i, j].item() == (j < s or (i >= s and s <= j <= i))
    assert mask.any(-1).all()


@pytest.mark.parametrize("changed", range(9))
def test_a_changed_token_is_seen_by_those_who_may_see_it(backbone: Backbone, changed: int) -> None:
    source, length = 5, 9
    ids = tokens(1, length)
    other = ids.clone()
    other[0, changed] = (ids[0, changed] - 5 + 1) % (VOCABULARY - 5) + 5
    a, b = (read(backbone, x, [source], [length])[0] for x in (ids, other))
    # the source sees itself both ways, the target sees the source and its own past
    reached = range(length) if changed < source else range(changed, length)
    assert differs(a, b) == [i in reached for i in range(length)]


def test_a_target_token_is_not_a_source_token(backbone: Backbone) -> None:
    ids = tokens(1, 6)
    mask = torch.ones(1, 6, 6, dtype=torch.bool)
    with torch.no_grad():
        source = backbone(input_ids=ids, attention_mask=mask)
        default = backbone(input_ids=ids, attention_mask=mask, segments=torch.zeros_like(ids))
        target = backbone(input_ids=ids, attention_mask=mask, segments=torch.ones_like(ids))
    assert torch.equal(source, default)
    assert all(differs(source[0], target[0]))


# --- padding


def test_a_batch_equals_one_by_one(backbone: Backbone) -> None:
    source_lengths, lengths, width = [3, 7, 1], [8, 9, 4], 12
    ids = tokens(3, width)
    together = read(backbone, ids, source_lengths, lengths)
    for b, (source, length) in enumerate(zip(source_lengths, lengths, strict=True)):
        alone = read(backbone, ids[b : b + 1, :length], [source], [length])
        assert torch.allclose(together[b, :length], alone[0], atol=1e-5)


def test_real_tokens_never_look_at_padding(backbone: Backbone) -> None:
    ids, mask = tokens(2, 8), torch.arange(8) < torch.tensor([8, 5])[:, None]
    with torch.no_grad():
        first = backbone(input_ids=ids, attention_mask=mask)
        noisy = torch.where(mask, ids, tokens(2, 8, seed=9))
        second = backbone(input_ids=noisy, attention_mask=mask)
        alone = backbone(input_ids=ids[1:, :5])  # no mask: all tokens are real
    assert torch.equal(first[mask], second[mask])
    assert torch.allclose(first[1, :5], alone[0], atol=1e-5)
    assert torch.isfinite(first).all()


# --- positions


def plain_relative_attention(attention, x: Tensor, mask: Tensor, clip: int) -> Tensor:
    """NEZHA's equations pair by pair: score_ij = q_i . (k_j + r_ij) / sqrt(d), out_i = sum_j p_ij
    (v_j + r_ij), r_ij the sinusoid of j - i, clipped; x (L, E), mask (L, L)."""
    length, heads, size = len(x), attention.heads, attention.size

    def sinusoid(position: int) -> Tensor:
        angles = [position / 10000 ** (2 * i / size) for i in range(size // 2)]
        return torch.tensor([f(a) for a in angles for f in (math.sin, math.cos)])

    def distance(i: int, j: int) -> Tensor:
        return sinusoid(max(-clip, min(clip, j - i)) + clip)

    q, k, v = (
        linear(x).view(length, heads, size)
        for linear in (attention.query, attention.key, attention.value)
    )
    out = torch.zeros(length, heads, size)
    for h in range(heads):
        for i in range(length):
            seen = [j for j in range(length) if mask[i, j]]
            scores = [q[i, h] @ (k[j, h] + distance(i, j)) / math.sqrt(size) for j in seen]
            for j, p in zip(seen, torch.stack(scores).softmax(0), strict=True):
                out[i, h] += p * (v[j, h] + distance(i, j))
    return attention.output(out.flatten(1))


@torch.no_grad()
def test_relative_attention_equals_the_equation() -> None:
    attention = make("relative", clip=3).blocks[0].attention
    x = torch.randn(2, 9, 24, generator=torch.Generator().manual_seed(0))
    mask = prefix_lm_mask(torch.tensor([4, 2]), torch.tensor([9, 7]), 9)
    positions = torch.arange(9).expand(2, 9)
    found, _ = attention(x, mask[:, None], positions)
    for b, length in enumerate([9, 7]):
        expected = plain_relative_attention(attention, x[b, :length], mask[b, :length], 3)
        assert torch.allclose(found[b, :length], expected, atol=1e-5)


def test_sinusoids_by_hand() -> None:
    table = sinusoids(3, 4)
    assert table[0].tolist() == [0, 1, 0, 1]
    expected = [math.sin(2), math.cos(2), math.sin(2 / 100), math.cos(2 / 100)]
    assert table[2].tolist() == pytest.approx(expected)


def test_rotary_scores_depend_on_the_distance_only() -> None:
    random = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 8, generator=random)

    def score(i: int, j: int) -> float:
        cos, sin = rotary_angles(torch.tensor([[i, j]]), 8)
        turned = rotate(torch.stack([q, k])[None, None], cos, sin)[0, 0]
        return (turned[0] @ turned[1]).item()

    for distance in (0, 1, 5, -3):
        here = score(10, 10 + distance)
        assert score(300, 300 + distance) == pytest.approx(here, abs=1e-4)
    assert score(7, 7) == pytest.approx((q @ k).item(), abs=1e-5)
    assert abs(score(10, 11) - score(10, 15)) > 1e-2
    assert abs(score(10, 13) - score(13, 10)) > 1e-2


def test_rotation_by_hand() -> None:
    # one pair, element i with element i + D/2, turned by a quarter: (1, 0) -> (0, 1)
    quarter = torch.tensor(math.pi / 2)
    cos, sin = quarter.cos().expand(1, 1, 1, 2), quarter.sin() * torch.tensor([[[[-1.0, 1.0]]]])
    assert rotate(torch.tensor([[[[1.0, 0.0]]]]), cos, sin).flatten().tolist() == pytest.approx(
        [0, 1], abs=1e-6
    )
    cos, sin = rotary_angles(torch.tensor([[0, 2]]), 4)
    angles = [2, 2 / 100]
    assert cos[0, 0, 1].tolist() == pytest.approx([math.cos(a) for a in angles * 2])
    first_half = [-math.sin(a) for a in angles]
    assert sin[0, 0, 1].tolist() == pytest.approx(first_half + [math.sin(a) for a in angles])
    assert cos.shape == (1, 1, 2, 4)


@pytest.mark.parametrize("position", [p for p in POSITIONS if "absolute" not in p])
def test_only_distances_count(position: str) -> None:
    backbone = make(position)
    ids, shift = tokens(1, 9), 4
    mask = torch.ones(1, 9, dtype=torch.bool)
    mask[:, :shift] = False  # the same tokens, further along
    with torch.no_grad():
        moved = backbone(input_ids=ids, attention_mask=mask)[:, shift:]
        assert torch.allclose(moved, backbone(input_ids=ids[:, shift:]), atol=1e-5)


def test_the_order_of_tokens_matters(backbone: Backbone) -> None:
    with torch.no_grad():
        forth = backbone(input_ids=torch.tensor([[7, 8, 9, 7]]))
        back = backbone(input_ids=torch.tensor([[7, 9, 8, 7]]))
    assert all(differs(forth[0], back[0][[0, 2, 1, 3]]))


@torch.no_grad()
def test_positions_beyond_the_table_by_the_formula() -> None:
    table = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    found = extended(table, torch.arange(16))
    u = (table - 0.4 * table[0]) / 0.6
    for position in range(16):
        i, j = divmod(position, 4)
        assert torch.allclose(found[position], 0.4 * u[i] + 0.6 * u[j], atol=1e-6)
    assert torch.equal(found[:4], table)
    rows = found.round(decimals=4).tolist()
    assert len({tuple(row) for row in rows}) == 16


def test_texts_longer_than_absolute_positions_reach_are_named() -> None:
    backbone, ids = make("absolute"), tokens(1, 26)
    with pytest.raises(ModelError, match="expected at most 25 tokens, got 26"):
        backbone(input_ids=ids)
    with pytest.raises(ModelError, match="got 27"):
        backbone.prefill(
            source_ids=ids[:, :8], source_mask=ids[:, :8] > 0, beams=1, max_new_tokens=19
        )


@torch.no_grad()
def test_residual_attention_equals_the_equation() -> None:
    """RealFormer in plain form: softmax(q k / sqrt(d) + the scores of the layer before)."""
    backbone, ids = make("absolute real", layers=3), tokens(1, 7)
    mask = prefix_lm_mask(torch.tensor([4]), torch.tensor([7]), 7)
    positions = extended(backbone.positions.weight, torch.arange(7))
    x = backbone.norm(backbone.words(ids[0]) + backbone.segments.weight[0] + positions)
    before = torch.zeros(3, 7, 7)
    for block in backbone.blocks:
        attention = block.attention
        q, k, v = (
            linear(x).view(7, 3, 8).transpose(0, 1)
            for linear in (attention.query, attention.key, attention.value)
        )
        before = q @ k.transpose(1, 2) / math.sqrt(8) + before
        mixed = before.masked_fill(~mask, -1e9).softmax(-1) @ v
        x = block.finish(x, attention.output(mixed.transpose(0, 1).flatten(1)))
    found = backbone(input_ids=ids, attention_mask=mask)[0]
    assert torch.allclose(found, x, atol=1e-5)
    backbone.config.residual_attention = False
    assert not torch.allclose(backbone(input_ids=ids, attention_mask=mask)[0], x, atol=1e-2)


# --- the cache

SOURCES = [4, 9, 6]


def decode(backbone: Backbone, sources: Tensor, targets: Tensor) -> tuple[list[Tensor], object]:
    """Hidden states (B, W, E) of each step of targets (B, W, T) after SOURCES, and the cache."""
    mask = torch.arange(sources.shape[1]) < torch.tensor(SOURCES)[: len(sources), None]
    with torch.no_grad():
        cache = backbone.prefill(
            source_ids=sources,
            source_mask=mask,
            beams=targets.shape[1],
            max_new_tokens=targets.shape[2] + 4,
        )
        return [
            backbone.step(tokens=targets[:, :, t], cache=cache) for t in range(targets.shape[2])
        ], cache


def recompute(backbone: Backbone, source: Tensor, target: Tensor) -> Tensor:
    """Hidden states (T, E) of a target (T,) after its source (S,), without a cache."""
    ids = torch.cat([source, target])[None]
    return read(backbone, ids, [len(source)], [ids.shape[1]])[0, len(source) :]


def test_cached_equals_uncached(backbone: Backbone) -> None:
    sources, targets = tokens(3, max(SOURCES)), tokens(3, 4, 6, seed=1)
    steps, cache = decode(backbone, sources, targets)
    assert cache.length == 6
    for b, length in enumerate(SOURCES):
        for w in range(4):
            expected = recompute(backbone, sources[b, :length], targets[b, w])
            found = torch.stack([step[b, w] for step in steps])
            assert torch.allclose(found, expected, atol=1e-4)


def test_a_reordered_cache_goes_on_as_its_parents(backbone: Backbone) -> None:
    sources, targets = tokens(3, max(SOURCES)), tokens(3, 3, 4, seed=2)
    _, cache = decode(backbone, sources, targets)
    parents = torch.tensor([[2, 2, 0], [1, 0, 2], [1, 1, 1]])
    cache.reorder(parents)
    newest = tokens(3, 3, seed=3)
    with torch.no_grad():
        found = backbone.step(tokens=newest, cache=cache)
        # a second turn, so that what was written after the first is moved as well
        cache.reorder(parents)
        last = backbone.step(tokens=newest, cache=cache)
    for b, length in enumerate(SOURCES):
        for w in range(3):
            p = parents[b, w]
            text = torch.cat([targets[b, p], newest[b, w, None]])
            expected = recompute(backbone, sources[b, :length], text)[-1]
            assert torch.allclose(found[b, w], expected, atol=1e-4)
            text = torch.cat([targets[b, parents[b, p]], newest[b, p, None], newest[b, w, None]])
            expected = recompute(backbone, sources[b, :length], text)[-1]
            assert torch.allclose(last[b, w], expected, atol=1e-4)


def test_kept_judgments_go_on_as_before(backbone: Backbone) -> None:
    sources, targets = tokens(3, max(SOURCES)), tokens(3, 2, 3, seed=4)
    _, cache = decode(backbone, sources, targets)
    rows = torch.tensor([2, 0])
    cache.keep(rows)
    newest = tokens(2, 2, seed=5)
    with torch.no_grad():
        found = backbone.step(tokens=newest, cache=cache)
    assert found.shape == (2, 2, 24)
    for place, b in enumerate(rows.tolist()):
        for w in range(2):
            text = torch.cat([targets[b, w], newest[place, w, None]])
            expected = recompute(backbone, sources[b, : SOURCES[b]], text)[-1]
            assert torch.allclose(found[place, w], expected, atol=1e-4)


# --- saving, layers, new words


def test_a_saved_backbone_computes_the_same(backbone: Backbone, tmp_path) -> None:
    backbone.save_pretrained(tmp_path)
    loaded = Backbone.from_pretrained(tmp_path).eval()
    assert not list(tmp_path.glob("*.bin"))
    assert loaded.config.position == backbone.config.position
    if backbone.config.position == "relative":  # the table is not in the file
        table = loaded.blocks[1].attention.distances
        assert torch.equal(table, sinusoids(7, 8))
    ids = tokens(2, 9)
    with torch.no_grad():
        assert torch.equal(loaded(input_ids=ids), backbone(input_ids=ids))


def test_first_layers_are_the_first_layers(backbone: Backbone) -> None:
    ids, seen = tokens(2, 7), []
    hook = backbone.blocks[0].register_forward_hook(lambda *args: seen.append(args[-1][0]))
    with torch.no_grad():
        whole = backbone(input_ids=ids)
        hook.remove()
        shallow = backbone.first_layers(1)
        assert torch.equal(shallow(input_ids=ids), seen[0])
        assert torch.equal(backbone.first_layers(2)(input_ids=ids), whole)
        shallow.words.weight.zero_()  # its own weights
        assert torch.equal(backbone(input_ids=ids), whole)
    assert shallow.config.num_hidden_layers == len(shallow.blocks) == 1
    assert backbone.config.num_hidden_layers == 2


@pytest.mark.parametrize("count", [0, 3])
def test_layers_that_are_not_there_are_an_error(count: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 2 layers"):
        make("rotary").first_layers(count)


def test_a_new_word_starts_as_the_mean_of_its_pieces(tmp_path) -> None:
    backbone = make("rotary")
    old = backbone.words.weight.detach().clone()
    assert backbone.extend_embeddings([[7, 8], [9, 9, 12]]) is backbone
    new = backbone.words.weight
    assert torch.equal(new[:VOCABULARY], old)
    assert torch.allclose(new[VOCABULARY], (old[7] + old[8]) / 2)
    assert torch.allclose(new[VOCABULARY + 1], (2 * old[9] + old[12]) / 3)
    assert new.requires_grad
    assert backbone.config.vocab_size == VOCABULARY + 2
    backbone.save_pretrained(tmp_path)
    assert torch.equal(Backbone.from_pretrained(tmp_path).words.weight, new)


def test_no_new_words_change_nothing() -> None:
    backbone = make("rotary")
    before = backbone.words.weight
    assert backbone.extend_embeddings([]).words.weight is before


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"hidden_size": 30, "num_attention_heads": 4}, "hidden_size"),
        ({"hidden_size": 12, "num_attention_heads": 4}, "hidden_size"),  # heads of three
        ({"position": "sinusoid"}, "position must be one of rotary, relative, absolute"),
        ({"hidden_act": "silu"}, "hidden_act must be one of gelu, gelu_new, relu"),
    ],
)
def test_sizes_that_do_not_fit_are_named(sizes: dict, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        BackboneConfig(**sizes)


def test_dropout_works_in_training_only() -> None:
    backbone, ids = make("rotary"), tokens(1, 5)
    with torch.no_grad():
        assert torch.equal(backbone(input_ids=ids), backbone(input_ids=ids))
        backbone.train()
        assert not torch.equal(backbone(input_ids=ids), backbone(input_ids=ids))
