"""MLflow's client, without telemetry and output: the one module that imports MLflow."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import HarnessError
from harness.tracking.mlflow.location import database_of, sqlite_uri, taking_turns

# MLflow reads these while it is imported.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
# The default is 7 retries of 2 minutes for a server that is down; a projector retries by itself.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

__all__ = [
    "Dataset",
    "DatasetInput",
    "InputTag",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Param",
    "Run",
    "RunTag",
    "explained",
    "open_client",
]

MOST_CHARACTERS = 300  # of an error of the database, which brings its SQL


def open_client(tracking_uri: str) -> MlflowClient:
    """Return a client for `tracking_uri`; create its SQLite database if there is none.

    Raises:
        HarnessError: the database or server cannot be used.
    """
    with taking_turns(tracking_uri), explained(tracking_uri):
        database = database_of(tracking_uri)
        if database is not None and not database.exists():
            _create(database)
        return MlflowClient(tracking_uri=tracking_uri)


def _create(database: Path) -> None:
    """Create a SQLite database under another name first: a creation that is cut short leaves a broken one."""
    unfinished = database.with_name(f"{database.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    MlflowClient(tracking_uri=sqlite_uri(unfinished)).search_experiments(max_results=1)
    unfinished.rename(database)


@contextmanager
def explained(tracking_uri: str) -> Iterator[None]:
    """Turn errors of MLflow into `HarnessError`, without the password that the URI may hold."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = " ".join(str(error).split())[:MOST_CHARACTERS]
        message = f"MLflow at {tracking_uri} cannot be used ({reason})"
        message = re.sub(r"//[^/@\s]*@", "//***@", message)
        raise HarnessError(f"{message}; nothing is lost: the study can be projected again") from None
