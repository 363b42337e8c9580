"""Sentence vectors from a directory: the encoder of one of our models, a generator that training
starts from, or whatever sentence-transformers (Reimers and Gurevych 2019) can read, which needs the
extra `sentence`.

A sentence-transformers directory has `modules.json`, which names the classes that read it. Only
those of the package itself are built, so that no code comes with a directory, and only weights in
safetensors are read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spaces.errors import ConfigError, ModelError
from spaces.extract.encoder import SentenceEncoder
from spaces.hub import locate
from spaces.storage import load_model, load_start

__all__ = ["SentenceTransformersEncoder", "load_encoder"]

MODULES = "modules.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def load_encoder(
    path: str | Path | None = None, *, pooling: str | None = None
) -> SentenceEncoder | SentenceTransformersEncoder:
    """What encodes sentences by the model in `path`, as `Summarizer.from_pretrained` takes it; of a
    folder with tokenizer and generator alone, all layers of the generator.

    pooling: one of `spaces.extract.encoder.POOLINGS` (None: "last"); a sentence-transformers
    directory has its own, so there it has to be None. Raises ModelError and ConfigError.
    """
    if path is not None and (Path(path) / MODULES).is_file():
        if pooling is not None:
            raise ConfigError(
                f"pooling: {path} is a sentence-transformers directory, which names its own: "
                f"leave {pooling} out"
            )
        return SentenceTransformersEncoder(path)
    folder = locate(path)
    if folder is not None and _is_start(folder):
        tokenizer, generator = load_start(folder)
        return SentenceEncoder(generator.backbone, tokenizer, pooling=pooling or "last")
    _, parts = load_model(folder)
    return SentenceEncoder(parts.encoder, parts.tokenizer, pooling=pooling or "last")


def _is_start(folder: Path) -> bool:
    """Whether it is what training starts from: no model yet, but a generator and its tokenizer."""
    wanted = ("tokenizer.json", "generator/config.json")
    return not (folder / "config.json").exists() and all((folder / w).is_file() for w in wanted)


class SentenceTransformersEncoder:
    """The encoder in a sentence-transformers directory, on the CPU.

    Raises ModelError where the directory cannot be read, names code of its own, or has pickled
    weights; ConfigError where the extra is not installed.

    >>> SentenceTransformersEncoder("text2vec").encode(["驳回原告的诉讼请求。"]).shape
    (1, 768)
    """

    def __init__(self, path: str | Path) -> None:
        folder = Path(path)
        _check_modules(folder)
        try:
            from sentence_transformers import SentenceTransformer
        except ModuleNotFoundError as error:
            if error.name != "sentence_transformers":
                raise
            raise ConfigError(
                f"{folder}: reading a sentence-transformers directory needs the extra `sentence`: "
                "pip install -c constraints.txt '.[sentence]'"
            ) from None
        try:
            self.model = SentenceTransformer(
                str(folder),
                device="cpu",
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # of many kinds, by what the directory lacks
            told = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelError(
                f"{folder}: expected a sentence-transformers directory, found {told[0]}"
            ) from error

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of `texts`, float32, (n, d), in the order of `texts`."""
        vectors = self.model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype=np.float32)


def _check_modules(folder: Path) -> None:
    """Raise ModelError where a directory would bring code or pickled weights."""
    try:
        modules: Any = json.loads((folder / MODULES).read_text(encoding="utf-8"))
        kinds = [str(module["type"]) for module in modules]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder}: {MODULES}: expected a list of modules, found {error!r}"
        ) from None
    for kind in kinds:
        if not kind.startswith("sentence_transformers."):
            raise ModelError(
                f"{folder}: {MODULES}: expected modules of sentence_transformers, found {kind}: "
                "code that comes with a model is never run"
            )
    for pattern in _PICKLES:
        for file in sorted(folder.rglob(pattern)):
            if not list(file.parent.glob("*.safetensors")):
                raise ModelError(
                    f"{file}: expected weights in safetensors, found pickled ones, which are never "
                    "read: save the model anew with safe_serialization=True"
                )
