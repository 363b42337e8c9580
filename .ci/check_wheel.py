"""The wheel holds the package and the default model, nothing else, and is small enough.

Usage: python check_wheel.py FILE.whl
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

MODEL = "spaces/models/default/"
MODEL_BYTES = 40_000_000  # what the default model may take, unpacked
PARTS = ("labeller", "encoder", "generator")
FILES = ("config.json", "model.safetensors")


def main() -> None:
    wheel = Path(sys.argv[1])
    with zipfile.ZipFile(wheel) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
    model = {name: size for name, size in sizes.items() if name.startswith(MODEL)}
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB", end=", ")
    print(f"{len(sizes)} files, model {sum(model.values()) / 1e6:.1f} MB")

    tops = {name.split("/")[0] for name in sizes if ".dist-info/" not in name}
    if tops != {"spaces"}:
        sys.exit(f"the wheel should hold spaces/ alone, it holds {sorted(tops)}")
    expected = {f"{MODEL}config.json", f"{MODEL}tokenizer.json", "spaces/py.typed"}
    expected |= {f"{MODEL}{part}/{file}" for part in PARTS for file in FILES}
    if missing := sorted(expected - set(sizes)):
        sys.exit(f"missing in the wheel: {', '.join(missing)}")
    if pickles := [name for name in model if name.endswith((".bin", ".pt", ".pkl", ".pth"))]:
        sys.exit(f"weights must be safetensors: {', '.join(pickles)}")
    if sum(model.values()) > MODEL_BYTES:
        sys.exit(f"the model may take {MODEL_BYTES:,} bytes, it takes {sum(model.values()):,}")


if __name__ == "__main__":
    main()
