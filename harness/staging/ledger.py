"""The ledger: the studies, their runs, and how these ended.

What is committed here is the truth; Optuna's and MLflow's databases can be rebuilt from it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.core.errors import HomeError
from harness.core.seed_layout import seeds_of
from harness.staging.database import Database
from harness.staging.leases import forgive_all_deaths
from harness.staging.record_digest import DIGEST, record_digest
from harness.staging.row_digest import digest_beside, digest_of_row, save_row, save_row_digest
from harness.staging.run_name import run_name
from harness.staging.stored_json import stored_list, stored_object
from harness.staging.study_spec import StudySpec
from harness.staging.transaction import AbstractTransaction

__all__ = ["Ledger", "RunKey", "RunRecord", "StageAddress", "StudyOrigin", "StudyRecord", "TestSetAccess"]

RunKey = tuple[int, str, int]


@dataclass(frozen=True)
class StageAddress:
    """The address of a stored stage: its key, a digest of everything that led to it, and the step."""

    key: str
    step: int


@dataclass(frozen=True)
class StudyRecord:
    """A study that was begun.

    Attributes:
        spec: as JSON, read by its properties.
        trials: currently planned; so are `seeds`.
        file: that it was loaded from, which defines its own classes.
        store: the folder of its stages, or an empty string for the folder in its home.
    """

    name: str
    spec: StudySpec
    trials: int
    seeds: int
    file: str = ""
    store: str = ""

    @property
    def planned_runs(self) -> int:
        """The number of planned runs: trials x arms x seeds, in every replicate of a search, and its confirmation."""
        design = self.spec.design
        return len(self.spec.arms) * design.replicates * (self.trials * self.seeds + design.confirmation)

    def seeds_of(self, trial: int) -> tuple[int, ...]:
        """Return the seeds that are planned for a configuration of a study whose arms are paired."""
        return seeds_of(self.spec.design.seeds, trial, self.seeds)


@dataclass(frozen=True)
class StudyOrigin:
    """The arguments that a study was begun with: its name or relative path, and the changes to its base run."""

    source: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """A run that has ended.

    Attributes:
        params: values of the searched fields, by their names in the space.
        status: `completed`, `failed` or `pruned`; `reason` says why it did not complete.
        stages: one address per stage, in order; the last one is the end of the run.
        growths: of each growth, in order: `step`, `parameters_added` and `flops_before`, as in `RunResult`.
        metrics: the results, by name, such as `test/accuracy/all`.
        commit: of the repository with the study's file when the run was trained, or an empty string.
        machine: what it was trained with, as `harness.training.machine` says it; empty if not known.
        spec_digest: of the study's spec in the process that launched the run; empty if not known.
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
    commit: str = ""
    machine: dict[str, Any] = field(default_factory=dict)
    spec_digest: str = ""  # its key in JSON is "plan"

    @property
    def key(self) -> RunKey:
        """Trial, arm and seed: what names the run within its study."""
        return self.trial, self.arm, self.seed

    @property
    def name(self) -> str:
        """How the run is called wherever people, and observers, read of it."""
        return run_name(*self.key)

    @property
    def opened_test(self) -> bool:
        """Whether the run was evaluated on test data."""
        return any(name.startswith("test/") for name in self.metrics)

    @property
    def results(self) -> "RunRecord":
        """The record without what hangs on who was first to write it: seconds, machine and commit."""
        metrics = {name: value for name, value in self.metrics.items() if name != "cost/seconds"}
        return replace(self, metrics=metrics, machine={}, commit="")

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON, where `spec_digest` has the key `plan` and an unknown machine has none."""
        gone = {"spec_digest"} if self.machine else {"spec_digest", "machine"}
        fields = {name: value for name, value in vars(self).items() if name not in gone}
        return {**fields, "stages": [vars(address) for address in self.stages], "plan": self.spec_digest}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RunRecord":
        """Read what `to_json` wrote, in this version or an earlier one, whose records may have no `plan`.

        A digest that the ledger added is not checked; see `check_records`.
        """
        fields = {name: value for name, value in content.items() if name not in ("plan", DIGEST)}
        stages = tuple(StageAddress(**address) for address in content["stages"])
        growths = tuple(content["growths"])
        return cls(**{**fields, "stages": stages, "growths": growths, "spec_digest": content.get("plan", "")})


@dataclass(frozen=True)
class TestSetAccess:
    """A run was evaluated on test data; `at` is the time in seconds since 1970, by the database's clock."""

    trial: int
    arm: str
    seed: int
    run_id: str
    at: float


class Ledger:
    """The ledger in `<home>/ledger.sqlite`, or in the database that the URL `storage` names."""

    def __init__(self, home: Path, storage: str | None = None) -> None:
        self.database = Database(storage or home / "ledger.sqlite")

    @property
    def exists(self) -> bool:
        """Whether the database exists; it is created by the first launch in a home."""
        return self.database.exists

    def create(self) -> None:
        """Create the home and its tables if they do not exist yet.

        Raises:
            HomeError: the folder cannot be written.
        """
        self.database.create()

    def studies(self) -> list[StudyRecord]:
        """Return the studies that were begun, by name."""
        return self._studies("")

    def study(self, name: str) -> StudyRecord | None:
        """Return the study of that name, or None if it was never begun."""
        return next(iter(self._studies("WHERE studies.name = :name", name)), None)

    def _studies(self, condition: str, name: str = "") -> list[StudyRecord]:
        with self.database.transaction() as transaction:
            if self.database.path is None and not transaction.has("studies"):  # a server before its first launch
                return []
            digest, join = digest_beside(transaction, "'study ' || studies.name")
            rows = transaction.rows(
                f"SELECT studies.name, spec, trials, seeds, file, store, {digest} FROM studies {join} {condition} "
                "ORDER BY studies.name",
                {"name": name},
            )
        return [_study(row[:-1], row[-1], str(self.database)) for row in rows]

    def enter_study(self, record: StudyRecord) -> StudyRecord:
        """Add a study unless it exists, perhaps added a moment ago by another process; return what is stored."""
        with self.database.transaction() as transaction:
            new = transaction.execute(
                "INSERT INTO studies (name, spec, trials, seeds, file, store) "
                "VALUES (:name, :spec, :trials, :seeds, :file, :store) ON CONFLICT DO NOTHING",
                {**vars(record), "spec": json.dumps(record.spec)},
            )
            if new:
                save_row_digest(transaction, f"study {record.name}", digest_of_row([json.dumps(record.spec)]))
        stored = self.study(record.name)
        assert stored is not None  # studies are never removed
        return stored

    def save_study(self, record: StudyRecord) -> None:
        """Add a study, or replace what is stored of it."""
        with self.database.transaction() as transaction:
            transaction.execute(
                "INSERT INTO studies (name, spec, trials, seeds, file, store) "
                "VALUES (:name, :spec, :trials, :seeds, :file, :store) ON CONFLICT (name) DO UPDATE "
                "SET spec = :spec, trials = :trials, seeds = :seeds, file = :file, store = :store",
                {**vars(record), "spec": json.dumps(record.spec)},
            )
            save_row_digest(transaction, f"study {record.name}", digest_of_row([json.dumps(record.spec)]))

    def save_origin(self, study: str, origin: StudyOrigin) -> None:
        """Keep the arguments that a study was first begun with; its report says how to run it again."""
        with self.database.transaction() as transaction:
            transaction.execute(
                "INSERT INTO origins (study, source, changes) VALUES (:study, :source, :changes) "
                "ON CONFLICT DO NOTHING",
                {"study": study, "source": origin.source, "changes": json.dumps(origin.changes)},
            )

    def origin(self, study: str) -> StudyOrigin:
        """Return the arguments that a study was begun with; its name alone if they are not known."""
        with self.database.transaction() as transaction:
            rows = transaction.rows("SELECT source, changes FROM origins WHERE study = :study", {"study": study})
        if not rows:
            return StudyOrigin(study)
        return StudyOrigin(str(rows[0][0]), tuple(map(str, stored_list(rows[0][1], "how a study was called"))))

    def runs(self, study: str) -> list[RunRecord]:
        """Return the study's ended runs by trial, arm and seed."""
        with self.database.transaction() as transaction:
            rows = transaction.rows(
                "SELECT record FROM runs WHERE study = :study ORDER BY trial, arm, seed", {"study": study}
            )
        return [_record(text) for (text,) in rows]

    def run(self, study: str, key: RunKey) -> RunRecord | None:
        """Return the run of a trial, arm and seed, or None if it has not ended."""
        trial, arm, seed = key
        with self.database.transaction() as transaction:
            rows = transaction.rows(
                "SELECT record FROM runs WHERE study = :study AND trial = :trial AND arm = :arm AND seed = :seed",
                {"study": study, "trial": trial, "arm": arm, "seed": seed},
            )
        return _record(rows[0][0]) if rows else None

    def run_keys(self, study: str) -> frozenset[RunKey]:
        """Return trial, arm and seed of the study's ended runs."""
        with self.database.transaction() as transaction:
            rows = transaction.rows("SELECT trial, arm, seed FROM runs WHERE study = :study", {"study": study})
        return frozenset((trial, arm, seed) for trial, arm, seed in rows)

    def save_run(self, record: RunRecord) -> None:
        """Save the record of a run, which replaces an earlier one; every access to test data stays recorded.

        The same results change nothing: two processes may reach the end of a run, which they read from its stages.
        """
        names = ("study", "trial", "arm", "seed", "run_id", "status")
        values = {name: getattr(record, name) for name in names} | {"record": _text(record)}
        with self.database.transaction() as transaction:
            new = transaction.execute(
                "INSERT INTO runs (study, trial, arm, seed, run_id, status, record) "
                "VALUES (:study, :trial, :arm, :seed, :run_id, :status, :record) ON CONFLICT DO NOTHING",
                values,
            )
            if not new and not _replaced(transaction, record, values):
                return
            if record.opened_test:
                rows = transaction.rows(
                    "INSERT INTO openings (study, trial, arm, seed, run_id, at) "
                    "VALUES (:study, :trial, :arm, :seed, :run_id, {now}) RETURNING trial, arm, seed, run_id, at",
                    values,
                )
                save_row(transaction, "openings", record.study, rows[0])

    def test_set_accesses(self, study: str) -> list[TestSetAccess]:
        """Return the study's evaluations on test data by time; none of a database that does not record them yet."""
        with self.database.transaction() as transaction:
            if not transaction.has("openings"):
                return []
            rows = transaction.rows(
                "SELECT trial, arm, seed, run_id, at FROM openings WHERE study = :study ORDER BY at, trial, arm, seed",
                {"study": study},
            )
        return [TestSetAccess(*row) for row in rows]

    def save_rung(self, record: RunRecord, step: int) -> None:
        """Save the results of a run at a rung, `step`, where it waits for the pruner's decision."""
        names = ("study", "trial", "arm", "seed")
        with self.database.transaction() as transaction:
            transaction.execute(
                "INSERT INTO rungs (study, trial, arm, seed, step, record) "
                "VALUES (:study, :trial, :arm, :seed, :step, :record) ON CONFLICT DO NOTHING",
                {name: getattr(record, name) for name in names} | {"step": step, "record": _text(record)},
            )

    def rungs(self, study: str, trial: int) -> dict[tuple[str, int, int], RunRecord]:
        """Return the results of a trial's runs at rungs, by arm, seed and step."""
        with self.database.transaction() as transaction:
            rows = transaction.rows(
                "SELECT arm, seed, step, record FROM rungs WHERE study = :study AND trial = :trial",
                {"study": study, "trial": trial},
            )
        return {(arm, seed, step): _record(text) for arm, seed, step, text in rows}

    def forget_failures(self, study: str) -> int:
        """Delete the study's failed runs and reset all deaths, so that they are trained again; return their number."""
        with self.database.transaction() as transaction:
            forgive_all_deaths(transaction)
            return transaction.execute("DELETE FROM runs WHERE study = :study AND status = 'failed'", {"study": study})

    def run_counts(self) -> dict[str, dict[str, int]]:
        """Return the number of each study's runs by status."""
        with self.database.transaction() as transaction:
            rows = transaction.rows("SELECT study, status, COUNT(*) FROM runs GROUP BY study, status")
        counts: dict[str, dict[str, int]] = {}
        for study, status, count in rows:
            counts.setdefault(study, {})[status] = count
        return counts


def _replaced(transaction: AbstractTransaction, record: RunRecord, values: Mapping[str, Any]) -> bool:
    """Replace the record of a run that has one by another with other results; return whether they differ."""
    of_run = "WHERE study = :study AND trial = :trial AND arm = :arm AND seed = :seed"
    ((earlier,),) = transaction.rows(f"SELECT record FROM runs {of_run}", values)
    if earlier == values["record"] or _record(earlier).results == record.results:
        return False
    transaction.execute(f"UPDATE runs SET run_id = :run_id, status = :status, record = :record {of_run}", values)
    return True


def _text(record: RunRecord) -> str:
    content = record.to_json()
    return json.dumps({**content, DIGEST: record_digest(content)})


def _study(row: Sequence[Any], sha256: str | None, ledger: str) -> StudyRecord:
    """Return a study, of which a digest was saved unless by an early version. Raises `HomeError` if it is another."""
    name, spec, trials, seeds, file, store = row
    whole = type(trials) is type(seeds) is int and all(isinstance(text, str) for text in (name, spec, file, store))
    if not whole or sha256 not in (None, digest_of_row([spec])):
        raise HomeError(
            f"expected the spec of the study {name!r} as it was saved in the ledger {ledger}, found another content "
            "than its digest says; restore the ledger from a copy, or run the study in another home with --home"
        )
    return StudyRecord(
        name, StudySpec(stored_object(spec, f"the spec of the study {name!r}")), trials, seeds, file, store
    )


def _record(text: str) -> RunRecord:
    try:
        return RunRecord.from_json(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise HomeError(
            f"expected the record of a run in the ledger, found {text[:60]!r}, which cannot be read ({error}); restore "
            "the ledger from a copy, or run the study in another home with --home"
        ) from None
