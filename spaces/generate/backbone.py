"""The prefix-LM backbone: a BERT-shaped transformer that reads under a mask of its caller's choice.

Blocks are BERT's (Devlin et al. 2019: post-LayerNorm, GELU, token-type embeddings); positions are
either

- `rotary` (Su et al. 2021, RoFormer): queries and keys turn by an angle that grows with the
  position; attention runs in PyTorch's fused kernel (`scaled_dot_product_attention`);
- `relative` (Wei et al. 2019, NEZHA): a fixed sinusoid of the distance j - i, clipped at
  `max_relative_position`, is added to every key and every value: score_ij = q_i . (k_j + r_ij) /
  sqrt(d), out_i = sum_j p_ij (v_j + r_ij). The value term needs the probabilities themselves, which
  the fused kernel does not give, so this one is computed in the open.

The mask makes it UniLM's (Dong et al. 2019): `prefix_lm_mask` lets the source see itself both ways
and the target see the source and its own past. `Cache` keeps keys and values for decoding: those of
the source once per judgment, shared by its beams, those of the target per beam.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel

POSITIONS = ("rotary", "relative")


class BackboneConfig(PreTrainedConfig):
    """Sizes of the backbone; the defaults are those of a base model.

    `segments`: how many kinds of tokens are told apart (0 the source, 1 the target, then parts of
    the source; BERT's token types). `position` is "rotary" or "relative"; `max_relative_position`
    matters to the latter only. Raises ValueError where a size does not fit another.
    """

    model_type = "spaces-backbone"

    def __init__(
        self,
        vocab_size: int = 20000,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        segments: int = 2,
        position: str = "rotary",
        max_relative_position: int = 64,
        dropout: float = 0.1,
        layer_norm_eps: float = 1e-12,
        initializer_range: float = 0.02,
        pad_token_id: int = 0,
        **kwargs,
    ):
        if hidden_size % num_attention_heads or (hidden_size // num_attention_heads) % 2:
            raise ValueError(
                f"hidden_size ({hidden_size}) must be an even multiple of "
                f"num_attention_heads ({num_attention_heads})"
            )
        if position not in POSITIONS:
            raise ValueError(f"position must be one of {', '.join(POSITIONS)}, not {position!r}")
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.segments = segments
        self.position = position
        self.max_relative_position = max_relative_position
        self.dropout = dropout
        self.layer_norm_eps = layer_norm_eps
        self.initializer_range = initializer_range
        super().__init__(pad_token_id=pad_token_id, **kwargs)

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_attention_heads


def prefix_lm_mask(source_lengths: Tensor, lengths: Tensor, size: int) -> Tensor:
    """UniLM's sequence-to-sequence mask, (B, size, size) bool, True where row i may look at column
    j.

    source_lengths, lengths: (B,) tokens of the source and of source and target together; the rest
    is padding. A padding row looks at column 0 alone: its softmax needs something to normalise and
    nobody reads the outcome.

    >>> prefix_lm_mask(torch.tensor([2]), torch.tensor([3]), 4).int().tolist()
    [[[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0]]]
    """
    index = torch.arange(size, device=lengths.device)
    rows, columns = index[None, :, None], index[None, None, :]
    visible = (columns <= rows) | (columns < source_lengths[:, None, None])
    inside = (columns < lengths[:, None, None]) & (rows < lengths[:, None, None])
    return (visible & inside) | ((rows >= lengths[:, None, None]) & (columns == 0))


class Cache:
    """Keys and values seen so far, for `beams` continuations of each of B sources.

    The source's are (B, H, S, D) per layer, stored once and shared by the beams; the target's are
    pre-allocated as (B, W, H, T, D) per layer and filled up to `length`. What else a model keeps
    per beam (`companions`, objects with `reorder` and `keep`) moves along.
    """

    def __init__(
        self, source: Sequence[tuple[Tensor, Tensor]], mask: Tensor, beams: int, room: int
    ):
        keys = source[0][0]
        batch, heads, _, size = keys.shape
        self.source = list(source)
        self.mask = mask
        self.source_lengths = mask.sum(1)
        self.beams = beams
        self.length = 0
        self.companions: list = []
        self.target = [
            tuple(keys.new_zeros(batch, beams, heads, room, size) for _ in range(2)) for _ in source
        ]

    def reorder(self, parents: Tensor) -> None:
        """Beam w of judgment b goes on from what was beam parents[b, w]; parents: (B, W)."""
        rows = torch.arange(parents.shape[0], device=parents.device)[:, None]
        filled = self.length
        for layer in self.target:
            for tensor in layer:
                tensor[:, :, :, :filled] = tensor[rows, parents, :, :filled]
        for companion in self.companions:
            companion.reorder(parents)

    def keep(self, rows: Tensor) -> None:
        """Only these judgments stay; rows: (B',)."""
        self.source = [(k[rows], v[rows]) for k, v in self.source]
        self.target = [(k[rows], v[rows]) for k, v in self.target]
        self.mask, self.source_lengths = self.mask[rows], self.source_lengths[rows]
        for companion in self.companions:
            companion.keep(rows)


class Attention(nn.Module):
    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.heads, self.size = config.num_attention_heads, config.head_size
        self.query, self.key, self.value, self.output = (
            nn.Linear(config.hidden_size, config.hidden_size) for _ in range(4)
        )
        self.rotary = config.position == "rotary"
        if not self.rotary:
            table = sinusoids(2 * config.max_relative_position + 1, self.size)
            self.register_buffer("distances", table, persistent=False)
            self.clip = config.max_relative_position

    def project(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, L, E), positions (B, L) -> queries, keys, values, each (B, H, L, D)."""
        q, k, v = (
            linear(x).unflatten(-1, (self.heads, self.size)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        if self.rotary:
            cos, sin = rotary_angles(positions, self.size)
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        return q, k, v

    def forward(
        self, x: Tensor, mask: Tensor, positions: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x (B, L, E), mask (B, 1, 1 or L, L) bool, positions (B, L) -> (B, L, E) and the keys and
        values."""
        q, k, v = self.project(x, positions)
        if self.rotary:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = q @ k.transpose(-1, -2) + self.distance_scores(q, positions, positions)
            probabilities = masked_softmax(scores / math.sqrt(self.size), mask)
            mixed = probabilities @ v + self.distance_values(probabilities, positions, positions)
        return self.output(mixed.transpose(1, 2).flatten(2)), (k, v)

    def step(self, x: Tensor, cache: Cache, layer: int) -> Tensor:
        """One more token for each beam, x (B, W, E) -> (B, W, E); the cache's target grows by it.

        The beams of a judgment are as many query rows over the same source, so its keys are read
        once for all of them.
        """
        batch, beams, _ = x.shape
        t = cache.length
        positions = (cache.source_lengths + t)[:, None].expand(batch, beams)
        q, k, v = self.project(x, positions)  # (B, H, W, D)
        own_k, own_v = cache.target[layer]
        own_k[:, :, :, t], own_v[:, :, :, t] = k.transpose(1, 2), v.transpose(1, 2)
        own_k, own_v = own_k[:, :, :, : t + 1], own_v[:, :, :, : t + 1]
        source_k, source_v = cache.source[layer]
        scores = q @ source_k.transpose(-1, -2)  # (B, H, W, S)
        own = (q.transpose(1, 2).unsqueeze(3) @ own_k.transpose(-1, -2)).squeeze(3).transpose(1, 2)
        width = source_k.shape[2]
        mask = F.pad(cache.mask, (0, t + 1), value=True)[:, None, None]
        scores = torch.cat([scores, own], dim=-1)  # (B, H, W, S + t + 1)
        if not self.rotary:
            columns = torch.cat(
                [
                    torch.arange(width, device=x.device).expand(batch, width),
                    cache.source_lengths[:, None] + torch.arange(t + 1, device=x.device),
                ],
                dim=1,
            )
            scores = scores + self.distance_scores(q, positions, columns)
        p = masked_softmax(scores / math.sqrt(self.size), mask)
        mixed = p[..., :width] @ source_v
        own_p = p[..., width:].transpose(1, 2).unsqueeze(3)
        mixed = mixed + (own_p @ own_v).squeeze(3).transpose(1, 2)
        if not self.rotary:
            mixed = mixed + self.distance_values(p, positions, columns)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def buckets(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Clipped distance column - row as an index into the table: (B, L), (B, M) -> (B, L, M)."""
        distance = columns[:, None, :] - rows[:, :, None]
        return distance.clamp(-self.clip, self.clip) + self.clip

    def distance_scores(self, q: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """q_i . r_ij for all pairs: one product with the table of distances, then a gather; (B, H,
        L, M)."""
        by_distance = q @ self.distances.to(q.dtype).T
        index = self.buckets(rows, columns)[:, None].expand(-1, self.heads, -1, -1)
        return by_distance.gather(-1, index)

    def distance_values(self, p: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """sum_j p_ij r_ij: probabilities summed per distance, then one product with the table; (B,
        H, L, D)."""
        index = self.buckets(rows, columns)[:, None].expand(-1, self.heads, -1, -1)
        summed = p.new_zeros(*p.shape[:-1], len(self.distances)).scatter_add(-1, index, p)
        return summed @ self.distances.to(p.dtype)


class Block(nn.Module):
    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.attention = Attention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.up = nn.Linear(config.hidden_size, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout(attended))
        return self.norm(x + self.dropout(self.down(F.gelu(self.up(x)))))

    def forward(
        self, x: Tensor, mask: Tensor, positions: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        attended, keys_values = self.attention(x, mask, positions)
        return self.finish(x, attended), keys_values

    def step(self, x: Tensor, cache: Cache, layer: int) -> Tensor:
        return self.finish(x, self.attention.step(x, cache, layer))


class Backbone(PreTrainedModel):
    """Token ids in, hidden states out."""

    config_class = BackboneConfig
    base_model_prefix = "backbone"

    def __init__(self, config: BackboneConfig):
        super().__init__(config)
        self.words = nn.Embedding(config.vocab_size, config.hidden_size)
        self.segments = nn.Embedding(config.segments, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        if isinstance(module, Attention) and not module.rotary:
            # from_pretrained builds on the meta device, where a table that is not saved must be
            # made anew
            module.distances.copy_(sinusoids(*module.distances.shape))

    def embed(self, ids: Tensor, segments: Tensor, extra: Tensor | None = None) -> Tensor:
        x = self.words(ids) + self.segments(segments)
        return self.dropout(self.norm(x if extra is None else x + extra))

    def forward(
        self,
        *,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        segments: Tensor | None = None,
        extra: Tensor | None = None,
    ) -> Tensor:
        """input_ids (B, L), attention_mask (B, L) or (B, L, L) bool -> hidden states (B, L, E).

        A mask of two dimensions says which tokens are real (everything sees them); one of three
        says who sees whom. `segments` (B, L) is 1 for the target; for the source it is 0 (the
        default) or a part of it, from 2.
        """
        return self.read(input_ids, attention_mask, segments, extra)[0]

    def read(
        self,
        ids: Tensor,
        mask: Tensor | None,
        segments: Tensor | None,
        extra: Tensor | None = None,
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """As `forward`, with the keys and values of each layer, (B, H, L, D)."""
        if mask is None:
            mask = torch.ones_like(ids, dtype=torch.bool)
        mask = mask.bool()[:, None, None] if mask.dim() == 2 else mask.bool()[:, None]
        positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
        x = self.embed(ids, torch.zeros_like(ids) if segments is None else segments, extra)
        kept = []
        for block in self.blocks:
            x, keys_values = block(x, mask, positions)
            kept.append(keys_values)
        return x, kept

    def prefill(
        self,
        *,
        source_ids: Tensor,
        source_mask: Tensor,
        beams: int,
        max_new_tokens: int,
        source_segments: Tensor | None = None,
    ) -> Cache:
        """Read the sources (B, S) once; room is kept for `max_new_tokens` of each of the
        `beams`."""
        _, kept = self.read(source_ids, source_mask, source_segments)
        return Cache(kept, source_mask.bool(), beams, max_new_tokens)

    def step(self, *, tokens: Tensor, cache: Cache, extra: Tensor | None = None) -> Tensor:
        """The next target token of each beam, (B, W) ids -> hidden states (B, W, E)."""
        x = self.embed(tokens, torch.ones_like(tokens), extra)
        for index, block in enumerate(self.blocks):
            x = block.step(x, cache, index)
        cache.length += 1
        return x

    def first_layers(self, count: int) -> Backbone:
        """A backbone of its own with the embeddings and the first `count` layers of this one.

        Raises ValueError where there are not that many.
        """
        if not 1 <= count <= len(self.blocks):
            raise ValueError(f"expected 1 to {len(self.blocks)} layers, got {count}")
        names = set(inspect.signature(BackboneConfig.__init__).parameters) - {"self", "kwargs"}
        sizes = {name: getattr(self.config, name) for name in names}
        shallow = Backbone(BackboneConfig(**{**sizes, "num_hidden_layers": count}))
        weights = self.state_dict()
        shallow.load_state_dict({name: weights[name] for name in shallow.state_dict()})
        return shallow.eval()

    @torch.no_grad()
    def extend_segments(self, count: int) -> Backbone:
        """Tell `count` kinds of tokens apart; a new kind starts as the source's. Returns self."""
        old = self.segments.weight
        rows = old[:1].expand(max(count - len(old), 0), -1)
        self.segments = nn.Embedding.from_pretrained(torch.cat([old, rows]), freeze=False)
        self.config.segments = len(self.segments.weight)
        return self

    @torch.no_grad()
    def extend_embeddings(self, compounds: Sequence[Sequence[int]]) -> Backbone:
        """Add a row per compound, the mean of the rows of the ids it was spelled with (Su, WoBERT);
        returns self.

        >>> model.extend_embeddings([[7, 8]]).words.weight[-1]   # == (weight[7] + weight[8]) / 2
        """
        if compounds:
            old = self.words.weight
            rows = torch.stack([old[torch.tensor(ids)].mean(0) for ids in compounds])
            self.words = nn.Embedding.from_pretrained(torch.cat([old, rows]), freeze=False)
            self.config.vocab_size = len(self.words.weight)
        return self


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)


def sinusoids(positions: int, size: int) -> Tensor:
    """Vaswani et al.'s sine and cosine table, (positions, size), sines at even places."""
    angle = torch.arange(positions)[:, None] * torch.exp(
        torch.arange(0, size, 2) * (-math.log(10000.0) / size)
    )
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def rotary_angles(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """cos and sin of position * 10000^(-2i/size), each (B, 1, L, size), the same angles in both
    halves."""
    inverse = torch.exp(
        torch.arange(0, size, 2, device=positions.device) * (-math.log(10000.0) / size)
    )
    angle = (positions[..., None] * inverse).repeat(1, 1, 2)[:, None]
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoFormer's rotation: (a, b) -> (a cos - b sin, b cos + a sin) for each pair; x (B, H, L, D).

    A pair is element i and element i + D/2, not two neighbours as in RoFormer's own code: the same
    function after a permutation of each head's rows of the query and key matrices, without strided
    memory access.
    """
    a, b = x.chunk(2, dim=-1)
    return x * cos.to(x.dtype) + torch.cat([-b, a], dim=-1) * sin.to(x.dtype)
