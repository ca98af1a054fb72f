import importlib
import linecache
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.models import AbstractModel
from harness.staging.own_code import own_code
from harness.staging.own_modules import own_modules

CELL = """
from typing import Literal
from torch import nn
from harness.models import AbstractModel

class Own(AbstractModel):
    kind: Literal["own_of_cell"] = "own_of_cell"

    def build(self, outputs: int) -> nn.Module:
        return nn.Linear(WIDTH, outputs)
"""


class Notebook:
    """Executes cells as a notebook does: in a module without a file, each from a file that is only in memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._module = ModuleType("__main__")
        self._cells = 0
        monkeypatch.setitem(sys.modules, "__main__", self._module)

    def execute(self, source: str) -> Any:
        self._cells += 1
        name = f"<cell {self._cells}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), vars(self._module))
        return vars(self._module)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    return Notebook(monkeypatch)


def digests(notebook: Notebook, *cells: str) -> list[list[str]]:
    """Return the digests of an instance of `Own`, after each cell."""
    found = []
    for cell in cells:
        model: AbstractModel = notebook.execute(cell)["Own"]()
        assert own_modules(model) == ["__main__"]
        found.append(own_code(model))
    return found


def test_a_cell_that_is_executed_again_or_defines_nothing_changes_nothing(notebook: Notebook) -> None:
    notebook.execute("WIDTH = 8")

    once, again, other, plain = digests(notebook, CELL, CELL, "OTHER = 1", "results = [WIDTH]")

    assert once == again == other == plain
    assert len(once) == 1


def test_code_and_the_values_that_it_names_matter(notebook: Notebook) -> None:
    notebook.execute("WIDTH = 8")

    found = digests(notebook, CELL, CELL.replace("nn.Linear(", "nn.Linear(1 * "), "WIDTH = 9", "def more(): pass")

    assert len({one for (one,) in found}) == 4


def test_what_a_module_imports_of_ones_own_counts_wherever_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_helper.py").write_text("import own_sizes\n")
    (tmp_path / "own_sizes.py").write_text("WIDTH = 8\n")
    source = CELL.replace("        return", "        import own_helper\n\n        return")
    (tmp_path / "own_of_helper.py").write_text(source)
    model: AbstractModel = importlib.import_module("own_of_helper").Own()

    before = own_code(model)
    (tmp_path / "own_sizes.py").write_text("WIDTH = 9\n")
    after = own_code(model)

    assert len(before) == len(after) == 3
    assert len({*before, *after}) == 4
