"""A report in which one picture stands for all figures: that they are drawn to the same bytes is tested elsewhere."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from harness.reporting.data.collect import collect
from harness.reporting.data.environment import environment
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import written_data
from harness.reporting.report import report_files
from harness.staging.workspace import Workspace


@pytest.fixture(autouse=True)
def _undrawn(figures_undrawn: None) -> None:
    """Draw no figure."""


@pytest.fixture(scope="session")
def undrawn_files(finished_home: Path, undrawn: Callable[[], AbstractContextManager[None]]) -> dict[str, bytes]:
    """Return all files of the report on the small finished study, undrawn."""
    with undrawn():
        return report_files(written_data(collect(Workspace(finished_home), "freeze-or-not"), environment()))


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
