"""Bottom-up attention: everything is read, and only a part is seen again while writing."""

from __future__ import annotations

import pytest
import torch

from spaces.generate.beam import beam_search
from spaces.generate.bottomup import BottomUp, Whole
from spaces.generate.model import Generator, GeneratorConfig

WHOLES = [[2, 10, 11, 12, 13, 14, 15, 16, 3], [2, 20, 21, 22, 3]]
PLACES = [[0, 1, 2, 6, 7, 8], [0, 2, 4]]


@pytest.fixture(params=["rotary", "relative", "absolute"])
def generator(request: pytest.FixtureRequest) -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GeneratorConfig(
            vocab_size=30,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            position=request.param,
            max_relative_position=3,
            initializer_range=0.3,
            selective_read=4,
        )
        generator = Generator(config).eval()
    with torch.no_grad():
        generator.copy.bias.copy_(torch.tensor([0.0, 0.5, 1.0]))
    return generator


def bottom_up(generator: Generator, wholes=WHOLES, places=PLACES) -> BottomUp:
    return BottomUp(
        generator,
        [Whole(w, [0] * len(w), p) for w, p in zip(wholes, places, strict=True)],
    )


def parts(wholes=WHOLES, places=PLACES) -> list[list[int]]:
    return [[w[i] for i in p] for w, p in zip(wholes, places, strict=True)]


@pytest.mark.parametrize("beams", [1, 3])
def test_seeing_everything_changes_nothing(generator: Generator, beams: int) -> None:
    everything = bottom_up(generator, places=[range(len(w)) for w in WHOLES])
    settings = {"max_new_tokens": 12, "beams": beams}
    plain = beam_search(generator, WHOLES, **settings)
    for found, wanted in zip(beam_search(everything, WHOLES, **settings), plain, strict=True):
        assert (found.tokens, found.positions) == (wanted.tokens, wanted.positions)
        assert found.score == pytest.approx(wanted.score)


@torch.no_grad()
def test_the_step_is_that_of_a_masked_source(generator: Generator) -> None:
    """Beside the plain decoder with all but the places masked by hand."""
    ids = torch.tensor([WHOLES[0]])
    tokens = torch.tensor([[2]])
    real = torch.ones_like(ids, dtype=torch.bool)
    plain = generator.prefill(source_ids=ids, source_mask=real, beams=1, max_new_tokens=4)
    out_of_sight = [i for i in range(len(WHOLES[0])) if i not in PLACES[0]]
    plain.seen[:, :, out_of_sight] = False
    source = torch.tensor(parts()[:1])
    narrow = bottom_up(generator, WHOLES[:1], PLACES[:1]).prefill(
        source_ids=source,
        source_mask=torch.ones_like(source, dtype=torch.bool),
        beams=1,
        max_new_tokens=4,
    )
    narrowed = generator.step(tokens=tokens, cache=narrow)
    for found, wanted in zip(narrowed, generator.step(tokens=tokens, cache=plain), strict=True):
        torch.testing.assert_close(found, wanted)


def test_what_is_out_of_sight_was_read_and_is_not_copied(generator: Generator) -> None:
    unlike = [[2, 10, 11, 17, 18, 19, 15, 16, 3], WHOLES[1]]
    settings = {"max_new_tokens": 12, "sparse_top_k": 0, "copy_bias": 5.0}
    one, other = (
        beam_search(bottom_up(generator, wholes), parts(wholes), **settings)
        for wholes in (WHOLES, unlike)
    )
    assert one[0].score != other[0].score, "its other tokens were read too"
    assert one[1].score == pytest.approx(other[1].score)
    for hypothesis, source in zip(one, parts(), strict=True):
        copied = [
            (t, p) for t, p in zip(hypothesis.tokens, hypothesis.positions, strict=True) if p >= 0
        ]
        assert copied
        assert all(source[p] == t for t, p in copied)


@pytest.mark.parametrize("sources", [[[2, 10, 12, 15, 16, 3], [2, 21, 3]], [[2, 3], [2, 21, 3]]])
def test_sources_are_parts_of_the_wholes(generator: Generator, sources) -> None:
    with pytest.raises(ValueError, match="not what stands at the places"):
        beam_search(bottom_up(generator), sources, max_new_tokens=4)
