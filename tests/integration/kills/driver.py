"""Studies whose processes are killed again and again, home after home, and what comes out of them.

Ten kills at most have a home in common: so each home goes on to its end soon, and is compared with an undisturbed one.
"""

import gc
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import psycopg
import torch
from optuna.trial import TrialState

from harness.benchmarks.postgres_server import postgres_server
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, RunKey, RunRecord
from harness.staging.process_identity import has_ended
from harness.tracking.mlflow.client import MlflowClient
from harness.tracking.mlflow.database import open_connection
from harness.tracking.mlflow.location import default_tracking_uri
from tests.in_process import exit_code
from tests.integration.drivers import FIGURES
from tests.integration.kills.forks import fork_everything
from tests.integration.kills.struck import Struck, forked
from tests.migrations import read_migrations_once
from tests.undrawn import undraw

STRIKES = 10  # that a home has at most
ARMS = ("frozen", "unfrozen")
NAME = "tiny"
EMPTY = "empty"  # a home with MLflow's tables, which take seconds to make
Case = tuple[str, bool, int, int]  # file or server, whether on workers, kills, seed


@dataclass
class Figures:
    """What came of the kills of one kind of database and of processes."""

    database: str
    processes: str
    seed: int
    kills: int = 0
    killed: dict[str, int] = field(default_factory=dict)
    homes: int = 0
    most: int = 0
    runs: int = 0
    lost: int = 0
    twice: int = 0
    stuck: int = 0
    unequal: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, struck: Struck, faults: Mapping[str, Sequence[object]]) -> None:
        """Count a home."""
        self.homes += 1
        self.kills += struck.killed.total()
        self.most = max(self.most, struck.killed.total())
        self.killed = dict(Counter(self.killed) + struck.killed)
        self.runs += len(ARMS) * struck.trials
        for kind, found in faults.items():
            vars(self)[kind] += len(found)
        self.violations += [f"home {self.homes}: {kind}: {list(found)}" for kind, found in faults.items() if found]


def numbers(home: Path, storage: str) -> dict[RunKey, object]:
    """Return everything that was measured, by trial, arm and seed."""
    ledger = Ledger(home, storage)
    found: dict[RunKey, object] = {run.key: numbers_of(run, home / "store") for run in ledger.runs(NAME)}
    ledger.database.close()
    return found


def numbers_of(run: RunRecord, store: Path) -> tuple[object, ...]:
    metrics = {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
    return run.status, run.reason, run.stages, run.growths, metrics, run_history(store, run.stages)


def trial_states(home: Path, storage: str) -> list[TrialState]:
    """Return what Optuna says of each trial."""
    server = storage.replace("postgresql:", "postgresql+psycopg:")
    opened = optuna.storages.RDBStorage(server if server != storage else f"sqlite:///{home}/optuna.sqlite")
    states = [trial.state for trial in optuna.load_study(study_name=NAME, storage=opened).get_trials()]
    opened.engine.dispose()
    return states


def stuck_leases(storage: str) -> list[str]:
    """Return the leases that nobody holds any more and that nobody has released."""
    ledger = Ledger(Path(), storage)
    with ledger.database.transaction() as transaction:
        held = transaction.rows("SELECT name, owner FROM leases WHERE expires > {now}")
    ledger.database.close()
    return [name for name, owner in held if not has_ended(owner)]


def shown_runs(home: Path) -> Counter[tuple[str, str]]:
    """Return how often MLflow shows each run, with its status."""
    client = MlflowClient(tracking_uri=default_tracking_uri(home))
    experiments = [found.experiment_id for found in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=10_000)
    return Counter((run.data.tags["identity"], run.info.status) for run in runs if "identity" in run.data.tags)


def faults_of_report(struck: Struck) -> list[str]:
    """Return what `harness verify` says of a report that does not follow from its data."""
    said = struck.home.with_suffix(".verify.txt")
    process = forked(["verify", str(struck.home / "reports" / NAME)], said)
    return [said.read_text()[-300:]] if os.waitpid(process, 0)[1] else []


def faults_of(struck: Struck, stuck: Sequence[str], calm: Mapping[RunKey, object]) -> dict[str, list[object]]:
    """Compare a study that was struck and has ended with one that nothing disturbed."""
    found, shown = numbers(struck.home, struck.storage), shown_runs(struck.home)
    states = trial_states(struck.home, struck.storage)
    planned = {(trial, arm) for trial in range(struck.trials) for arm in ARMS}
    unfinished = [run for run, status in shown if status != "FINISHED"]
    open_trials = [state for state in states if state != TrialState.COMPLETE]
    return {
        "lost": [*planned - {(trial, arm) for trial, arm, _ in found}, *["not shown"] * (len(planned) - len(shown))],
        "twice": [*(run for run, count in shown.items() if count > 1), *states[struck.trials :]],
        "stuck": [*stuck, *stuck_leases(struck.storage), *open_trials, *unfinished],
        "unequal": [*(key for key in found if found[key] != calm.get(key)), *faults_of_report(struck)],
    }


@contextmanager
def databases(kind: str, place: Path) -> Iterator[Iterator[str] | None]:
    """Yield addresses of databases of their own; None where there is no server."""
    if kind == "file":
        yield (f"sqlite:///{place}/{number}/ledger.sqlite" for number in itertools.count())
        return
    with postgres_server(durable=False) as server:
        yield made(server.url) if server else None


def made(url: str) -> Iterator[str]:
    for number in itertools.count():
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE home{number}")
        yield url.removesuffix("postgres") + f"home{number}"


@dataclass
class Calm:
    """The study where nothing happens: in this process, whose forks find everything imported."""

    home: Path
    trials: int = 0
    known: dict[RunKey, object] = field(default_factory=dict)

    def numbers(self, trials: int) -> dict[RunKey, object]:
        """Return what is measured in so many trials, or more."""
        if trials > self.trials:
            size, place = ("--trials", str(trials)), ("--home", str(self.home))
            assert exit_code(["run", "study.py", "--no-tracking", *size, *place]) == 0
            self.trials, self.known = trials, numbers(self.home, f"sqlite:///{self.home}/ledger.sqlite")
        return self.known


def campaign(case: Case, calm: Calm, place: Path) -> Figures | None:
    """Strike homes until there were enough kills; None where there is no server."""
    kind, on_workers, kills, seed = case
    figures, draws = Figures(kind, "workers" if on_workers else "one process", seed), random.Random(seed)
    with databases(kind, place) as addresses:
        if addresses is None:
            return None
        while figures.kills < kills:
            home = place / str(figures.homes)
            shutil.copytree(place / EMPTY, home)
            options = ("--workers", "2") if on_workers else ()
            struck = Struck(NAME, home, next(addresses), options, further=on_workers)
            while struck.killed.total() < min(STRIKES, kills - figures.kills):
                struck.strike(draws)
            stuck = struck.finish()
            figures.add(struck, faults_of(struck, stuck, calm.numbers(struck.trials)))
            shutil.rmtree(home)
    return figures


def main_of(cases: Sequence[Case]) -> None:
    """Write the figures of each case as a line of JSON."""
    torch.set_num_threads(1)
    undraw()
    read_migrations_once()
    fork_everything()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        calm = Calm(place / "calm")
        calm.numbers(2)
        assert exit_code(["verify", str(calm.home / "reports" / NAME)]) == 0
        open_connection(default_tracking_uri(place / EMPTY))
        gc.freeze()  # what forks need not look through
        for case in cases:
            if found := campaign(case, calm, place):
                sys.stdout.write(FIGURES + json.dumps(vars(found)) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main_of(json.loads(sys.argv[1]))
