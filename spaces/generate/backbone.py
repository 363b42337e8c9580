"""The prefix-LM backbone: a BERT-shaped transformer that reads under a mask of its caller's choice.

Blocks are BERT's (Devlin et al. 2019: post-LayerNorm, GELU, token-type embeddings); positions are

- `rotary` (Su et al. 2021, RoFormer): queries and keys turn by an angle that grows with the
  position; attention runs in PyTorch's fused kernel (`scaled_dot_product_attention`);
- `relative` (Wei et al. 2019, NEZHA): a fixed sinusoid of the distance j - i, clipped at
  `max_relative_position`, is added to every key and every value: score_ij = q_i . (k_j + r_ij) /
  sqrt(d), out_i = sum_j p_ij (v_j + r_ij). The value term needs the probabilities themselves, which
  the fused kernel does not give, so this one is computed in the open;
- `absolute` (BERT itself): a learned vector for each position is added to the embeddings; beyond
  the table Su's hierarchical decomposition (`spaces.generate.positions.extended`).

`residual_attention` makes it a RealFormer (He et al. 2020) with any of them: attention scores are
carried from layer to layer.

The mask makes it UniLM's (Dong et al. 2019): `prefix_lm_mask` lets the source see itself both ways
and the target see the source and its own past. `Cache` keeps keys and values for decoding: those of
the source once per judgment, shared by its beams, those of the target per beam.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig

from spaces.errors import ModelError
from spaces.generate.attention import Attention, Carry
from spaces.generate.cache import Cache
from spaces.generate.linear import Linear
from spaces.generate.positions import extended
from spaces.pretrained import Pretrained

POSITIONS = ("rotary", "relative", "absolute")
ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu_new": functools.partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
}


class BackboneConfig(PreTrainedConfig):
    """Sizes of the backbone; the defaults are those of a base model.

    `segments`: how many kinds of tokens are told apart (0 the source, 1 the target, then parts of
    the source; BERT's token types). `position` is "rotary", "relative" or "absolute";
    `max_relative_position` matters to the second only, `max_position`, the learned positions, to
    the third. `residual_attention`: scores are carried from layer to layer. `hidden_act` is one of
    ACTIVATIONS. Raises ValueError where a size does not fit another.
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
        max_position: int = 512,
        residual_attention: bool = False,
        hidden_act: str = "gelu",
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
        if hidden_act not in ACTIVATIONS:
            raise ValueError(
                f"hidden_act must be one of {', '.join(ACTIVATIONS)}, not {hidden_act!r}"
            )
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.segments = segments
        self.position = position
        self.max_relative_position = max_relative_position
        self.max_position = max_position
        self.residual_attention = residual_attention
        self.hidden_act = hidden_act
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


class Block(nn.Module):
    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.attention = Attention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.up = Linear(config.hidden_size, config.intermediate_size)
        self.down = Linear(config.intermediate_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.activation = ACTIVATIONS[config.hidden_act]

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout(attended))
        return self.norm(x + self.dropout(self.down(self.activation(self.up(x)))))

    def forward(
        self, x: Tensor, mask: Tensor, positions: Tensor, carry: Carry | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        attended, keys_values = self.attention(x, mask, positions, carry)
        return self.finish(x, attended), keys_values

    def step(self, x: Tensor, cache: Cache, layer: int, carry: Carry | None = None) -> Tensor:
        return self.finish(x, self.attention.step(x, cache, layer, carry))


class Backbone(Pretrained):
    """Token ids in, hidden states out."""

    config_class = BackboneConfig

    def __init__(self, config: BackboneConfig):
        super().__init__(config)
        self.words = nn.Embedding(config.vocab_size, config.hidden_size)
        self.segments = nn.Embedding(config.segments, config.hidden_size)
        if config.position == "absolute":
            self.positions = nn.Embedding(config.max_position, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.initialize()

    def init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)

    def embed(
        self, ids: Tensor, segments: Tensor, positions: Tensor, extra: Tensor | None = None
    ) -> Tensor:
        x = self.words(ids) + self.segments(segments)
        if self.config.position == "absolute":
            x = x + extended(self.positions.weight, positions)
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
        self.check_length(ids.shape[1])
        segments = torch.zeros_like(ids) if segments is None else segments
        x = self.embed(ids, segments, positions, extra)
        kept, carry = [], self.carry()
        for block in self.blocks:
            x, keys_values = block(x, mask, positions, carry)
            kept.append(keys_values)
        return x, kept

    def carry(self) -> Carry | None:
        return Carry() if self.config.residual_attention else None

    def check_length(self, length: int) -> None:
        """Raise ModelError where absolute positions do not reach `length` tokens."""
        reach = self.config.max_position**2
        if self.config.position == "absolute" and length > reach:
            raise ModelError(
                f"expected at most {reach} tokens, got {length}: "
                f"{self.config.max_position} learned positions reach no further"
            )

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
        self.check_length(source_ids.shape[1] + max_new_tokens)
        _, kept = self.read(source_ids, source_mask, source_segments)
        return Cache(kept, source_mask.bool(), beams, max_new_tokens)

    def step(self, *, tokens: Tensor, cache: Cache, extra: Tensor | None = None) -> Tensor:
        """The next target token of each beam, (B, W) ids -> hidden states (B, W, E)."""
        positions = (cache.source_lengths + cache.length)[:, None].expand_as(tokens)
        x, carry = self.embed(tokens, torch.ones_like(tokens), positions, extra), self.carry()
        for index, block in enumerate(self.blocks):
            x = block.step(x, cache, index, carry)
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
