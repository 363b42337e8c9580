"""What the benchmark scripts share: a random generator, sources, the best of several timings."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

import torch
from torch import Tensor

from spaces.generate import linear
from spaces.generate.model import Generator, GeneratorConfig
from spaces.generate.tokenizer import CLS, SEP


class Endless:
    """A generator whose texts never end before the limit; for timing."""

    def __init__(self, generator) -> None:
        self.generator, self.device = generator, generator.device
        self.reading, self.steps = 0.0, []  # seconds of the last `prefill`, of each `step` since

    @property
    def seconds(self) -> float:
        return sum(self.steps)

    def prefill(self, **sources):
        start = time.perf_counter()
        cache = self.generator.prefill(**sources)
        self.reading, self.steps = time.perf_counter() - start, []
        return cache

    def step(self, *, tokens: Tensor, cache) -> tuple[Tensor, Tensor]:
        start = time.perf_counter()
        logits, tag_logits = self.generator.step(tokens=tokens, cache=cache)
        self.steps.append(time.perf_counter() - start)
        logits[..., SEP] = -torch.inf
        return logits, tag_logits


class Plainly:
    """Multiply as PyTorch does, without the packed matrices of `generate.linear`; where asked."""

    def __init__(self, plain: bool = True) -> None:
        self.plain = plain

    def __enter__(self) -> None:
        self.before = linear._HAS_PACKED
        linear._HAS_PACKED = self.before and not self.plain

    def __exit__(self, *_) -> None:
        linear._HAS_PACKED = self.before


def sizes(description: str) -> ArgumentParser:
    """The options that say how large the model is, how long source and text, how many threads."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--vocabulary", type=int, default=20000)
    parser.add_argument("--source", type=int, default=600, help="tokens of the source")
    parser.add_argument("--new", type=int, default=128, help="tokens to decode")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--repeat", type=int, default=2, help="timings, of which the best counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser


def random_generator(asked: Namespace) -> Generator:
    torch.set_num_threads(asked.threads)
    torch.manual_seed(asked.seed)
    config = GeneratorConfig(
        vocab_size=asked.vocabulary,
        hidden_size=asked.hidden,
        num_hidden_layers=asked.layers,
        num_attention_heads=asked.heads,
        intermediate_size=4 * asked.hidden,
    )
    return Generator(config).eval()


def random_sources(asked: Namespace, count: int = 1) -> list[list[int]]:
    words = torch.randint(SEP + 2, asked.vocabulary, (count, asked.source - 2)).tolist()
    return [[CLS, *row, SEP] for row in words]


def best_of(repeat: int, *calls: Callable[[], object]) -> list[float]:
    """The least seconds of each call, the calls taking turns so that a busy moment meets all."""
    times = [float("inf")] * len(calls)
    for _ in range(repeat):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            times[i] = min(times[i], time.perf_counter() - start)
    return times


def report(asked: Namespace, rows: list[dict], line: str) -> list[dict]:
    """Print the rows as lines or as one JSON object; returns them."""
    if asked.json:
        settings = {k: v for k, v in vars(asked).items() if k != "json"}
        print(json.dumps({"settings": settings, "results": rows}))
    else:
        for row in rows:
            print(line.format(**row), flush=True)
    return rows
