"""The folders and databases that the options and environment variables name."""

import os
import shutil
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from harness.core.errors import HarnessError
from harness.diagnosis.finding import Finding
from harness.staging.workspace import Workspace
from harness.tracking.delivery.destination import parse_destination
from harness.tracking.mlflow.location import SQLITE

__all__ = ["look_at_places"]

LOW_BYTES = 2 * 10**9
PATIENCE_S = 5.0  # for a server's answer


def look_at_places(workspace: Workspace, tracking_uri: str | None) -> Iterator[Finding]:
    """Yield the home, the ledger, the stages, the data folder, and what MLflow writes to; nothing is written."""
    yield _folder("home", workspace.home, "a folder that you can write to, with --home or HARNESS_HOME")
    yield _ledger(workspace)
    yield _folder("stages", workspace.stages, "a folder that you can write to, with HARNESS_STORE")
    yield _data(workspace.data_folder)
    yield _tracker(tracking_uri, workspace.home)


def _folder(subject: str, folder: Path, other: str) -> Finding:
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    says = f"{folder}{'' if folder.exists() else ', not there yet'}: {free / 1e9:.1f} GB free"
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Finding(subject, f"{folder}: {there} cannot be written to", "wrong", f"name {other}")
    if free < LOW_BYTES:
        return Finding(subject, says, "wrong", "make room, such as by harness cache evict")
    return Finding(subject, says)


def _ledger(workspace: Workspace) -> Finding:
    try:
        if not workspace.ledger.exists:
            return Finding("ledger", f"{workspace.ledger.database}: none yet, the first run makes it")
        studies, counts = workspace.ledger.studies(), workspace.ledger.run_counts()
    except HarnessError as error:
        return Finding("ledger", str(error), "wrong", "see what it says, or choose another home")
    runs = sum(sum(of_study.values()) for of_study in counts.values())
    return Finding("ledger", f"{workspace.ledger.database}: studies {len(studies)}, runs {runs}")


def _data(folder: Path | None) -> Finding:
    if folder is None:
        return Finding("data", "downloaded when needed; HARNESS_DATA_DIR names a folder to look in first")
    if not folder.is_dir():
        return Finding("data", f"HARNESS_DATA_DIR names {folder}, which is no folder", "wrong", f"mkdir -p {folder}")
    return Finding("data", f"{folder}: {sum(1 for _ in folder.iterdir())} files and folders")


def _tracker(tracking_uri: str | None, home: Path) -> Finding:
    try:
        destination = parse_destination(tracking_uri, home)
    except HarnessError as error:
        return Finding("mlflow", str(error), "wrong", "unset HARNESS_TRACKING_URI, or correct it")
    uri = destination.uri
    if uri.startswith(SQLITE):
        there = Path(uri.removeprefix(SQLITE)).exists()
        return Finding("mlflow", f"{uri}{'' if there else ': none yet, the first run makes it'}")
    reason = _unreachable(uri)
    if not reason:
        return Finding("mlflow", f"{uri} answers")
    return Finding("mlflow", f"{uri} does not answer ({reason})", "missing", "start it; harness sync delivers later")


def _unreachable(address: str) -> str:
    """Return why a server does not answer; nothing if it does, if only to ask for a password."""
    try:
        with urlopen(f"{address.rstrip('/')}/health", timeout=PATIENCE_S):
            return ""
    except HTTPError:
        return ""
    except (OSError, HTTPException) as error:
        return str(getattr(error, "reason", error))
