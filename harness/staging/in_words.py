"""What fails of a part that may be the user's own, said in a line with the place in the user's code."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.core.errors import HarnessError, SpecError
from harness.core.own_place import at_own_place

__all__ = ["failure_in_words", "in_words", "of_field"]


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Say of an error of another kind than this project's that `what` fails with it. Raises `SpecError`."""
    try:
        yield
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's code may raise anything, and exit
        raise SpecError(f"{what} fails with {failure_in_words(error)}") from None


@contextmanager
def of_field(field: str, what: str) -> Iterator[None]:
    """Do the same, and say of every error which field of the run it is about. Raises `SpecError`."""
    try:
        with in_words(what):
            yield
    except HarnessError as error:
        raise SpecError(f"{field}: {error}{at_own_place(error)}") from None


def failure_in_words(error: BaseException) -> str:
    """Return the kind of an error, what it says, and where in the user's own code it came up."""
    return f"{type(error).__name__}: {' '.join(str(error).split()):.200}{at_own_place(error)}"
