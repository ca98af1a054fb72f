"""The data, homes and reports of synthetic studies."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.reporting.data.collect import collect
from harness.reporting.data.environment import environment
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import written_data
from harness.reporting.report import report_files
from harness.staging.workspace import Workspace
from tests.reporting.synthetic_answers import Groups, with_answers
from tests.reporting.synthetic_study import SyntheticStudy

MakeHome = Callable[..., Path]
StudyDataOf = Callable[..., StudyData]
RICH: dict[str, Any] = {
    "trials": 12,
    "seeds": 2,
    "arms": ("frozen", "unfrozen", "never"),
    "never": ("never",),
    "rich": True,
}


@pytest.fixture(scope="session")
def study_data() -> StudyDataOf:
    """Return a function that makes the data of a synthetic study, with fields of `SyntheticStudy`, once for all."""
    known: dict[str, StudyData] = {}

    def data(**fields: Any) -> StudyData:
        study = SyntheticStudy(**fields)
        if repr(study) not in known:
            known[repr(study)] = study.data()
        made = known[repr(study)]
        return replace(made, study=deepcopy(made.study), runs=made.runs.copy(), curves=made.curves.copy())

    return data


@pytest.fixture(scope="session")
def answered_data(study_data: StudyDataOf) -> StudyDataOf:
    """Return a function like `study_data`, whose runs have kept answers to `examples` in `groups`."""

    def data(*, examples: int = 200, groups: Groups = None, **fields: Any) -> StudyData:
        return with_answers(study_data(**({"trials": 6, "seeds": 2} | fields)), examples, groups)

    return data


@pytest.fixture
def finished_data(study_data: StudyDataOf) -> StudyData:
    """Return the data of a small finished study."""
    return study_data(trials=6, seeds=2)


@pytest.fixture
def rich_data(study_data: StudyDataOf) -> StudyData:
    """Return the data of a small finished study that recorded all there is to record."""
    return study_data(**RICH)


@pytest.fixture(scope="session")
def write_home() -> MakeHome:
    """Return a function that writes a synthetic home into a folder, with fields of `SyntheticStudy`."""
    return lambda home, **fields: SyntheticStudy(**fields).write(home)


@pytest.fixture
def make_home(write_home: MakeHome, tmp_path: Path) -> MakeHome:
    """Return a function that writes the test's own synthetic home, with fields of `SyntheticStudy`."""
    return partial(write_home, tmp_path / "home")


@pytest.fixture(scope="session")
def finished_home(made_once: Callable[..., Path]) -> Path:
    """Return the home of a small finished study, to be read only."""
    return made_once("finished", SyntheticStudy(trials=6, seeds=2).write)


@pytest.fixture(scope="session")
def finished_report(finished_home: Path, made_once: Callable[..., Path]) -> Path:
    """Return the folder of the report on the small finished study, to be read only."""

    def write(folder: Path) -> None:
        publish(folder, report_files(written_data(collect(Workspace(finished_home), "freeze-or-not"), environment())))

    return made_once("report", write)


@pytest.fixture(scope="session")
def undrawn_files(finished_home: Path, undrawn: Callable[[], AbstractContextManager[None]]) -> dict[str, bytes]:
    """Return all files of the report on the small finished study, undrawn."""
    with undrawn():
        return report_files(written_data(collect(Workspace(finished_home), "freeze-or-not"), environment()))


@pytest.fixture(scope="session", autouse=True)
def _reports_written_once(reports_written_once: None) -> None:
    """Write each report once."""
