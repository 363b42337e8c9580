"""Training the labeller with the Hugging Face Trainer. Needs the `train` extra; inference never
imports it.

The loss is binary cross-entropy against the oracle labels, as in SPACES, or against probabilities
that other labellers gave (Xie et al. 2020, "Self-training with Noisy Student"). The labeller is
small, so what matters is that whole judgments of very different lengths share batches cheaply
(grouped by length, padded per batch) and that vectors come from disk (`VectorStore`), not from a
padded copy of the corpus.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import (
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.utils import logging as hf_logging

from spaces.errors import ConfigError
from spaces.extract.labeller import Labeller, LabellerConfig, pad_vectors
from spaces.extract.store import LabelledVectors, VectorStore, write_vectors

__all__ = ["LabelledVectors", "VectorStore", "label_scores", "train_labeller", "write_vectors"]

logger = logging.getLogger(__name__)

IGNORED = -100  # what the Trainer itself pads labels with


def train_labeller(
    documents: Sequence[LabelledVectors],
    *,
    config: LabellerConfig,
    epochs: float = 20,
    learning_rate: float = 1e-3,
    batch_size: int = 16,
    seed: int = 0,
    evaluation: Sequence[LabelledVectors] | None = None,
    output_dir: str | Path | None = None,
) -> Labeller:
    """A labeller fitted on `documents`, in evaluation mode, on the CPU.

    `learning_rate` is AdamW's at the start and falls linearly to 0; `batch_size` counts judgments.
    With `evaluation`, scores (see `label_scores`) are computed after every epoch, and the labeller
    of the epoch with the best F1 is returned; without, that of the last. With `output_dir` it is
    saved there (`Labeller.from_pretrained` reads it). The same arguments give the same labeller on
    the same machine. Progress bars appear only on a terminal; scores are logged at INFO. Documents
    without clauses are passed over.

    Raises ConfigError when there is nothing to train on, ModelError for vectors that do not fit
    `config`.
    """
    train_set, eval_set = _Documents(documents), _Documents(evaluation or [])
    if not len(train_set):
        raise ConfigError(
            "documents: expected at least one with clauses, got none: add training data"
        )
    set_seed(seed)
    model = Labeller(config)
    evaluate = len(eval_set) > 0
    best = _BestEpoch()
    with _quiet_unless_terminal() as quiet, TemporaryDirectory(prefix="spaces-") as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=epochs,
            learning_rate=learning_rate,
            per_device_train_batch_size=batch_size,
            per_device_eval_batch_size=batch_size,
            eval_strategy="epoch" if evaluate else "no",
            save_strategy="no",
            logging_strategy="epoch",
            report_to="none",
            disable_tqdm=quiet,
            # The collator turns documents into tensors; there are no columns to remove.
            remove_unused_columns=False,
            use_cpu=not torch.cuda.is_available(),
            seed=seed,
        )
        trainer = _LengthGroupedTrainer(
            model=model,
            args=arguments,
            train_dataset=train_set,
            eval_dataset=eval_set if evaluate else None,
            data_collator=_collate,
            compute_metrics=_Scores(config.threshold),
            callbacks=[best, _LogScores()],
        )
        # Where there is no progress bar, this callback prints dictionaries to stdout instead.
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        model = model.cpu().eval()
        if best.weights is not None:
            model.load_state_dict(best.weights)
        if output_dir is not None:
            model.save_pretrained(output_dir)
    return model


def label_scores(kept: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of the kept clauses against the labels, over all clauses given; 0
    where undefined.

    `kept` [1, 1, 0], `labels` [1, 0, 0] -> precision 0.5, recall 1.0, f1 0.667.
    """
    kept, labels = np.asarray(kept, dtype=bool), np.asarray(labels, dtype=bool)
    hits, n_kept, n_true = int((kept & labels).sum()), int(kept.sum()), int(labels.sum())
    return {
        "precision": hits / n_kept if n_kept else 0.0,
        "recall": hits / n_true if n_true else 0.0,
        "f1": 2 * hits / (n_kept + n_true) if n_kept + n_true else 0.0,
    }


class _Documents(Dataset):
    """The documents that have clauses. Their vectors stay on disk until they are collated."""

    def __init__(self, documents: Sequence[LabelledVectors]) -> None:
        self.documents = documents
        lengths = [len(document) for document in documents]
        self.places = [place for place, length in enumerate(lengths) if length]
        self.lengths = [lengths[place] for place in self.places]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, place: int) -> LabelledVectors:
        return self.documents[self.places[place]]


def _collate(documents: list[LabelledVectors]) -> dict[str, torch.Tensor]:
    """vectors (B, N, D) float32, mask (B, N) bool, labels (B, N) float with IGNORED at padding."""
    vectors, mask = pad_vectors([document.vectors for document in documents])
    labels = torch.full(mask.shape, float(IGNORED))
    for row, document in enumerate(documents):
        labels[row, : len(document)] = torch.from_numpy(
            np.asarray(document.labels, dtype=np.float32)
        )
    return {"vectors": vectors, "mask": mask, "labels": labels}


class _LengthGroupedTrainer(Trainer):
    """Groups by known lengths; the library would read every document for its `input_ids`."""

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> LengthGroupedSampler:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        return LengthGroupedSampler(self.args.train_batch_size, lengths=dataset.lengths)


class _Scores:
    """`label_scores` of what the threshold keeps, over the real clauses of the evaluation set."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        real = prediction.label_ids != IGNORED
        probabilities = 1 / (1 + np.exp(-prediction.predictions[real].astype(np.float64)))
        return label_scores(probabilities > self.threshold, prediction.label_ids[real])


class _BestEpoch(TrainerCallback):
    """Keeps the weights of the epoch with the best F1 in memory: the labeller is small, and so no
    checkpoints come and go on disk. Of equal epochs the first is kept."""

    def __init__(self) -> None:
        self.f1 = -1.0
        self.weights: dict[str, torch.Tensor] | None = None

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs) -> None:
        if metrics["eval_f1"] > self.f1:
            self.f1 = metrics["eval_f1"]
            self.weights = {name: w.cpu().clone() for name, w in model.state_dict().items()}


class _LogScores(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        logger.info("labeller, epoch %.1f: %s", state.epoch or 0, logs)


@contextmanager
def _quiet_unless_terminal() -> Iterator[bool]:
    """Inside, the library's own bars (it has one for saving too) stay off when stderr is no
    terminal; gives whether they do."""
    quiet = not sys.stderr.isatty()
    switch_off = quiet and hf_logging.is_progress_bar_enabled()
    if switch_off:
        hf_logging.disable_progress_bar()
    try:
        yield quiet
    finally:
        if switch_off:
            hf_logging.enable_progress_bar()
