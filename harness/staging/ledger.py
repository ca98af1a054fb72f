"""The ledger: which studies, trials, runs and stages there are, and how they ended.

One SQLite file (WAL, fully synced) per home. What is committed here is the truth; Optuna's and MLflow's databases can
be rebuilt from it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import HomeError

__all__ = ["Ledger", "RunRecord", "StageAddress", "StudyOrigin", "StudyRecord"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS studies (
    name TEXT PRIMARY KEY, spec TEXT NOT NULL, trials INTEGER NOT NULL, seeds INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    study TEXT NOT NULL, trial INTEGER NOT NULL, arm TEXT NOT NULL, seed INTEGER NOT NULL,
    run_id TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (study, trial, arm, seed));
CREATE TABLE IF NOT EXISTS stages (
    key TEXT NOT NULL, step INTEGER NOT NULL, sha256 TEXT NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (key, step));
CREATE TABLE IF NOT EXISTS signals (
    study TEXT NOT NULL, name TEXT NOT NULL, run_id TEXT NOT NULL,
    PRIMARY KEY (study, name, run_id));
CREATE TABLE IF NOT EXISTS origins (study TEXT PRIMARY KEY, source TEXT NOT NULL, changes TEXT NOT NULL);
"""

EVERY_RUN = ""


@dataclass(frozen=True)
class StageAddress:
    """Where a stage's snapshot lies in the store: the chain of everything before it, and the step."""

    key: str
    step: int


@dataclass(frozen=True)
class StudyRecord:
    """A study as it was begun: its spec as JSON, and how many trials and seeds are planned by now."""

    name: str
    spec: dict[str, Any]
    trials: int
    seeds: int

    @property
    def planned_runs(self) -> int:
        """Runs in the plan: trials x arms x seeds."""
        return self.trials * len(self.spec["arms"]) * self.seeds


@dataclass(frozen=True)
class StudyOrigin:
    """How a study was called: the study file's name or relative path, and the changes to its base run as typed."""

    source: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """A run that has ended.

    Attributes:
        params: the searched fields, by the name they have in the space.
        status: `completed` or `failed`; `reason` says why it failed.
        stages: one address per stage, in order; the last one is the end of the run.
        growths: what each growth did, in order: `step`, `parameters_added`, and the spec.
        metrics: the run's results, by name, such as `test/accuracy/all`.
    """

    study: str
    trial: int
    arm: str
    seed: int
    run_id: str
    params: dict[str, Any]
    config: dict[str, Any]
    status: str
    reason: str = ""
    stages: tuple[StageAddress, ...] = ()
    growths: tuple[dict[str, Any], ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)


class Ledger:
    """The ledger in `<home>/ledger.sqlite`."""

    def __init__(self, home: Path) -> None:
        self.path = home / "ledger.sqlite"

    @property
    def exists(self) -> bool:
        """Whether anything was ever run in this home."""
        return self.path.is_file()

    def create(self) -> None:
        """Make the home and its tables if they are not there yet.

        Raises:
            HomeError: the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._connection() as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.executescript(SCHEMA)
        except OSError as error:
            raise HomeError(
                f"cannot write to the home {self.path.parent} ({error}); choose another with --home or HARNESS_HOME"
            ) from None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                with connection:
                    yield connection
        except sqlite3.DatabaseError as error:
            raise HomeError(
                f"expected a ledger at {self.path} that can be read and written, found: {error}; "
                "choose another home with --home or HARNESS_HOME"
            ) from None

    def studies(self) -> list[StudyRecord]:
        """Return the studies that were begun, by name."""
        with self._connection() as connection:
            rows = connection.execute("SELECT name, spec, trials, seeds FROM studies ORDER BY name").fetchall()
        return [StudyRecord(name, json.loads(spec), trials, seeds) for name, spec, trials, seeds in rows]

    def study(self, name: str) -> StudyRecord | None:
        """Return the study of that name, or None if it was never begun."""
        return next((record for record in self.studies() if record.name == name), None)

    def save_study(self, record: StudyRecord) -> None:
        """Begin a study, or raise its number of trials or seeds."""
        with self._connection() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO studies VALUES (?, ?, ?, ?)",
                (record.name, json.dumps(record.spec), record.trials, record.seeds),
            )

    def save_origin(self, study: str, origin: StudyOrigin) -> None:
        """Remember how a study was first called, so that its report can say how to run it again."""
        with self._connection() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO origins VALUES (?, ?, ?)", (study, origin.source, json.dumps(origin.changes))
            )

    def origin(self, study: str) -> StudyOrigin:
        """Return how a study was called; by its own name, if the home is older than this record."""
        with self._connection() as connection:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'origins'").fetchone()
            row = (
                known and connection.execute("SELECT source, changes FROM origins WHERE study = ?", (study,)).fetchone()
            )
        return StudyOrigin(row[0], tuple(json.loads(row[1]))) if row else StudyOrigin(study)

    def runs(self, study: str) -> list[RunRecord]:
        """Return the study's ended runs by trial, arm and seed."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT record FROM runs WHERE study = ? ORDER BY trial, arm, seed", (study,)
            ).fetchall()
        return [_run_from_json(json.loads(record)) for (record,) in rows]

    def save_run(self, record: RunRecord) -> None:
        """Record how a run ended; a later end replaces an earlier one."""
        with self._connection() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(record.study, record.trial, record.arm, record.seed),
                    *(record.run_id, record.status, json.dumps(_run_to_json(record))),
                ),
            )

    def run_counts(self) -> dict[str, dict[str, int]]:
        """Return, for each study, how many runs ended with which status."""
        with self._connection() as connection:
            rows = connection.execute("SELECT study, status, COUNT(*) FROM runs GROUP BY study, status").fetchall()
        counts: dict[str, dict[str, int]] = {}
        for study, status, count in rows:
            counts.setdefault(study, {})[status] = count
        return counts

    def save_stage(self, address: StageAddress, sha256: str, seconds: float) -> None:
        """Commit a stage whose files lie in the store: `sha256` of its snapshot, training time in seconds."""
        with self._connection() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO stages VALUES (?, ?, ?, ?)",
                (address.key, address.step, sha256, seconds),
            )

    def stages(self, key: str) -> dict[int, tuple[str, float]]:
        """Return the committed stages of a chain: (SHA-256, seconds since the chain began) by step."""
        with self._connection() as connection:
            rows = connection.execute("SELECT step, sha256, seconds FROM stages WHERE key = ?", (key,)).fetchall()
        return {step: (sha256, seconds) for step, sha256, seconds in rows}

    def save_signal(self, study: str, name: str, run_id: str | None = None) -> None:
        """Send the signal `name` to a run of the study, or to all of them."""
        with self._connection() as connection:
            connection.execute("INSERT OR IGNORE INTO signals VALUES (?, ?, ?)", (study, name, run_id or EVERY_RUN))

    def signals(self, study: str, run_id: str) -> frozenset[str]:
        """Return the signals that were sent to a run by now."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT name FROM signals WHERE study = ? AND run_id IN (?, ?)", (study, run_id, EVERY_RUN)
            ).fetchall()
        return frozenset(name for (name,) in rows)

    def drop_stage(self, address: StageAddress) -> None:
        """Forget a stage whose files are damaged."""
        with self._connection() as connection:
            connection.execute("DELETE FROM stages WHERE key = ? AND step = ?", (address.key, address.step))


def _run_to_json(record: RunRecord) -> dict[str, Any]:
    return {**vars(record), "stages": [vars(address) for address in record.stages]}


def _run_from_json(content: Mapping[str, Any]) -> RunRecord:
    stages = tuple(StageAddress(**address) for address in content["stages"])
    return RunRecord(**{**content, "stages": stages, "growths": tuple(content["growths"])})
