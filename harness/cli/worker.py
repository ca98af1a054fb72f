"""`harness worker`: one more process, on any machine, for a study that was begun."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.api.interruption import Interruption
from harness.cli import options
from harness.cli.portable import Portable
from harness.core.errors import StudyNotFoundError

if TYPE_CHECKING:
    from harness.search.study import Study
    from harness.staging.ledger import Ledger, StudyRecord

__all__ = ["worker"]


def worker(
    study: options.StudyName,
    home: options.Home = Path("runs"),
    store: options.StoreFolder = None,
    storage: options.Storage = None,
    portable: Portable = False,  # noqa: ARG001  # applied before torch was loaded
    timeout: options.Timeout = None,
) -> None:
    """Do runs of a study that was begun, beside whoever else does, until all have ended."""
    from rich.console import Console

    from harness.api.progress import ProgressView
    from harness.search.launch import launch
    from harness.search.retry import retry_on_disconnect
    from harness.search.worker_executor import WorkerExecutor
    from harness.staging.runner import Runner
    from harness.training.determinism import make_deterministic

    workspace = options.open_workspace(home, storage, store)
    record, loaded, file = retry_on_disconnect(lambda: _begun(study, workspace.ledger))
    make_deterministic()
    with Interruption() as stop, ProgressView(Console(), loaded.metric) as view:
        runner = Runner(workspace.of_study(record), stop=stop, cache_features=True)
        # Only another process notices that a run hangs.
        with WorkerExecutor(1, runner, file, timeout_s=60 * timeout if timeout else None) as executor:
            execute = executor.execute if timeout else None
            retry_on_disconnect(lambda: launch(loaded, runner, view, execute=execute))
    typer.echo(f"All runs of {record.name} have ended; harness report {record.name} writes the report again.")


def _begun(name: str, ledger: "Ledger") -> "tuple[StudyRecord, Study, Path | None]":
    """Return the study called `name`, or at that path, and its file on this machine, which has its own classes."""
    from harness.search.find import find_study
    from harness.search.load import load_begun, load_study

    record = ledger.study(name) if ledger.exists else None
    if record and (not record.file or Path(record.file).is_file()):
        return record, load_begun(record), Path(record.file) if record.file else None
    file = find_study(record.name if record else name)
    loaded = load_study(file)
    record = record or (ledger.study(loaded.name) if ledger.exists else None)
    if record is None:
        raise StudyNotFoundError(
            f"no study {loaded.name!r} was begun in {ledger.database}; begin it with harness run {name}"
        )
    return record, load_begun(record), file
