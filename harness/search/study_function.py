"""The one function of a study's file that is called."""

import ast
import inspect
from pathlib import Path
from types import ModuleType

from harness.core.errors import SpecError

__all__ = ["check_study_function"]

NAME = "study"


def check_study_function(path: Path, module: ModuleType) -> None:
    """Refuse a file without `study()`, with one that needs arguments, and with a second study that nobody would run.

    Raises:
        SpecError: it is so.
    """
    others = _other_studies(path, module)
    function = getattr(module, NAME, None)
    if not callable(function):
        found = f"found {others[0]}(); call it study" if others else "found none"
        raise SpecError(f"expected a function `study() -> Study`, {found}")
    if needed := _needed(function):
        raise SpecError(f"expected a function `study() -> Study`, found that it needs {', '.join(needed)}")
    if others:
        raise SpecError(f"expected one study in a file, found {others[0]}() beside study(); give it a file of its own")


def _other_studies(path: Path, module: ModuleType) -> list[str]:
    """Return the functions that seem to be further studies: without arguments, by name or type, and used by nothing."""
    used = {node.id for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Name)}
    own = {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name not in (NAME, *used)
    }
    return [name for name, function in own.items() if _returns_study(name, function) and not _needed(function)]


def _returns_study(name: str, function: object) -> bool:
    returned = getattr(function, "__annotations__", {}).get("return")
    return name.startswith(NAME) or getattr(returned, "__name__", returned) == "Study"


def _needed(function: object) -> list[str]:
    if not inspect.isfunction(function):
        return []
    parameters = inspect.signature(function).parameters.values()
    return [
        one.name
        for one in parameters
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]
