"""What reads files that anybody may have written, and how an attempt at one ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from harness.core.errors import HarnessError
from tests.fuzzing.damage import Damage, bytes_damaged

__all__ = ["Parser", "attempt"]

LONGEST = 4000  # characters of a message


@dataclass(frozen=True)
class Parser:
    """Something that reads what may be damaged.

    Attributes:
        samples: returns valid contents, made with files in a folder of their own where they need some.
        read: reads a content, with a folder for files of its own.
        damages: in which ways a content is changed.
        errors: that it may raise.
        slow: whether it takes more than milliseconds.
    """

    samples: Callable[[Path], Sequence[bytes]]
    read: Callable[[bytes, Path], object]
    damages: Sequence[Damage] = (bytes_damaged,)
    errors: tuple[type[Exception], ...] = (HarnessError,)
    slow: bool = False


def attempt(parser: Parser, content: bytes, folder: Path) -> bool:
    """Return whether a content was read; otherwise it was refused in a line.

    Raises:
        Exception: it was neither read nor refused.
    """
    try:
        parser.read(content, folder)
    except parser.errors as error:
        said = str(error)
    else:
        return True
    assert said, "refused without a word"
    assert "\n" not in said, f"refused in several lines: {said!r}"
    assert len(said) <= LONGEST, f"refused in {len(said)} characters: {said[:200]!r}"
    return False


def damaged(parser: Parser, samples: Sequence[bytes], chance: Random) -> bytes:
    """Return one of the samples, damaged."""
    return chance.choice(parser.damages)(chance.choice(samples), chance)
