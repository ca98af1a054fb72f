"""A study that runs within a second."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.core.digest import digest
from harness.growth import NoFreezing, OldParameters
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.search.run_request import RunRequest, run_requests
from harness.search.space import Choice, Int
from harness.search.study import Study
from harness.staging.ledger import StudyRecord
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace

Launch = Callable[..., StudyRecord]
LaunchOnce = Callable[[Study], Path]
RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[RunRequest]]


@pytest.fixture
def study(digits_run: RunConfig) -> Study:
    """Two configurations and one seed: a head grows early or late, and the trunk is frozen or not."""
    return Study(
        name="tiny",
        title="A tiny study",
        question="Should the trunk stay frozen?",
        base=digits_run,
        space={
            "when": Int(field="growths.0.trigger.step", low=10, high=30, step=10),
            "init": Choice(
                field="growths.0.operation.init", options=("xavier_uniform", "orthogonal", "kaiming_normal")
            ),
        },
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {"growths.0.freeze": NoFreezing()}},
        comparison=("unfrozen", "frozen"),
        trials=2,
        seeds=1,
    )


@pytest.fixture
def runs_of() -> RunsOf:
    """The runs of a study's configurations under all its arms, with so many seeds."""

    def planned(study: Study, points: Sequence[Mapping[str, Any]], seeds: int) -> list[RunRequest]:
        each = [run_requests(study, n, p, arms=study.arms, seeds=range(seeds)) for n, p in enumerate(points)]
        return [run for runs in each for run in runs]

    return planned


@pytest.fixture(scope="session")
def launched(made_once: Callable[..., Path]) -> LaunchOnce:
    """Return a function that launches a study in one go, once for all tests; its home is to be read only."""

    def home(study: Study) -> Path:
        def make(folder: Path) -> None:
            launch(study, Runner(Workspace(folder).create()), Observer())

        return made_once(f"launched-{digest(study.to_json())}", make)

    return home


@pytest.fixture
def launched_home(launched: LaunchOnce, study: Study, tmp_path: Path) -> Path:
    """Return the home of the test's own in which the study above was launched."""
    return Path(shutil.copytree(launched(study), tmp_path / "home"))


@pytest.fixture
def run_study(study: Study, tmp_path: Path) -> Launch:
    """Launch the study above, or the one given, in a home of the test's own, as a new process would."""

    def begin(
        changed: Study | None = None,
        *,
        home: Path = tmp_path / "home",
        observer: Observer | None = None,
        trials: int | None = None,
        seeds: int | None = None,
        changed_code: bool = False,
    ) -> StudyRecord:
        runner, seen = Runner(Workspace(home).create()), observer or Observer()
        return launch(changed or study, runner, seen, trials=trials, seeds=seeds, changed_code=changed_code)

    return begin
