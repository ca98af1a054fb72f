"""Code of one's own that a spec uses: the modules outside of this package that define its classes, with digests."""

import hashlib
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from harness.core.digest import digest
from harness.core.spec import Spec

__all__ = ["own_code", "own_modules"]

Plain = bool | int | float | str | None


def own_code(spec: Spec) -> list[str]:
    """Return digests of the code that defines classes of `spec` outside of this package, such as study files."""
    return sorted({_digest(sys.modules[name]) for name in own_modules(spec)} - {""})


def own_modules(spec: Spec) -> list[str]:
    """Return the names of the modules outside of this package that define classes of `spec` and of specs in it."""
    names = {type(part).__module__ for part in _specs(spec)}
    return sorted(name for name in names if name.split(".")[0] != "harness")


def _specs(value: object) -> Iterator[Spec]:
    if isinstance(value, Spec):
        yield value
        for name in type(value).model_fields:
            yield from _specs(getattr(value, name))
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _specs(item)


def _digest(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    if file:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return _digest_of_cells(module) if module.__name__ == "__main__" else ""


def _digest_of_cells(notebook: ModuleType) -> str:
    """Return a digest of all cells with a class or a function that a notebook has now, and of plain values they name.

    A cell that is executed again and has not changed changes nothing, and neither does one that defines nothing.
    """
    codes = [code for value in vars(notebook).values() for code in _codes(value, notebook.__name__)]
    named = {name for code in codes for name in code.co_names}
    values = {name: value for name, value in vars(notebook).items() if name in named and _is_plain(value)}
    cells = {"".join(linecache.getlines(code.co_filename)) for code in codes}
    return digest({"cells": sorted(cells), "values": repr(sorted(values.items()))})


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return _is_plain([*value, *value.values()])
    return all(map(_is_plain, value)) if isinstance(value, list | tuple) else isinstance(value, Plain)


def _codes(value: object, module: str) -> Iterator[CodeType]:
    """Yield the code of a function, or of the methods of a class, that `module` defines, and of functions in it."""
    if getattr(value, "__module__", None) != module:
        return
    if isinstance(value, FunctionType):
        yield from _nested(value.__code__)
    elif isinstance(value, type):
        for member in vars(value).values():
            yield from _codes(getattr(member, "__func__", getattr(member, "fget", member)), module)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
