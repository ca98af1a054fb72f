"""A report in which one picture stands for all figures: that they are drawn to the same bytes is tested elsewhere."""

import shutil
from pathlib import Path

import pytest

from harness.reporting.publication.publishing import publish


@pytest.fixture(autouse=True)
def _undrawn(figures_undrawn: None) -> None:
    """Draw no figure."""


@pytest.fixture(scope="session")
def undrawn_report(undrawn_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of that report, to be read only."""
    folder = tmp_path_factory.mktemp("reports") / "undrawn"
    publish(folder, undrawn_files)
    return folder


@pytest.fixture
def report(undrawn_report: Path, tmp_path: Path) -> Path:
    """Return a copy of that report to tamper with."""
    return Path(shutil.copytree(undrawn_report, tmp_path / "report"))
