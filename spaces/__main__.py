"""`python -m spaces` is the `spaces` command."""

from __future__ import annotations

import sys

from spaces.cli import main

if __name__ == "__main__":
    sys.exit(main())
