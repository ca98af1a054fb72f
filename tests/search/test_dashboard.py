import importlib.util
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from harness.core.errors import HomeError, InputError
from harness.search.dashboard import dashboard_links, start_dashboard
from harness.search.proposals import Proposals
from harness.search.study import Study
from harness.staging.ledger import StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace
from harness.tracking import UiSettings
from harness.tracking.ui_server import answer_of


@pytest.fixture
def workspace(study: Study, tmp_path: Path) -> Workspace:
    """A home in which the study was begun and a configuration proposed."""
    workspace = Workspace(tmp_path).create()
    workspace.ledger.save_study(StudyRecord(study.name, StudySpec(study.to_json()), trials=1, seeds=1))
    Proposals(study, workspace).params(1)
    return workspace


def test_a_study_has_a_link_to_each_of_its_searches(study: Study, workspace: Workspace) -> None:
    optuna.create_study(study_name=f"{study.name} frozen", storage=f"sqlite:///{workspace.home / 'optuna.sqlite'}")

    links = dashboard_links("http://host", workspace, study.name)

    assert list(links) == [study.name, f"{study.name} frozen"]
    assert links[study.name] == "http://host/dashboard/studies/1"
    with pytest.raises(HomeError, match="expected configurations of the study 'other'"):
        dashboard_links("http://host", workspace, "other")


def test_a_home_without_configurations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="run a study first"):
        start_dashboard(Workspace(tmp_path), UiSettings())


def test_without_its_package_the_command_that_installs_it_is_said(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    find: Callable[[str], None] = lambda _: None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", find)

    with pytest.raises(InputError, match=r"pip install 'harness\[optuna-dashboard\]'"):
        start_dashboard(workspace, UiSettings())


@pytest.mark.campaign
def test_the_dashboard_names_what_earlier_versions_told(study: Study, workspace: Workspace) -> None:
    stored = optuna.load_study(study_name=study.name, storage=f"sqlite:///{workspace.home / 'optuna.sqlite'}")
    stored._storage.set_study_system_attr(stored._study_id, "study:metric_names", [])

    with start_dashboard(workspace, UiSettings()) as server:
        answer = json.loads(answer_of(urllib.request.Request(f"{server.url}/api/studies/{stored._study_id}")))

    assert answer["objective_names"] == ["val/accuracy/all"]
