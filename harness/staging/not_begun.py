"""The error of a command that needs a study which was begun, and names another."""

from collections.abc import Iterable

from harness.core.errors import StudyNotFoundError
from harness.core.explain import close_match

__all__ = ["not_begun"]


def not_begun(study: str | None, home: object, begun: Iterable[str] = ()) -> StudyNotFoundError:
    """Return the error that `study`, or any if it is None, was not begun in `home`, where `begun` were."""
    known = list(begun)
    what = f"no study {study!r}" if study else "no study"
    others = f".{close_match(study or '', known)} There are: {', '.join(known)}." if known else ";"
    return StudyNotFoundError(
        f"{what} was begun in {home}{others} harness run STUDY begins one, --home names another home"
    )
