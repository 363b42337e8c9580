"""An install without the training packages: every module but the training ones can be imported,
and the summary that the README's command printed is one.

Usage: python check_minimal.py SUMMARY.txt
"""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

TRAINING = ("training", "pretraining", "crossfit", "pipeline", "__main__")


def main() -> None:
    if present := [name for name in ("datasets", "accelerate") if find_spec(name)]:
        sys.exit(f"not a minimal install: {', '.join(present)} can be imported")

    import spaces

    if loaded := sorted({"torch", "transformers", "jieba"} & set(sys.modules)):
        sys.exit(f"import spaces should load nothing heavy, it loads {', '.join(loaded)}")
    count = 0
    for module in pkgutil.walk_packages(spaces.__path__, "spaces."):
        if module.name.rsplit(".", 1)[-1] not in TRAINING:
            import_module(module.name)
            count += 1
    print(f"imported {count} modules of {Path(spaces.__file__).parent.name}")

    summary = Path(sys.argv[1]).read_text(encoding="utf-8").strip()
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in summary)
    if chinese < 50:
        sys.exit(
            f"expected a summary of at least 50 Chinese characters, got {chinese}: {summary!r}"
        )
    print(f"the summary has {len(summary)} characters")


if __name__ == "__main__":
    main()
