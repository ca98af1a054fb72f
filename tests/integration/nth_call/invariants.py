"""The commands in whose calls faults happen, and what must hold in their homes whatever happens."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from harness.search.trial_check import damaged_trials
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger
from harness.staging.ledger_check import check_records
from harness.staging.process_identity import has_ended
from harness.staging.registration import registration_bytes, registration_of
from harness.staging.workspace import Workspace

__all__ = ["COMMANDS", "Command", "check_left"]

STUDY, FILE = "tiny", "study.py"
PUBLISHED = "out/published"
EARLIER: dict[str, bytes] = {
    f"{PUBLISHED}/report.html": b"<p>an earlier report</p>",
    f"{PUBLISHED}/manifest.json": b"{}",
    f"{PUBLISHED}/README.md": b"what people wrote",
}
Contents = dict[str, object]


@dataclass(frozen=True)
class Command:
    """A command, and what is expected of it.

    Attributes:
        words: its arguments, `HOME` in the place of its home's path.
        before: commands that are called in that home first, likewise.
        make: makes what else it needs there.
        look: returns what there is of its outcome in a home.
        may_leave: whether a fault may leave this of an outcome; arguments are what was found, and the whole outcome.
    """

    words: Sequence[str]
    look: Callable[[Path], Contents]
    may_leave: Callable[[Contents, Contents], bool]
    before: Sequence[Sequence[str]] = ()
    make: Callable[[Path], None] = lambda _home: None

    def arguments(self, home: Path) -> list[str]:
        """Return the arguments in a home."""
        return in_home(self.words, home)


def in_home(words: Sequence[str], home: Path) -> list[str]:
    return [*(word.replace("HOME", str(home)) for word in words), "--home", str(home)]


def check_left(command: Command, home: Path, expected: Contents, *, whole: bool) -> None:
    """Examine a home: all that is there is what was written, and it is the `whole` outcome if the command succeeded.

    Raises:
        AssertionError, HarnessError: it is not.
    """
    check_intact(home)
    found = command.look(home)
    assert found == expected if whole else command.may_leave(found, expected), f"{found} of {expected}"[:2000]


def check_intact(home: Path) -> None:
    """Examine ledger, Optuna's trials, leases and stages."""
    workspace = Workspace(home)
    if not workspace.ledger.exists or "runs" not in tables(home / "ledger.sqlite"):
        return
    check_records(workspace.ledger.database)
    assert damaged_trials(workspace) == []
    with workspace.ledger.database.transaction() as transaction:
        held = transaction.rows("SELECT name, owner FROM leases WHERE expires > {now}")
    assert [name for name, owner in held if not has_ended(owner)] == []
    for entry in workspace.store.entries():
        workspace.store.metrics(entry)
        if not entry.evicted:
            workspace.store.snapshot(entry)


def tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def runs(home: Path) -> Contents:
    """Return everything measured in the runs that have ended."""
    if not (home / "ledger.sqlite").is_file() or "runs" not in tables(home / "ledger.sqlite"):
        return {}
    found: Contents = {}
    for run in Ledger(home).runs(STUDY):
        metrics = {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
        found[f"{run.key}"] = (run.status, run.reason, run.growths, metrics, run_history(home / "store", run.stages))
    return found


def report(home: Path) -> Contents:
    """Return the report's files, with what else lies in the folder around it."""
    paths = [path for path in (home / "out").rglob("*") if path.is_file()]
    return {str(path.relative_to(home)): path.read_bytes() for path in paths}


def earlier_report(home: Path) -> None:
    (home / PUBLISHED).mkdir(parents=True)
    for path, content in EARLIER.items():
        (home / path).write_bytes(content)


def published(found: Contents) -> Contents:
    """Return what lies in the report's own folder; a fault may leave others, until a report is published again."""
    return {name: content for name, content in found.items() if name.startswith(f"{PUBLISHED}/")}


def shown(home: Path) -> Contents:
    """Return status, params and points of each run that MLflow shows."""
    file = home / "mlflow.sqlite"
    if not file.is_file() or "runs" not in tables(file):
        return {}
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute(
            "SELECT run_uuid, name, status FROM runs WHERE lifecycle_stage = 'active'"
        ).fetchall()
        found: Contents = {}
        for identity, name, status in names:
            points = connection.execute(
                "SELECT key, step, value FROM metrics WHERE run_uuid = ? AND key NOT LIKE '%seconds%' ORDER BY 1, 2, 3",
                [identity],
            ).fetchall()
            params = connection.execute("SELECT key, value FROM params WHERE run_uuid = ? ORDER BY 1", [identity])
            assert name not in found, f"{name} is shown twice"
            found[name] = (status, points, params.fetchall())
    return found


def registered(home: Path) -> Contents:
    """Return the registration in the ledger, and whether the file has the same."""
    file, ledger = home / "tiny.json", home / "ledger.sqlite"
    known = registration_of(Ledger(home).database, STUDY) if ledger.is_file() and "runs" in tables(ledger) else None
    content = dict(known.content) if known else {}
    if file.is_file() and file.stat().st_size:
        assert known
        assert file.read_bytes() == registration_bytes(known.content)
    return {"content": json.dumps(content), "file": file.is_file() and file.stat().st_size > 0}


def snapshots(home: Path) -> Contents:
    """Return what is left of snapshots, in the catalog and on disk."""
    left = [entry.address.step for entry in Workspace(home).store.entries() if not entry.evicted]
    files = sorted(path.name for path in (home / "store").rglob("state*.safetensors"))
    return {"entries": left, "files": files}


RUN = ("run", FILE, "--no-tracking")
COMMANDS = {
    "run": Command(RUN, runs, lambda found, whole: all(found[name] == whole[name] for name in found)),
    "report": Command(
        ("report", STUDY, "--out", f"HOME/{PUBLISHED}"),
        report,
        lambda found, whole: published(found) in (published(whole), EARLIER),
        before=(RUN,),
        make=earlier_report,
    ),
    "sync": Command(("sync", STUDY), shown, lambda found, whole: found.keys() <= whole.keys(), before=(RUN,)),
    "register": Command(
        ("register", FILE, "--out", "HOME/tiny.json"),
        registered,
        lambda found, whole: found["content"] in ("{}", whole["content"]),
    ),
    "evict": Command(("cache", "evict", "--keep", "0M"), snapshots, lambda _found, _whole: True, before=(RUN,)),
}
