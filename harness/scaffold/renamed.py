"""A study's file under another name."""

import ast
from pathlib import Path

from harness.core.errors import InputError, SpecError

__all__ = ["renamed"]


def renamed(file: Path, name: str) -> str:
    """Return the text of a study's file with `name` as its study's name, and every other character as it was.

    Raises:
        SpecError: the file is not Python.
        InputError: it has no `Study(name="...")`, or several.
    """
    source = file.read_bytes()
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise SpecError(f"cannot read {file}, line {error.lineno}: {error.msg}") from None
    found = [value for node in ast.walk(tree) for value in _names_in(node)]
    if len(found) != 1:
        raise InputError(f'expected one Study(name="...") in {file}, found {len(found)}; copy the file by hand')
    lines, value = source.splitlines(keepends=True), found[0]
    line = lines[value.lineno - 1]
    lines[value.lineno - 1] = line[: value.col_offset] + f'"{name}"'.encode() + line[value.end_col_offset :]
    return b"".join(lines).decode()


def _names_in(node: ast.AST) -> list[ast.Constant]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Study"):
        return []
    named = [keyword.value for keyword in node.keywords if keyword.arg == "name"]
    return [value for value in named if isinstance(value, ast.Constant)]
