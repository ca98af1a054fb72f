"""Digests of the code of one's own that a spec uses."""

import ast
import functools
import hashlib
import importlib.util
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from harness.core.digest import digest
from harness.core.own_place import is_library
from harness.core.spec import Spec
from harness.staging.own_modules import codes_of, is_plain, own_modules

__all__ = ["own_code"]

File = tuple[Path, str]  # and the package in which it is imported


def own_code(spec: Spec) -> list[str]:
    """Return digests of the files, and of a notebook's cells, that define classes of `spec` outside of this package.

    What they import of one's own counts as well.
    """
    modules = [sys.modules[name] for name in own_modules(spec)]
    cells = {_digest_of_cells(module) for module in modules if module.__name__ == "__main__" and not _file(module)}
    files = {path for path, _ in _with_imported([file for file in map(_file, modules) if file])}
    return sorted(cells | {hashlib.sha256(path.read_bytes()).hexdigest() for path in files})


def _file(module: ModuleType) -> File | None:
    file = getattr(module, "__file__", None)
    return (Path(file), module.__package__ or "") if file else None


def _with_imported(files: list[File]) -> set[File]:
    found: set[File] = set()
    while files:
        file = files.pop()
        if file not in found:
            found.add(file)
            files += _imported(file[0].read_bytes(), file[1])
    return found


@functools.lru_cache(maxsize=256)
def _imported(source: bytes, package: str) -> tuple[File, ...]:
    """Return the files of one's own that a source imports, wherever in it."""
    found = (_origin(name) for name in dict.fromkeys(_named(source, package)))
    return tuple(file for file in found if file and file[0].suffix == ".py" and not is_library(file[0]))


def _named(source: bytes, package: str) -> Iterator[str]:
    """Yield the names of modules that a source imports, and names that may be modules of packages."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or package):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package or None)
            yield from (module, *(f"{module}.{each.name}" for each in node.names))


def _origin(name: str) -> File | None:
    """Return the file of a module, which may not be imported yet; none of what is no module."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):  # a name in a module, or a module without a spec
        return None
    return (Path(spec.origin), spec.parent or "") if spec and spec.origin else None


def _digest_of_cells(notebook: ModuleType) -> str:
    """Return a digest of all cells with a class or a function that a notebook has now, and of plain values they name.

    A cell that is executed again and has not changed changes nothing, and neither does one that defines nothing.
    """
    codes = [code for value in vars(notebook).values() for code in codes_of(value, notebook.__name__)]
    named = {name for code in codes for name in code.co_names}
    values = {name: value for name, value in vars(notebook).items() if name in named and is_plain(value)}
    cells = {"".join(linecache.getlines(code.co_filename)) for code in codes}
    return digest({"cells": sorted(cells), "values": repr(sorted(values.items()))})
