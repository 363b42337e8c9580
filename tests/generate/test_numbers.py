"""Which tokens make numbers."""

from __future__ import annotations

import torch

from spaces.generate.copying import CopyState
from spaces.generate.numbers import NumberTokens

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "5", "0", ".", ",", ":", "、"]
PIECES += ["万", "万元", "元", "三", "十倍", "第七条", "一次", "借款", "成立"]
ID = {piece: i for i, piece in enumerate(PIECES)}
NUMBERS = NumberTokens.of(PIECES)


def named(ids: tuple[int, ...]) -> list[str]:
    return [PIECES[i] for i in ids]


def test_kinds_of_pieces() -> None:
    assert named(NUMBERS.digits) == ["5", "0"]
    assert named(NUMBERS.points) == [".", ","]
    assert named(NUMBERS.marks) == [".", ",", "、"]
    assert named(NUMBERS.numerals) == ["万", "三"]
    assert named(NUMBERS.units) == ["万", "万元", "元"]
    assert named(NUMBERS.scales) == ["万"]
    assert named(NUMBERS.figures) == ["万元", "十倍", "第七条"]


def state_of(text: str) -> CopyState:
    source = torch.tensor([[ID[piece] for piece in f"[CLS] {text} [SEP]".split()]])
    mask = torch.ones_like(source, dtype=torch.bool)
    return CopyState(source_ids=source, source_mask=mask, beams=1, numbers=NUMBERS)


def choices(state: CopyState, *logits: float) -> tuple[int, list[str]]:
    banned = torch.zeros(1, 1, len(PIECES), dtype=torch.bool)
    tags, allowed = state.choose(tag_logits=torch.tensor([[logits]]), banned=banned)
    return int(tags), [PIECES[i] for i in allowed[0, 0].nonzero().flatten().tolist()]


def say(state: CopyState, tag: int, piece: str) -> None:
    state.advance(tags=torch.tensor([[tag]]), tokens=torch.tensor([[ID[piece]]]))


def test_a_run_takes_the_unit_with_the_number() -> None:
    state = state_of("借款 5 0 万 元 借款")
    say(state, 1, "5")
    for piece in ("0", "万", "元"):
        assert choices(state, 9.0, 5.0, 0.0) == (2, [piece])  # whatever the model prefers
        say(state, 2, piece)
    assert choices(state, 9.0, 5.0, 0.0)[0] == 0


def test_figures_are_not_generated_nor_units_behind_numbers() -> None:
    state = state_of("借款 5 借款")
    assert not {"十倍", "第七条", "万元"} & set(choices(state, 9.0, 0.0, 0.0)[1])
    say(state, 1, "5")
    after = set(choices(state, 9.0, 0.0, 0.0)[1])
    assert "借款" in after
    assert not {"元", "万", "三", "0", "."} & after


def test_no_unit_behind_a_generated_numeral() -> None:
    state = state_of("借款 5 元")
    say(state, 0, "三")
    after = set(choices(state, 9.0, 0.0, 0.0)[1])
    assert "借款" in after
    assert not {"元", "万", "三"} & after
