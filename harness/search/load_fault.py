"""What is wrong with a study's file, in one line: the file, the line in it, the reason, and the likely name."""

import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from pydantic import PydanticUserError, ValidationError

from harness.core.errors import HarnessError, SpecError
from harness.core.explain import close_match, explain
from harness.core.own_place import shown

__all__ = ["load_fault"]

NOT_IN_MODULE = re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'")
WITH_TYPE = 'write kind: Literal["name"] = "name"'
PLACE = re.compile(r" \(\S+__init__\.py\)$| For further information visit \S+$")  # on this machine, or elsewhere
NO_MODULE = re.compile(r"No module named '(?P<module>[\w.]+)'")


def load_fault(path: Path, module: ModuleType, error: BaseException) -> SpecError:
    """Return the error of a study's file that raised `error` while it was loaded into `module`."""
    if isinstance(error, SyntaxError):
        return SpecError(f"cannot load {_place(Path(error.filename or path), error.lineno)}: SyntaxError: {error.msg}")
    place = _place(path, _line(path, error))
    if isinstance(error, HarnessError):
        return SpecError(f"{place}: {error}")
    if isinstance(error, ValidationError):
        return SpecError(f"{place}: {explain(error, error.title)}")
    if isinstance(error, PydanticUserError) and error.code == "model-field-overridden":
        return SpecError(f"{place}: expected a type beside a field that is set anew; {WITH_TYPE}")
    said = PLACE.sub("", " ".join(str(error).split())) + _likely(error, module)
    return SpecError(f"cannot load {place}: {type(error).__name__}: {said}")


def _place(path: Path, line: int | None) -> str:
    return f"{shown(path)}, line {line}" if line else shown(path)


def _line(path: Path, error: BaseException) -> int | None:
    """Return the line of the file in which an error came up, the innermost if it went through several."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return next((frame.lineno for frame in frames if frame.filename == str(path)), None)


def _likely(error: BaseException, module: ModuleType) -> str:
    """Return the name that was probably meant, as the end of a message."""
    if isinstance(error, NameError) and error.name:
        return _dot(close_match(error.name, vars(module)))
    if found := NOT_IN_MODULE.search(str(error)):
        known = sys.modules.get(found["module"])
        return _dot(close_match(found["name"], getattr(known, "__all__", ())))
    if found := NO_MODULE.search(str(error)):
        parent, _, name = found["module"].rpartition(".")
        siblings = [known.removeprefix(f"{parent}.") for known in sys.modules if known.startswith(f"{parent}.")]
        return _dot(close_match(name, siblings)).replace(" '", f" '{parent}.") if parent else ""
    return ""


def _dot(ending: str) -> str:
    return f".{ending}" if ending else ""
