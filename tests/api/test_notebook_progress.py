import sys
from types import SimpleNamespace

import pytest

from harness.api.notebook_progress import notebook_progress
from harness.api.progress import ProgressView
from harness.api.view import view_of


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook was asked to show, in order."""
    shown: list[str] = []

    def display(html: str, *, display_id: bool) -> SimpleNamespace:
        assert display_id
        shown.append(html)
        return SimpleNamespace(update=shown.append)

    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=str, display=display))
    return shown


def test_a_notebook_draws_the_bars_in_place_and_leaves_the_last(cell: list[str]) -> None:
    with notebook_progress("accuracy/all") as view:
        view.on_launch(4, 1)
        view.on_run_begin("trial 0", 40)
        view.on_evaluation("trial 0", 20, {"val/accuracy/all": 0.5})

    assert cell[0] == ""
    assert "1/4" in cell[-1]
    assert "20/40" in cell[-1]
    assert "val/accuracy/all 0.500" in cell[-1]
    assert cell[-1].startswith("<pre")


@pytest.mark.usefixtures("cell")
def test_progress_is_shown_where_the_process_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(view_of("accuracy/all"), ProgressView)

    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert not isinstance(view_of("accuracy/all"), ProgressView)
