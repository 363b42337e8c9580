"""Where the seconds of a call go, by stage."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch


class Clock:
    """Seconds by stage; time in a stage inside another counts for the inner one alone."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.inside = [0.0]

    def around(self, stage: str, call: Callable) -> Callable:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self.inside.append(0.0)
            start = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                took = time.perf_counter() - start
                self.seconds[stage] += took - self.inside.pop()
                self.inside[-1] += took

        return timed

    @contextmanager
    def watching(self, *places: tuple[str, Any, str]) -> Iterator[None]:
        """Count the calls of `owner.name` for their stage; places: (stage, owner, name)."""
        with ExitStack() as stack:
            for stage, owner, name in places:
                timed = self.around(stage, getattr(owner, name))
                stack.enter_context(patch.object(owner, name, timed))
            yield
