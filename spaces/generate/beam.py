"""Beam search with copy tags, in batches and with a cache; one beam is greedy decoding.

Per step and beam a copy tag is chosen first and says which tokens may come
(`constraints.Constraints`). Among these the k largest logits share the probability (sparse softmax:
Su Jianlin, 《SPACES：“抽取-生成”式长文本摘要（法研杯总结）》; k the same as in
`losses.sparse_cross_entropy`). The tag itself costs nothing, nor does a token that is the only one
to continue a run. Hypotheses are compared by

    sum of log p(token) / length ** length_penalty        length: tokens, the closing [SEP] included

and a document is done when W hypotheses have ended and no open one is better at its present
length, or when no open one can become better (then beams change nothing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from spaces.errors import ConfigError, ModelError
from spaces.generate.constraints import Constraints
from spaces.generate.copying import resolve_positions, take_beams
from spaces.generate.cues import CueTokens
from spaces.generate.numbers import NO_NUMBERS, NumberTokens
from spaces.generate.padding import pad
from spaces.generate.tokenizer import CLS, SEP


class DecoderCache(Protocol):
    """What a decoder remembers of B documents with W beams each."""

    def reorder(self, parents: Tensor) -> None: ...

    def keep(self, rows: Tensor) -> None: ...


class Decoder(Protocol):
    """What beam search asks of a model; `generate.model.Generator` is one."""

    device: torch.device

    def prefill(
        self,
        *,
        source_ids: Tensor,
        source_mask: Tensor,
        beams: int,
        max_new_tokens: int,
        source_segments: Tensor | None,
    ) -> DecoderCache: ...

    def step(self, *, tokens: Tensor, cache: DecoderCache) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True)
class Hypothesis:
    """A summary in tokens, without [CLS] and [SEP].

    `tags[i]` is the copy tag of `tokens[i]`; `positions[i]` its index in the source, -1 when
    generated; within a run positions are consecutive, and `source[positions[i]] == tokens[i]`.
    `score` is what beam search compares. `truncated`: it met `max_new_tokens` before it ended.
    """

    tokens: list[int]
    tags: list[int]
    positions: list[int]
    score: float
    truncated: bool = False


@torch.inference_mode()
def beam_search(
    model: Decoder,
    sources: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    segments: Sequence[Sequence[int]] | None = None,
    salience: Sequence[Sequence[float]] | None = None,
    leaning: Sequence[Sequence[bool]] | None = None,
    leading: Sequence[Sequence[bool]] | None = None,
    grounds: Sequence[Sequence[int]] | None = None,
    beams: int = 1,
    sparse_top_k: int = 10,
    length_penalty: float = 1.0,
    no_repeat: int = 16,
    copy_bias: float = 0.0,
    generate_limit: int = 0,
    look_back: int | None = None,
    skip_cost: float = 0.0,
    end_cost: float = 0.0,
    keep_weight: float = 0.0,
    keep_threshold: float = 0.5,
    numbers: NumberTokens = NO_NUMBERS,
    cues: CueTokens | None = None,
) -> list[Hypothesis]:
    """The best hypothesis of each source, in order; all sources are decoded as one batch.

    A source is [CLS] … [SEP] in token ids; `segments` says for each of its tokens which part of
    the source it belongs to (see `Backbone.forward`). `sparse_top_k` is k (0: all allowed tokens
    share the probability); `no_repeat` is for `rules.repeat_limits` (0: anything may repeat).
    `salience` says for each token how probable it is that its clause is to be kept; it,
    `skip_cost`, `end_cost`, `keep_weight` and `keep_threshold` are for `salience.Salience`.
    `leaning` says of each token whether what stands there means something else without what is
    before it: no run begins there; `leading` whether it says nothing without what is behind it: no
    run ends there. `grounds` says of each token whether it is of a reason or of a
    statute, which are told before the ruling (`grounds.Grounds`).
    `copy_bias` is what copying has ahead of generating, in the logits of the tags;
    `generate_limit` is how many tokens in a row are generated at most (0: any number), and
    `look_back` for `CopyState`. `numbers` are the tokens that make numbers, which are copied whole
    (`copying.CopyState`); `cues` those behind which runs begin in one section only
    (`cues.CueState`; needs `segments`).
    The model is to be in evaluation mode. Raises ConfigError for a setting out of range,
    ValueError for a source of no tokens, ModelError for a model whose scores are NaN.

    >>> beam_search(model, [[2, 10, 11, 12, 3]], max_new_tokens=8, beams=3)
    [Hypothesis(tokens=[10, 11, 27], tags=[1, 2, 0], positions=[1, 2, -1], score=-0.21, ...)]
    """
    _check_settings(
        max_new_tokens=(max_new_tokens, 1),
        beams=(beams, 1),
        sparse_top_k=(sparse_top_k, 0),
        length_penalty=(length_penalty, 0),
        generate_limit=(generate_limit, 0),
    )
    if not sources:
        return []
    source_ids, source_mask = pad(sources, model.device)
    parts = None if segments is None else pad(segments, model.device)[0]
    cache = model.prefill(
        source_ids=source_ids,
        source_mask=source_mask,
        source_segments=parts,
        beams=beams,
        max_new_tokens=max_new_tokens,
    )
    constraints = Constraints(
        source_ids=source_ids,
        source_mask=source_mask,
        segments=parts,
        probabilities=None if salience is None else pad(salience, model.device, torch.float)[0],
        leaning=None if leaning is None else pad(leaning, model.device, torch.bool)[0],
        leading=None if leading is None else pad(leading, model.device, torch.bool)[0],
        grounds=None if grounds is None else pad(grounds, model.device)[0],
        beams=beams,
        max_new_tokens=max_new_tokens,
        no_repeat=no_repeat,
        copy_bias=copy_bias,
        generate_limit=generate_limit,
        look_back=look_back,
        skip_cost=skip_cost,
        end_cost=end_cost,
        keep_weight=keep_weight,
        keep_threshold=keep_threshold,
        numbers=numbers,
        cues=cues or CueTokens(),
    )
    texts = _Texts(source_ids, beams=beams, max_new_tokens=max_new_tokens)
    states = [cache, constraints, texts]
    pools = [_Pool(beams, max_new_tokens, length_penalty) for _ in sources]
    open_pools = pools  # those of the documents still in the batch, row by row
    tokens = source_ids.new_full((len(sources), beams), CLS)
    scores = torch.full(tokens.shape, -torch.inf, device=tokens.device)
    scores[:, 0] = 0.0  # all beams begin alike: one of them is enough

    for step in range(1, max_new_tokens + 1):
        logits, tag_logits = model.step(tokens=tokens, cache=cache)
        tags, logits, allowed = constraints.choose(logits=logits, tag_logits=tag_logits)
        log_p, choices = sparse_log_softmax(logits=logits, allowed=allowed, k=sparse_top_k)

        # W best of all candidates: those that end leave; W best of the others: the next beams
        total = scores[..., None] + log_p
        ranked, parents, tokens = _best(total, choices, beams)
        for row, place in ((tokens == SEP) & torch.isfinite(ranked)).nonzero().tolist():
            text = texts.read(row, parents[row, place].item())
            open_pools[row].add(text, ranked[row, place].item())
        going_on = total.masked_fill(choices == SEP, -torch.inf)
        before = scores
        scores, parents, tokens = _best(going_on, choices, beams)

        best_open = scores[:, 0].tolist()
        for row, pool in enumerate(open_pools):
            if best_open[row] == -torch.inf and pool.best is None:
                # the rules let nothing follow, and no beam has ended: what stands is the text
                score, beam = (found.item() for found in before[row].max(dim=0))
                pool.add(texts.read(row, beam), score, truncated=True)
        rows = [r for r, pool in enumerate(open_pools) if not pool.is_done(best_open[r], step)]
        if not rows:
            break
        if len(rows) < len(open_pools):
            kept = torch.tensor(rows, device=tokens.device)
            open_pools = [open_pools[r] for r in rows]
            scores, parents, tokens, tags = (x[kept] for x in (scores, parents, tokens, tags))
            for state in states:
                state.keep(kept)
        if not torch.equal(parents, torch.arange(beams, device=parents.device).expand_as(parents)):
            for state in states:
                state.reorder(parents)
        tags = tags.gather(1, parents)
        constraints.advance(tokens=tokens, tags=tags)
        texts.advance(tokens=tokens, tags=tags, ends=constraints.ends)
    else:
        for row, beam in torch.isfinite(scores).nonzero().tolist():
            open_pools[row].add(texts.read(row, beam), scores[row, beam].item(), truncated=True)
    found = [pool.best for pool in pools]
    if None in found:
        raise ModelError(
            "expected numbers as the generator's scores, got NaN: its weights are damaged, or too"
            " large for half precision; load them as float32 or train again"
        )
    return found


def sparse_log_softmax(*, logits: Tensor, allowed: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the k likeliest allowed tokens, and the tokens, each (B, W, k).

    `logits` float, `allowed` bool, (B, W, V). Where fewer than k are allowed, the rest have
    log-probability -inf, all of them where nothing is allowed. k = 0 takes all.

    Logits 3 2 1 of which the first two are allowed, k = 2: log p = -0.31 and -1.31.
    """
    size = logits.shape[-1]
    best, tokens = logits.masked_fill(~allowed, -torch.inf).topk(min(k or size, size), dim=-1)
    # without a candidate the softmax divides by 0; NaN would win over the other beams
    nothing = best[..., :1] == -torch.inf
    return best.log_softmax(dim=-1).masked_fill(nothing, -torch.inf), tokens


def _best(total: Tensor, choices: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `count` best candidates of each document: scores, parent beams, tokens, each (B, W).

    `total`, `choices` (B, W, k): score and token of each candidate. A score of -inf is no
    candidate, and the beam that holds it is dead: its scores stay -inf.
    """
    scores, index = total.flatten(1).topk(count, dim=1)
    return scores, index // total.shape[-1], choices.flatten(1).gather(1, index)


class _Texts:
    """What each beam has said: token, copy tag and possible end in the source, (B, W, T, 3)."""

    def __init__(self, source_ids: Tensor, *, beams: int, max_new_tokens: int) -> None:
        self.items = source_ids.new_zeros((source_ids.shape[0], beams, max_new_tokens, 3))
        self.length = 0

    def advance(self, *, tokens: Tensor, tags: Tensor, ends: Tensor) -> None:
        self.items[:, :, self.length] = torch.stack((tokens, tags, ends), dim=-1)
        self.length += 1

    def reorder(self, parents: Tensor) -> None:
        self.items = take_beams(self.items, parents)

    def keep(self, rows: Tensor) -> None:
        self.items = self.items[rows]

    def read(self, row: int, beam: int) -> tuple[list[int], list[int], list[int]]:
        """Tokens, tags and source positions of one beam."""
        tokens, tags, ends = self.items[row, beam, : self.length].T.tolist()
        return tokens, tags, resolve_positions(tags, ends)


class _Pool:
    """The ended hypotheses of one document."""

    def __init__(self, beams: int, max_new_tokens: int, length_penalty: float) -> None:
        self.beams = beams
        self.max_length = max_new_tokens
        self.length_penalty = length_penalty
        self.ended = 0
        self.best: Hypothesis | None = None

    def add(
        self,
        text: tuple[list[int], list[int], list[int]],
        log_p: float,
        truncated: bool = False,
    ) -> None:
        length = len(text[0]) + (not truncated)
        score = log_p / length**self.length_penalty
        self.ended += 1
        if self.best is None or score > self.best.score:
            self.best = Hypothesis(*text, score=score, truncated=truncated)

    def is_done(self, best_open: float, length: int) -> bool:
        """`best_open`: the sum of log p of the best open beam of `length` tokens, -inf without one.

        The sum can only fall; the most it can come to is itself over the greatest length. That
        bound is seldom met with a length penalty, hence the present length once W have ended.
        """
        if self.best is None:
            return False
        counted = length if self.ended >= self.beams else self.max_length
        return best_open / counted**self.length_penalty <= self.best.score


def _check_settings(**settings: tuple[float, float]) -> None:
    for name, (value, least) in settings.items():
        if not value >= least:
            raise ConfigError(f"{name} must be at least {least}, not {value}")
