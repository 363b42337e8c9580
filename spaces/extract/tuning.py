"""Training encoder and labeller together, from summaries alone. Needs the `train` extra; inference
never imports it.

The labellers of cross-fitting read vectors that stay as they are, so that a fold costs minutes. The
one that a model keeps goes on from there: its loss, the binary cross-entropy against the oracle
labels, also moves the encoder, which learns to put into a vector what decides about a clause (as
BERTSUM does: Liu and Lapata 2019, "Text Summarization with Pretrained Encoders").
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Trainer
from transformers.trainer_pt_utils import LengthGroupedSampler

from spaces.errors import ConfigError
from spaces.extract.context import (
    TokenizedClauses,
    Windows,
    cut_windows,
    make_windows,
    token_states,
)
from spaces.extract.labeller import Labeller, LabellerOutput, pad_vectors
from spaces.training import last_checkpoint, training_arguments

__all__ = ["Example", "tune_extractor"]


@dataclass(frozen=True)
class Example:
    """One judgment of n clauses: `features` (n, FEATURES) as `extract.features` gives it, oracle
    `labels` (n,)."""

    clauses: TokenizedClauses
    features: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.clauses)


class Extractor(nn.Module):
    """Encoder and labeller as one network: windows in, logits of clauses out."""

    def __init__(self, encoder: nn.Module, labeller: Labeller) -> None:
        super().__init__()
        self.encoder, self.labeller = encoder, labeller

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        segments: Tensor,
        owners: Tensor,
        features: Tensor,
        mask: Tensor,
        labels: Tensor,
    ) -> LabellerOutput:
        """`owners` count the places of `mask` (B, N) row by row; `features` (B, N, FEATURES)."""
        states = token_states(self.encoder, Windows(input_ids, attention_mask, segments, owners))
        clauses, owners = mask.numel(), owners.flatten()
        sums = states.new_zeros(clauses + 1, states.shape[1]).index_add(0, owners, states)
        counts = torch.bincount(owners, minlength=clauses + 1).clamp(min=1)
        means = (sums / counts[:, None])[:clauses].view(*mask.shape, -1)
        vectors = torch.cat([means, features], dim=-1)
        return self.labeller(vectors=vectors, mask=mask, labels=labels)


class Collator:
    """Examples to the arguments of `Extractor`. The first window of each judgment ends somewhere
    else each time, so that no clause always stands at the edge of one."""

    def __init__(self, window: int, frame: tuple[int, int], seed: int) -> None:
        self.window, self.frame = window, frame
        self.random = np.random.default_rng(seed)

    def __call__(self, examples: list[Example]) -> dict[str, Tensor]:
        features, mask = pad_vectors([example.features for example in examples])
        labels = torch.zeros(mask.shape)
        cuts = []
        for row, example in enumerate(examples):
            labels[row, : len(example)] = torch.from_numpy(example.labels.astype(np.float32))
            first = int(self.random.integers(self.window // 4, self.window - 1))
            for start, end in cut_windows(example.clauses.counts, self.window, first):
                cuts.append((example.clauses, row * mask.shape[1], start, end))
        windows = make_windows(cuts, mask.numel(), self.frame)
        return {**windows._asdict(), "features": features, "mask": mask, "labels": labels}


def tune_extractor(
    encoder: nn.Module,
    labeller: Labeller,
    examples: Sequence[Example],
    *,
    window: int,
    frame: tuple[int, int],
    epochs: float,
    learning_rate: float,
    labeller_learning_rate: float,
    batch_size: int,
    output_dir: str | Path,
    dropout: float = 0.1,
    seed: int = 0,
) -> tuple[nn.Module, Labeller]:
    """Copies of `encoder` and `labeller` trained on `examples`, in evaluation mode, on the CPU.

    `learning_rate` is the encoder's; both fall linearly to 0. `window` is in tokens, `frame` the
    ids of [CLS] and [SEP], `batch_size` counts judgments. Checkpoints lie in `output_dir`; training
    goes on from the last one there. Judgments without tokens are passed over. Raises ConfigError
    where nothing is left.
    """
    learned = [example for example in examples if len(example.clauses.ids)]
    if not learned:
        raise ConfigError("examples: expected at least one with tokens, got none")
    model = Extractor(copy.deepcopy(encoder), copy.deepcopy(labeller))
    _set_dropout(model.encoder, dropout)
    arguments = training_arguments(
        output_dir,
        num_train_epochs=epochs,
        learning_rate=learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.05,  # a share of all
        weight_decay=0.01,
        per_device_train_batch_size=batch_size,
        logging_steps=25,
        save_strategy="epoch",
        seed=seed,
    )
    trainer = ExtractorTrainer(
        model=model,
        args=arguments,
        train_dataset=learned,
        data_collator=Collator(window, frame, seed),
        labeller_learning_rate=labeller_learning_rate,
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(output_dir))
    model = model.cpu().eval()
    _set_dropout(model.encoder, encoder.config.dropout)
    return model.encoder, model.labeller


def _set_dropout(model: nn.Module, share: float) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share


class ExtractorTrainer(Trainer):
    """The Trainer with judgments of similar length together, and a learning rate for each part."""

    def __init__(self, *args, labeller_learning_rate: float, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.labeller_learning_rate = labeller_learning_rate

    def create_optimizer(self, *args, **kwargs) -> torch.optim.Optimizer:
        if self.optimizer is None:
            parts = self.model.encoder, self.model.labeller
            rates = self.args.learning_rate, self.labeller_learning_rate
            groups = [
                {"params": list(part.parameters()), "lr": rate}
                for part, rate in zip(parts, rates, strict=True)
            ]
            self.optimizer = torch.optim.AdamW(groups, weight_decay=self.args.weight_decay)
        return self.optimizer

    def _get_train_sampler(self, train_dataset=None) -> LengthGroupedSampler:
        lengths = [len(example) for example in self.train_dataset]
        return LengthGroupedSampler(self.args.train_batch_size, lengths=lengths)
