"""An install without the extras: every module can be imported, but for those that say they need a
package of the extras `train`, `service` and `sentence`; and the summary the README's command
printed is one.

Usage: python check_minimal.py SUMMARY.txt
"""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

EXTRAS = {"datasets", "accelerate", "fastapi", "sentence_transformers", "starlette", "uvicorn"}
INFERENCE = {"spaces.cli", "spaces.batch", "spaces.summarizer", "spaces.records", "spaces.metrics"}


def main() -> None:
    if present := sorted(filter(find_spec, EXTRAS)):
        sys.exit(f"not a minimal install: {', '.join(present)} can be imported")

    import spaces

    if loaded := sorted({"torch", "transformers", "jieba"} & set(sys.modules)):
        sys.exit(f"import spaces should load nothing heavy, it loads {', '.join(loaded)}")
    imported, others = set(), set()
    for module in pkgutil.walk_packages(spaces.__path__, "spaces."):
        try:
            import_module(module.name)
            imported.add(module.name)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            others.add(module.name)
    print(f"imported {len(imported)} modules; only with extras: {sorted(others) or 'none'}")
    if missing := sorted(INFERENCE - imported):
        sys.exit(f"inference should need no extra: {', '.join(missing)}")

    summary = Path(sys.argv[1]).read_text(encoding="utf-8").strip()
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in summary)
    if chinese < 50:
        sys.exit(
            f"expected a summary of at least 50 Chinese characters, got {chinese}: {summary!r}"
        )
    print(f"the summary has {len(summary)} characters")


if __name__ == "__main__":
    main()
