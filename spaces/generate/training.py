"""Training the generator: pairs with mixed sources and replaced tokens, an average of the weights,
the Trainer.

Everything runs in Hugging Face's Trainer (resume, bf16, logging, progress); what this project adds
are three callbacks' worth of method: the moving average of the weights (EMA) that is evaluated and
kept instead of the raw ones, an evaluation that really decodes, and examples that are drawn anew in
each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from spaces.errors import ConfigError
from spaces.generate.copying import copy_labels
from spaces.generate.model import IGNORE, Generator
from spaces.generate.tokenizer import CLS, PAD, SEP
from spaces.training import last_checkpoint

AVERAGE_FILE = "ema.safetensors"


@dataclass(frozen=True)
class Source:
    """Token ids with [CLS] and [SEP], and the part of the judgment each belongs to."""

    ids: Sequence[int]
    segments: Sequence[int]


@dataclass(frozen=True)
class Pair:
    """What one judgment teaches: any of `sources` may stand before `target` (token ids)."""

    sources: Sequence[Source]
    target: Sequence[int]


class PairExamples(torch.utils.data.Dataset):
    """Pairs as sequences [CLS] source [SEP] [CLS] target with labels, drawn anew in each epoch.

    With equal chance one of the pair's sources (the predicted and the oracle extract), of whose
    tokens `replacement` (a share) give way to others of the same source: at prediction the source
    has faults too, and a model that has only seen clean ones trusts it blindly. Copy tags are those
    of the clean source. Set `epoch` before each pass.
    """

    def __init__(self, pairs: Sequence[Pair], *, replacement: float, max_tokens: int, seed: int):
        if not 0 <= replacement < 1:
            raise ConfigError(f"generate.replacement must lie in [0, 1), not {replacement}")
        longest = max((len(source.ids) for pair in pairs for source in pair.sources), default=0)
        if longest >= max_tokens:
            raise ConfigError(
                f"a source of {longest} tokens leaves no room for its target: generate.max_tokens"
                f" ({max_tokens}) must be larger than extract.max_source_tokens"
            )
        self.pairs, self.replacement, self.max_tokens = pairs, replacement, max_tokens
        self.seed, self.epoch = seed, 0
        self.lengths = [
            max(len(source.ids) for source in pair.sources) + len(pair.target) for pair in pairs
        ]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, list[int] | int]:
        random = np.random.default_rng([self.seed, self.epoch, index])
        pair = self.pairs[index]
        drawn = pair.sources[int(random.integers(len(pair.sources)))]
        source = list(drawn.ids)
        tags = copy_labels(source, list(pair.target))
        ids = [*replace_tokens(source, self.replacement, random), CLS, *pair.target]
        blank = [IGNORE] * len(source)
        size = self.max_tokens
        return {
            "input_ids": ids[:size],
            "labels": [*blank, *pair.target, SEP][:size],
            "copy_labels": [*blank, *tags, 0][:size],
            "segments": [*drawn.segments, *[0] * (len(ids) - len(source))][:size],
            "source_lengths": len(source),
            "lengths": min(len(ids), size),
        }


class LengthGroups(torch.utils.data.Sampler):
    """Batches of similar lengths in random order: the same for the same seed and pass."""

    def __init__(self, examples: PairExamples, batch_size: int):
        self.examples, self.batch_size = examples, batch_size

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[int]:
        draw = torch.Generator().manual_seed(1000 * self.examples.seed + self.examples.epoch)
        lengths = self.examples.lengths
        yield from LengthGroupedSampler(self.batch_size, lengths=lengths, generator=draw)


def replace_tokens(source: Sequence[int], share: float, random: np.random.Generator) -> list[int]:
    """`share` of the tokens between [CLS] and [SEP] replaced by others drawn from between them."""
    inner = np.asarray(source[1:-1])
    if share and len(inner):
        chosen = random.random(len(inner)) < share
        inner = np.where(chosen, random.choice(inner, len(inner)), inner)
    return [source[0], *inner.tolist(), source[-1]]


def collate(examples: Sequence[dict], multiple: int = 64) -> dict[str, torch.Tensor]:
    """Pad to the next multiple: few shapes, so that the allocator and the kernels meet the same
    ones again."""
    width = -(-max(len(e["input_ids"]) for e in examples) // multiple) * multiple

    def padded(name: str, fill: int) -> torch.Tensor:
        return torch.tensor([[*e[name], *[fill] * (width - len(e[name]))] for e in examples])

    return {
        "input_ids": padded("input_ids", PAD),
        "labels": padded("labels", IGNORE),
        "copy_labels": padded("copy_labels", IGNORE),
        "segments": padded("segments", 0),
        "source_lengths": torch.tensor([e["source_lengths"] for e in examples]),
        "lengths": torch.tensor([e["lengths"] for e in examples]),
    }


class MovingAverage(TrainerCallback):
    """EMA of the weights, kept in the checkpoints (`ema.safetensors`), so that a resumed run goes
    on with it.

    average <- d * average + (1 - d) * weights with d = min(decay, (1 + t) / (10 + t)) at update t =
    1, 2, …: young averages forget fast.
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.average: dict[str, torch.Tensor] | None = None
        self.updates = 0

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        self.average = {n: p.detach().clone() for n, p in model.named_parameters()}
        self.updates = state.global_step
        if state.global_step:  # resumed
            folder = Path(args.output_dir, f"checkpoint-{state.global_step}")
            self.average = load_file(folder / AVERAGE_FILE, device=str(model.device))

    @torch.no_grad()
    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, parameter in model.named_parameters():
            self.average[name].lerp_(parameter.detach(), 1 - keep)

    def save(self, folder: str | Path) -> None:
        save_file(self.average, Path(folder, AVERAGE_FILE))

    @contextmanager
    def applied(self, model: torch.nn.Module):
        """The model with the averaged weights inside the block, its own again after it."""
        own = {n: p.detach().clone() for n, p in model.named_parameters()}
        _fill(model, self.average)
        try:
            yield
        finally:
            _fill(model, own)


@torch.no_grad()
def _fill(model: torch.nn.Module, values: dict[str, torch.Tensor]) -> None:
    for name, parameter in model.named_parameters():
        parameter.copy_(values[name])


class EpochSetter(TrainerCallback):
    """Tells the examples which pass this is: their random draws depend on it, not on how often they
    were asked."""

    def __init__(self, examples: PairExamples):
        self.examples = examples

    def on_epoch_begin(self, args, state, control, **kwargs):
        # a resumed run begins within a pass: 1.6 is the second one still
        self.examples.epoch = int(state.epoch or 0)


class GeneratorTrainer(Trainer):
    """The Trainer with losses by part in its log, and an evaluation that decodes with the averaged
    weights.

    `score(model) -> {"weighted": …}` is called with the averaged weights in place; the best of them
    are kept in `output_dir/best`.
    """

    def __init__(self, *args, average: MovingAverage, score: Callable | None, **kwargs):
        super().__init__(*args, **kwargs)
        self.average, self.score = average, score
        self.best_folder = Path(self.args.output_dir, "best")
        self.parts: dict[str, list[float]] = {}

    def _get_train_sampler(self, train_dataset=None) -> torch.utils.data.Sampler | None:
        if isinstance(self.train_dataset, PairExamples):
            return LengthGroups(self.train_dataset, self.args.train_batch_size)
        return super()._get_train_sampler(train_dataset)

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        output = model(**inputs)
        for name in ("lm_loss", "copy_loss"):
            self.parts.setdefault(name, []).append(float(output[name]))
        return (output.loss, output) if return_outputs else output.loss

    def log(self, logs, *args, **kwargs):
        if "loss" in logs:
            logs = {**logs, **{n: round(float(np.mean(v)), 4) for n, v in self.parts.items() if v}}
            self.parts = {}
        super().log(logs, *args, **kwargs)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """The average goes with the weights, before the Trainer drops the checkpoint before this
        one."""
        super().save_model(output_dir, _internal_call)
        self.average.save(output_dir or self.args.output_dir)

    def evaluate(self, *args, metric_key_prefix: str = "eval", **kwargs) -> dict[str, float]:
        self.model.eval()
        with self.average.applied(self.model), torch.no_grad():
            metrics = {f"{metric_key_prefix}_{k}": v for k, v in self.score(self.model).items()}
            key = f"{metric_key_prefix}_weighted"
            if self.state.best_metric is None or metrics[key] > self.state.best_metric:
                self.model.save_pretrained(self.best_folder)
        self.model.train()
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics


def train_generator(
    model: Generator,
    examples: torch.utils.data.Dataset,
    arguments: TrainingArguments,
    *,
    ema_decay: float,
    score: Callable[[Generator], dict[str, float]] | None = None,
    patience: int = 0,
    collator: Callable = collate,
) -> Generator:
    """Train, going on from the last checkpoint in `arguments.output_dir` if there is one; returns
    the averaged model.

    With `score` the best of the evaluated averages is returned (and training stops after `patience`
    evaluations without a better one, 0: never); without it the last average.
    """
    average = MovingAverage(ema_decay)
    callbacks: list[TrainerCallback] = [average]
    if isinstance(examples, PairExamples):
        callbacks.append(EpochSetter(examples))
    if score is not None and patience:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=patience))
    trainer = GeneratorTrainer(
        model=model,
        args=arguments,
        train_dataset=examples,
        eval_dataset=examples if score is not None else None,
        data_collator=collator,
        callbacks=callbacks,
        average=average,
        score=score,
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(arguments.output_dir))
    if score is not None and trainer.best_folder.is_dir():
        return Generator.from_pretrained(trainer.best_folder)
    _fill(model, average.average)
    return model.eval()
