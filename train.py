"""Train a model: `python train.py STEP --config FILE [key=value …]`, as `spaces train`."""

from __future__ import annotations

import sys

from spaces.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
