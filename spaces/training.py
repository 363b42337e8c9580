"""What both stages' trainings ask of the Hugging Face Trainer. Needs the `train` extra; inference
never imports it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import TrainingArguments

__all__ = ["last_checkpoint", "training_arguments"]


def training_arguments(output_dir: str | Path, **settings) -> TrainingArguments:
    """The Trainer's arguments that this project always sets, and `settings` over them."""
    common = dict(
        output_dir=str(output_dir),
        report_to="none",
        save_total_limit=1,
        disable_tqdm=not sys.stderr.isatty(),
        remove_unused_columns=False,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        optim="adamw_torch_fused",
        max_grad_norm=1.0,
        save_only_model=False,
        restore_callback_states_from_checkpoint=True,  # how long early stopping has waited
        dataloader_num_workers=0,
        label_names=["labels"],
    )
    return TrainingArguments(**{**common, **settings})


def last_checkpoint(folder: str | Path) -> str | None:
    """The newest checkpoint in `folder` that was written to its end, None without one.

    The Trainer writes `trainer_state.json` last and removes older checkpoints after it: a run that
    was killed while it saved goes on from the checkpoint before.
    """
    complete = [path.parent for path in Path(folder).glob("checkpoint-*/trainer_state.json")]
    if not complete:
        return None
    return str(max(complete, key=lambda path: int(path.name.rpartition("-")[2])))
