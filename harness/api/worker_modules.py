"""What workers must import for a study that was made in Python, and whether they can."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.search.study import Study

__all__ = ["modules_for_workers"]

MAIN = "__main__"


def modules_for_workers(study: "Study", frame: FrameType | None) -> Sequence[str]:
    """Return the modules that workers import for the classes of `study`; a script is imported by all of them anyway.

    Args:
        study: that Python code made.
        frame: in which it is launched.

    Raises:
        InputError: they cannot be imported, or to import the script would launch the study once more.
    """
    from harness.staging.own_modules import own_modules

    script = getattr(sys.modules[MAIN], "__file__", None)
    names = own_modules(study)
    if MAIN in names and script is None:
        raise InputError(
            f"expected classes that workers can import, found some of this notebook in the study {study.name!r}; "
            "write them into a file beside it and import that, or use workers=1"
        )
    for name in names:
        if name != MAIN and _is_gone(name):
            raise InputError(
                f"expected classes that workers can import, found the module {name!r} of the study {study.name!r} in "
                "no folder of sys.path; run the study by the path of its file, or use workers=1"
            )
    if script and (line := _unguarded_line(frame, Path(script))):
        raise InputError(
            f'expected `if __name__ == "__main__":` around line {line} of {Path(script).name}, which each worker '
            "imports and would launch the study again; write it there, or use workers=1"
        )
    return tuple(name for name in names if name != MAIN)


def _is_gone(name: str) -> bool:
    """Whether another process would find no module of that name, as of one that `load_study` has loaded."""
    package = name.partition(".")[0]
    return all(finder.find_spec(package, None) is None for finder in sys.meta_path)


def _unguarded_line(frame: FrameType | None, script: Path) -> int | None:
    """Return the line of the script from which this call comes, if whoever imports the script executes that line."""
    while frame and not (frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == MAIN):
        frame = frame.f_back
    if frame is None or not script.is_file():
        return None
    line = frame.f_lineno
    conditions = [node for node in ast.parse(script.read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
    guards = [node for node in conditions if "__name__" in ast.dump(node.test)]
    return None if any(node.lineno <= line <= (node.end_lineno or 0) for node in guards) else line
