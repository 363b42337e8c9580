"""How the parts of a model are used: what stands in the `config.json` of a model directory."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from spaces.errors import ConfigError

__all__ = ["SummarizerConfig"]


@dataclass(frozen=True)
class SummarizerConfig:
    """How the parts of a model are used; it checks itself and raises ConfigError with the field
    that is wrong.

    window: how many tokens of the judgment the encoder reads at once, [CLS] and [SEP] included (0:
    each clause by itself); as it was trained. threshold: clauses with a higher probability are
    kept. max_source_tokens: what the generator reads at most, [CLS] and [SEP] included.
    max_new_tokens: what it writes at most. beams: 1 is greedy. no_repeat: the limits on repetition
    of `generate.rules.repeat_limits` (0: none). sparse_top_k: how many tokens stay possible at a
    step (0: all). length_penalty: a beam's score is divided by its length to this power. copy_bias:
    what copying has ahead of generating where the copy tag is chosen, as a difference of logits.
    generate_limit: how many tokens in a row are generated at most (0: any number). look_back: how
    many tokens before the furthest one copied so far a run may begin; a large number lets it begin
    anywhere. skip_cost: how much less likely a copied token gets for each 100 tokens of the source
    that are passed over, each counted by the probability of its clause, as a difference of logits.
    end_cost: the same for the end of the text and all that is left. keep_weight: what a clause's
    log odds beyond those of keep_threshold add to the logit of beginning it. keep_threshold: the
    probability of a clause that is neither favoured nor put off. attend_threshold: of a text that
    goes to the generator whole, what it has read of clauses that are less probable is out of sight
    while it writes (0: it sees everything).
    """

    window: int = 0
    threshold: float = 0.2
    max_source_tokens: int = 768
    max_new_tokens: int = 320
    beams: int = 1
    no_repeat: int = 16
    sparse_top_k: int = 10
    length_penalty: float = 1.0
    copy_bias: float = 0.0
    generate_limit: int = 0
    look_back: int = 0
    skip_cost: float = 0.0
    end_cost: float = 0.0
    keep_weight: float = 0.0
    keep_threshold: float = 0.3
    attend_threshold: float = 0.0

    def __post_init__(self) -> None:
        _check("window", self.window, int, 0)
        _check("threshold", self.threshold, float, 0, 1)
        _check("max_source_tokens", self.max_source_tokens, int, 3)
        _check("max_new_tokens", self.max_new_tokens, int, 1)
        _check("beams", self.beams, int, 1)
        _check("no_repeat", self.no_repeat, int, 0)
        if self.no_repeat == 1:
            raise ConfigError(
                "no_repeat: expected 0 (off) or at least 2, got 1: it would forbid every second 的"
            )
        _check("sparse_top_k", self.sparse_top_k, int, 0)
        _check("length_penalty", self.length_penalty, float, 0)
        _check("generate_limit", self.generate_limit, int, 0)
        _check("look_back", self.look_back, int, 0)
        _check("skip_cost", self.skip_cost, float, 0)
        _check("end_cost", self.end_cost, float, 0)
        _check("keep_weight", self.keep_weight, float, 0)
        _check("keep_threshold", self.keep_threshold, float, 0.01, 0.99)
        _check("attend_threshold", self.attend_threshold, float, 0, 1)
        _check("copy_bias", self.copy_bias, float, -math.inf)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SummarizerConfig:
        """The config that `asdict` turned into `values`; a field it does not know raises
        ConfigError.
        """
        unknown = sorted(values.keys() - {f.name for f in fields(cls)})
        if unknown:
            known = ", ".join(f.name for f in fields(cls))
            raise ConfigError(f"{unknown[0]}: no such field: expected {known}")
        return cls(**values)


def _check(name: str, value: Any, kind: type, least: float, most: float | None = None) -> None:
    good = isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
    if not good or not least <= value <= (math.inf if most is None else most):
        range_ = f"from {least} to {most}" if most is not None else f"of at least {least}"
        noun = "a number" if kind is float else "a whole number"
        raise ConfigError(f"{name}: expected {noun} {range_}, got {value!r}")
