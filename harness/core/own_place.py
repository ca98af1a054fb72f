"""The line of somebody's own code from which an error came."""

import sysconfig
import traceback
from pathlib import Path

__all__ = ["at_own_place", "is_library", "own_place", "shown"]

LIBRARIES = (Path(__file__).parents[1], *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")))


def own_place(error: BaseException) -> tuple[Path, int] | None:
    """Return the file and the line that raised `error`, or called what did; None if all of the code is a library's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if frame.lineno and path.is_absolute() and not is_library(path):
            return path, frame.lineno
    return None


def at_own_place(error: BaseException) -> str:
    """Return the end of a message: the line in brackets; nothing if there is none.

    >>> at_own_place(ValueError("raised by nobody"))
    ''
    """
    place = own_place(error)
    return f" ({shown(place[0])}, line {place[1]})" if place else ""


def shown(path: Path) -> str:
    """Return a path as it is seen from here, if it lies below this folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def is_library(path: Path) -> bool:
    """Return whether a file is of this package, of Python, or installed."""
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return bool(installed) or any(path.is_relative_to(folder) for folder in LIBRARIES)
