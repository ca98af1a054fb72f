import linecache
import sys
from types import ModuleType
from typing import Any

import pytest

from harness.models import AbstractModel
from harness.staging.own_code import own_code, own_modules

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
