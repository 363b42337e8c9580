"""The generator: a prefix-LM with two heads, the next token (tied to the embeddings) and its copy
tag (BIO)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.utils import ModelOutput

from spaces.generate.backbone import ACTIVATIONS, Backbone, BackboneConfig, prefix_lm_mask
from spaces.generate.cache import Cache
from spaces.generate.linear import Linear, multiply, reduce, reduced
from spaces.generate.losses import sparse_cross_entropy
from spaces.generate.reading import ReadState, SelectiveRead
from spaces.pretrained import Pretrained

IGNORE = -100  # the label of a place that predicts nothing, as the Trainer pads labels


class GeneratorConfig(BackboneConfig):
    """The backbone's sizes; `sparse_top_k` (0: ordinary softmax) and `copy_weight` of the training
    loss; `selective_read`, the longest match it compares (0: the model has no selective read).
    """

    model_type = "spaces-generator"

    def __init__(
        self,
        sparse_top_k: int = 10,
        copy_weight: float = 2.0,
        selective_read: int = 8,
        **kwargs,
    ):
        self.sparse_top_k = sparse_top_k
        self.copy_weight = copy_weight
        self.selective_read = selective_read
        super().__init__(**kwargs)


@dataclass
class GeneratorOutput(ModelOutput):
    """loss: LM + copy_weight * copy; logits (B, L, V) and tag_logits (B, L, 3) only when no labels
    were given."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    tag_logits: Tensor | None = None
    lm_loss: Tensor | None = None
    copy_loss: Tensor | None = None


class Generator(Pretrained):
    """Source and target in one sequence: [CLS] source [SEP] [CLS] target, each target place
    predicting the next token."""

    config_class = GeneratorConfig

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        self.backbone = Backbone(config)
        self.transform = Linear(config.hidden_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.copy = nn.Linear(config.hidden_size, 3)
        longest = config.selective_read
        self.reading = SelectiveRead(config.hidden_size, longest) if longest else None
        self.head: nn.Module | None = None  # the output matrix by itself, in less precision
        self.initialize()

    def init_weights(self, module: nn.Module) -> None:
        self.backbone.init_weights(module)

    def token_logits(self, hidden: Tensor) -> Tensor:
        """(…, E) -> (…, V): BERT's output head, its matrix the word embeddings themselves."""
        hidden = self.norm(ACTIVATIONS[self.config.hidden_act](self.transform(hidden)))
        if self.head is not None:
            return self.head(hidden)
        return multiply(hidden, (self.backbone.words.weight,), (self.bias,), self)

    def hidden_states(
        self,
        *,
        input_ids: Tensor,
        source_lengths: Tensor,
        lengths: Tensor,
        segments: Tensor | None = None,
    ) -> Tensor:
        """What both heads read, (B, L, E); arguments as in `forward`."""
        size = input_ids.shape[1]
        index = torch.arange(size, device=input_ids.device)
        extra = None
        if self.reading is not None:
            extra = self.reading(input_ids, source_lengths, self.backbone.words(input_ids))
        return self.backbone(
            input_ids=input_ids,
            attention_mask=prefix_lm_mask(source_lengths, lengths, size),
            segments=torch.where(
                index >= source_lengths[:, None], 1, 0 if segments is None else segments
            ),
            extra=extra,
        )

    def forward(
        self,
        *,
        input_ids: Tensor,
        source_lengths: Tensor,
        lengths: Tensor,
        segments: Tensor | None = None,
        labels: Tensor | None = None,
        copy_labels: Tensor | None = None,
    ) -> GeneratorOutput:
        """input_ids (B, L); source_lengths, lengths (B,) tokens of the source, and of source and
        target. segments (B, L): the part of the source each of its tokens belongs to, as the
        backbone counts them; 0 when not given.

        labels, copy_labels (B, L): what each place predicts, -100 where nothing is asked. With
        labels the logits are computed at those places only (the vocabulary's share of the work
        falls to the target's share of the tokens).
        """
        hidden = self.hidden_states(
            input_ids=input_ids,
            source_lengths=source_lengths,
            lengths=lengths,
            segments=segments,
        )
        if labels is None:
            return GeneratorOutput(logits=self.token_logits(hidden), tag_logits=self.copy(hidden))
        asked = labels != IGNORE
        logits = self.token_logits(hidden[asked]).float()
        lm_loss = sparse_cross_entropy(logits, labels[asked], self.config.sparse_top_k)
        copy_loss = F.cross_entropy(
            self.copy(hidden).float().flatten(0, 1), copy_labels.flatten(), ignore_index=IGNORE
        )
        return GeneratorOutput(
            loss=lm_loss + self.config.copy_weight * copy_loss,
            lm_loss=lm_loss.detach(),
            copy_loss=copy_loss.detach(),
        )

    def prefill(
        self,
        *,
        source_ids: Tensor,
        source_mask: Tensor,
        beams: int,
        max_new_tokens: int,
        source_segments: Tensor | None = None,
        remembered: tuple[Tensor, Tensor] | None = None,
    ) -> Cache:
        """Read sources (B, S), padded on the right, once; see `Backbone.prefill`.

        `remembered`: places (B, P) and mask (B, P) of what decoding will see of them; None: all.
        """
        cache = self.backbone.prefill(
            source_ids=source_ids,
            source_mask=source_mask,
            beams=beams,
            max_new_tokens=max_new_tokens,
            source_segments=source_segments,
        )
        if remembered is not None:
            places, source_mask = remembered
            cache.narrow(places, source_mask)
            source_ids = source_ids.gather(1, places)
        if self.reading is not None:
            words = self.backbone.words(source_ids)
            cache.companions.append(ReadState(source_ids, source_mask, words, beams))
        return cache

    def step(self, *, tokens: Tensor, cache: Cache) -> tuple[Tensor, Tensor]:
        """The newest token of each beam, (B, W) -> logits of the next, (B, W, V), and of its copy
        tag, (B, W, 3)."""
        extra = None
        if self.reading is not None:
            extra = self.reading.step(tokens, cache.companions[0])
        hidden = self.backbone.step(tokens=tokens, cache=cache, extra=extra)
        return self.token_logits(hidden).float(), self.copy(hidden).float()

    def to_precision(self, precision: str) -> Generator:
        """Decode with matrices in "bfloat16" or "int8" from now on (see `generate.linear`); the
        embeddings stay as they are. In place, for inference only; returns self. Raises ConfigError
        for another name.
        """
        reduce(self, precision)
        if precision != "float32":
            self.head = reduced(self.backbone.words.weight, self.bias, precision)
        return self

    @torch.no_grad()
    def keep_embeddings(self, rows: Sequence[int]) -> Generator:
        """Only these words stay, in this order, in the embeddings and in the output bias; returns
        self."""
        places = torch.tensor(rows)
        words = self.backbone.words.weight[places]
        self.backbone.words = nn.Embedding.from_pretrained(words, freeze=False)
        self.bias = nn.Parameter(self.bias[places])
        self.config.vocab_size = self.backbone.config.vocab_size = len(rows)
        return self

    @torch.no_grad()
    def extend_embeddings(self, compounds: Sequence[Sequence[int]]) -> Generator:
        """New words start as the mean of their pieces, in the embeddings and in the output bias;
        returns self."""
        if compounds:
            self.backbone.extend_embeddings(compounds)
            rows = torch.stack([self.bias[torch.tensor(ids)].mean() for ids in compounds])
            self.bias = nn.Parameter(torch.cat([self.bias, rows]))
            self.config.vocab_size = len(self.bias)
        return self
