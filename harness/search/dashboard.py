"""Optuna's dashboard over the configurations of a home: `python -m harness.search.dashboard HOME --host H --port P`."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import optuna

import harness
from harness.core.errors import HomeError, InputError
from harness.search.objective import name_in_runs
from harness.search.objective_names import name_objectives
from harness.search.trial_storage import open_storage, optuna_file
from harness.staging.database import VARIABLE
from harness.staging.workspace import Workspace
from harness.tracking import UiSettings
from harness.tracking.ui_server import Program, UiServer, start_server

__all__ = ["TITLE", "dashboard_links", "serve", "start_dashboard"]

PACKAGE, EXTRA = "optuna_dashboard", "optuna-dashboard"
TITLE = "Optuna's dashboard"
USUAL_PORT = 8080


def start_dashboard(workspace: Workspace, settings: UiSettings) -> UiServer:
    """Start the dashboard, on port 8080 if that is free, and return when it answers.

    Raises:
        InputError: it is not installed, nothing was proposed in this home, or the port cannot be used.
        HarnessError: it did not start.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise InputError(f"expected {EXTRA} to be installed for --optuna; pip install 'harness[{EXTRA}]'")
    file = optuna_file(workspace)
    if file and not file.is_file():
        raise HomeError(f"expected configurations of a study in {file}, found none; run a study first")
    command = [sys.executable, "-P", "-m", "harness.search.dashboard", str(workspace.home.absolute())]
    variables = {"PYTHONPATH": os.pathsep.join([_package(), *filter(None, [os.environ.get("PYTHONPATH")])])}
    if workspace.storage:  # not an argument: there may be a password in it
        variables[VARIABLE] = workspace.storage
    program = Program(TITLE, command, workspace.home, "optuna_dashboard.log", "/api/meta", USUAL_PORT, variables)
    return start_server(program, settings.port, settings.host, settings.limit_s)


def dashboard_links(url: str, workspace: Workspace, study: str | None) -> dict[str, str]:
    """Return the addresses of the searches of a study, which are several where each arm is tuned on its own.

    Raises:
        HomeError: nothing was proposed for it.
    """
    if study is None:
        return {"Optuna": f"{url}/dashboard"}
    storage = open_storage(workspace)
    found = {
        name: f"{url}/dashboard/studies/{storage.get_study_id_from_name(name)}"
        for name in optuna.study.get_all_study_names(storage)
        if name == study or name.startswith(f"{study} ")
    }
    if not found:
        raise HomeError(f"expected configurations of the study {study!r} in {workspace.home}, found none; run it first")
    return found


def serve(arguments: Sequence[str]) -> None:
    """Serve the dashboard until the process is ended."""
    from optuna_dashboard import run_server

    home, _, host, _, port = arguments
    workspace = Workspace(Path(home), os.environ.get(VARIABLE))
    _name_earlier(workspace)
    run_server(open_storage(workspace), host=host, port=int(port))


def _name_earlier(workspace: Workspace) -> None:
    """Name the values of trials that earlier versions told Optuna of."""
    storage = open_storage(workspace)
    names = optuna.study.get_all_study_names(storage)
    for record in workspace.ledger.studies():
        further = [str(objective["metric"]) for objective in record.spec.get("objectives") or ()]
        objectives = [name_in_runs(metric) for metric in (record.spec.metric, *further)]
        for name in names:
            if name == record.name or name.startswith(f"{record.name} "):
                name_objectives(optuna.load_study(study_name=name, storage=storage), objectives)


def _package() -> str:
    return str(Path(harness.__file__).parents[1])


if __name__ == "__main__":
    serve(sys.argv[1:])
