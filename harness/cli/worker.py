"""`harness worker`: one more process, on any machine, for a study that was begun."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli import options
from harness.cli.interruption import Interruption
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
    timeout: options.Timeout = None,
) -> None:
    """Do runs of a study that was begun, beside whoever else does, until all have ended."""
    from rich.console import Console

    from harness.cli.progress import ProgressView
    from harness.search.launch import launch
    from harness.search.pool import Pool
    from harness.search.resumption import resumed
    from harness.staging.ledger import Ledger
    from harness.staging.runner import Runner
    from harness.staging.store import Store
    from harness.training.determinism import make_deterministic
    from harness.training.features import FeatureCache

    ledger = Ledger(home, storage)
    record, loaded, file = _begun(study, ledger)
    make_deterministic()
    with Interruption() as stop, ProgressView(Console(), loaded.metric) as view:
        opened = Store(store or Path(record.store or home / "store"), ledger)
        features = FeatureCache(folder=opened.root / "features")
        runner = Runner(opened, options.data_folder(), stop=stop, features=features)
        # Whoever watches a run that hangs must be another process.
        with Pool(1, runner, file, home, storage, timeout_s=60 * timeout if timeout else None) as pool:
            do = pool.do if timeout else None
            resumed(lambda: launch(loaded, home, runner=runner, observer=view, do=do))
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
