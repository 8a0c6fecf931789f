"""`python -m posner`, which is what torchrun starts."""

from __future__ import annotations

import sys

from posner.cli import main

if __name__ == "__main__":
    sys.exit(main())
