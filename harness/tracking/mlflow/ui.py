"""The MLflow UI over a home."""

import sys
from pathlib import Path

from harness.core.errors import HomeError
from harness.tracking.mlflow.database import check_intact
from harness.tracking.mlflow.location import artifacts_beside, default_tracking_uri, home_database
from harness.tracking.ui_server import LOOPBACK, Program, UiServer, start_server

__all__ = ["start_ui"]

USUAL_PORT = 5000
# All but the UI is switched off.
VARIABLES = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def start_ui(home: Path, port: int | None = None, host: str = LOOPBACK, *, limit_s: float | None = None) -> UiServer:
    """Start the MLflow UI over `home`, on port 5000 if that is free, and return when it answers.

    On any `host` but the loopback address, anybody who can reach it can read and change everything. It is waited for as
    long as it lives, or for `limit_s` seconds.

    Raises:
        InputError: nothing was run in this home, its database is damaged, or `port` is taken.
        HarnessError: the server did not start.
    """
    if not home_database(home).is_file():
        raise HomeError(
            f"expected an MLflow database in the home {home}, found none: no study was run there; "
            "run one first, or choose another home with --home or HARNESS_HOME"
        )
    check_intact(default_tracking_uri(home))
    # -P: a file mlflow.py in the working folder must not pass for MLflow.
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--workers", "1"]
    command += ["--backend-store-uri", default_tracking_uri(home)]
    command += ["--artifacts-destination", artifacts_beside(home_database(home)).as_uri()]
    program = Program("the MLflow UI", command, home, "mlflow_ui.log", "/health", USUAL_PORT, VARIABLES)
    return start_server(program, port, host, limit_s)
