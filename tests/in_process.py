"""A call of `harness` in the process that asks, rather than in one of its own, which loads everything first."""

import sys
from collections.abc import Sequence

from harness.cli.main import main

__all__ = ["exit_code"]


def exit_code(arguments: Sequence[str]) -> int:
    """Call `harness`; return its exit code."""
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
