"""Tries damaged contents on one parser, within a limit of memory and of time for each, and says what came of them.

`python -m tests.fuzzing.child NAME EXAMPLES SEED` prints a line of JSON.
"""

import json
import resource
import signal
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from types import FrameType

from tests.fuzzing.parser import Parser, attempt, damaged
from tests.fuzzing.parsers import PARSERS

__all__ = ["tried"]

MEMORY_BYTES = 512 * 2**20  # more than the process has when it begins
LIMIT_S = 10.0  # of processor time: a busy machine hangs nothing


class TooLongError(BaseException):
    """A content took longer than any may; nothing that is read catches this."""


def tried(parser: Parser, examples: int, seed: int, folder: Path) -> dict[str, object]:
    """Return how many contents were tried and refused, and what else came of some, each with the first of them."""
    samples, refused = parser.samples(folder), 0
    failures, first = Counter[str](), dict[str, str]()
    for example in range(examples):
        content = damaged(parser, samples, Random(f"{seed} {example}"))
        signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
        try:
            refused += not attempt(parser, content, folder)
        except (Exception, TooLongError) as error:  # noqa: BLE001  # whatever it is, it is counted
            signal.setitimer(signal.ITIMER_PROF, 0)
            name = _name(error)
            failures[name] += 1
            first.setdefault(name, f"example {example} of seed {seed}: {error!s:.300}")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    return {"tried": examples, "refused": refused, "failed": dict(failures), "first": first}


def _name(error: BaseException) -> str:
    """Return the kind of a failure and the innermost line of the project in which it happened."""
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if "/harness/" in frame.filename]
    place = f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else "tests"
    return f"{type(error).__name__} at {place}"


def _too_long(_: int, __: FrameType | None) -> None:
    raise TooLongError(f"more than {LIMIT_S} s")


def _main(name: str, examples: int, seed: int) -> None:
    parser = PARSERS[name]
    with tempfile.TemporaryDirectory() as folder:
        for example in parser.samples(Path(folder))[:1]:  # so that all is loaded that reading needs
            with suppress(*parser.errors):
                parser.read(example, Path(folder))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES,) * 2)
    signal.signal(signal.SIGPROF, _too_long)
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(tried(parser, examples, seed, Path(folder))) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
