"""Modules that carry a config and live in a folder: `config.json` beside `model.safetensors`.

What `transformers.PreTrainedModel` would do for the parts of a model, for two reasons without it:
importing it took half of the time until a summarizer was there (it brings PyTorch's compiler and
its distributed tensors), and it fills a weight that is missing with random numbers and goes on,
where a summary has to be refused. Configs are transformers' own, and its Trainer takes any module.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedConfig

from spaces.errors import ConfigError, ModelError

__all__ = ["CONFIG", "DTYPES", "WEIGHTS", "Pretrained", "read_json"]

CONFIG, WEIGHTS = "config.json", "model.safetensors"
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}

P = TypeVar("P", bound="Pretrained")


class Pretrained(nn.Module):
    """A module of a `config`. What derives from it says how each of its modules begins
    (`init_weights`) and calls `initialize` once all of them are there."""

    config_class: ClassVar[type[PreTrainedConfig]]

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def initialize(self) -> None:
        """Random weights for all modules, those inside first; what is `Pretrained` itself has had
        its own."""
        self._initialize(self)

    def _initialize(self, module: nn.Module) -> None:
        for child in module.children():
            if not isinstance(child, Pretrained):
                self._initialize(child)
        self.init_weights(module)

    def init_weights(self, module: nn.Module) -> None:
        """The first weights of one module, in place, those of the modules inside it aside."""
        raise NotImplementedError

    def save_pretrained(self, folder: str | Path, dtype: str = "float32") -> None:
        """Write config and weights into `folder`, which is made if need be.

        Raises ConfigError where weights are too large for `dtype` (see DTYPES).
        """
        folder = Path(folder)
        weights = {
            key: w.detach().to("cpu", DTYPES[dtype]).contiguous()
            for key, w in self.state_dict().items()
        }
        lost = [key for key, weight in weights.items() if not weight.isfinite().all()]
        if lost:
            raise ConfigError(
                f"dtype: {lost[0]} of {folder.name} is not finite as {dtype}: save as float32, "
                "unless it was broken before"
            )
        config = copy.deepcopy(self.config)
        config.dtype = dtype
        config.save_pretrained(folder)
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    @classmethod
    def from_pretrained(cls: type[P], folder: str | Path, **changed: Any) -> P:
        """Read what `save_pretrained` wrote, float32 and in evaluation mode; `changed` are fields
        of the config that get another value.

        Raises ModelError, naming the file, what was expected and what was found; every weight has
        to be there, in its shape, and no other.
        """
        path = Path(folder) / CONFIG
        values = read_json(path)
        kind = cls.config_class.model_type
        if values.get("model_type") != kind:
            raise ModelError(
                f"{path}: expected model_type {kind!r}, found {values.get('model_type')!r}: is it "
                "another part's?"
            )
        weights = _read_weights(path.with_name(WEIGHTS))
        try:
            config = cls.config_class.from_dict({**values, **changed})
            # the first, random weights leave the caller's generator alone
            with torch.random.fork_rng(devices=[]):
                model = cls(config)
        except (ConfigError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: {error}") from error
        model._fill(weights, path.with_name(WEIGHTS))
        return model.eval()

    def _fill(self, weights: dict[str, torch.Tensor], path: Path) -> None:
        expected = self.state_dict()
        missing = sorted(expected.keys() - weights.keys())
        unknown = sorted(weights.keys() - expected.keys())
        if missing or unknown:
            what = [f"without {missing[0]} ({len(missing)} missing)"] if missing else []
            what += [f"with {unknown[0]} ({len(unknown)} unknown)"] if unknown else []
            raise ModelError(
                f"{path}: expected the {len(expected)} weights its config.json describes, "
                f"found a file {' and '.join(what)}: do the two belong together?"
            )
        for key, tensor in expected.items():
            if tensor.shape != weights[key].shape:
                raise ModelError(
                    f"{path}: {key}: expected shape {list(tensor.shape)} after its config.json, "
                    f"found {list(weights[key].shape)}: do the two belong together?"
                )
        self.load_state_dict(weights)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of a model; raises ModelError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file: the model directory is incomplete") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: expected a JSON object, found {error}") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise ModelError(f"{path}: no such file: the model directory is incomplete")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: expected safetensors, found {error}: copy the file again"
        ) from None
