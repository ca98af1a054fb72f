"""Several calls of `harness` in one process, which loads everything once; `then` stands between their arguments.

The exit code is the largest of theirs.
"""

import sys
from collections.abc import Iterator
from itertools import groupby

from tests.in_process import exit_code
from tests.integration import unreported  # noqa: F401  # no report is written


def calls(words: list[str]) -> Iterator[list[str]]:
    """Yield the arguments of each call."""
    for between, call in groupby(words, lambda word: word == "then"):
        if not between:
            yield list(call)


if __name__ == "__main__":
    sys.exit(max([exit_code(arguments) for arguments in calls(sys.argv[1:])]))
