import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import harness

ROOT = Path(harness.__file__).parents[1]
NOTEBOOK = ROOT / "reports" / "study_in_a_notebook.ipynb"


def shown(notebook: nbformat.NotebookNode) -> dict[int, set[str]]:
    """Return the kinds of what each cell shows, by its number."""
    outputs = {number: cell.get("outputs", []) for number, cell in enumerate(notebook.cells)}
    return {number: {kind for one in found for kind in one.get("data", {})} for number, found in outputs.items()}


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_and_shows_what_it_showed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before = shown(notebook)

    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()

    assert shown(notebook) == before
    assert any("image/svg+xml" in kinds for kinds in before.values())
