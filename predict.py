"""Summarize a file of judgments: `python predict.py [INPUT.jsonl OUTPUT.jsonl] [options]`, as
`spaces predict`.

Without INPUT and OUTPUT it reads the competition's /input/input.json and writes
/output/result.json.
"""

from __future__ import annotations

import sys

from spaces.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))
