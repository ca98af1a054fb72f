"""Launches and workers that are killed at random moments, again and again, and the study that comes out of it.

HARNESS_KILLS says how many kills there are for each kind of database, HARNESS_KILLS_SEED which.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import TrialState

import harness
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.process_identity import has_ended
from harness.tracking.mlflow.client import MlflowClient
from harness.tracking.mlflow.location import default_tracking_uri
from tests.figures import save_figures

ROOT = Path(harness.__file__).parents[1]
STUDY = "digits-late-classes"
KILLS = int(os.environ.get("HARNESS_KILLS", "10"))
SEED = int(os.environ.get("HARNESS_KILLS_SEED", "0"))
IN_TRAINING = 0.7  # of the moments are counted from when a launch has workers, the others from its own start
LONGEST_S = 6.0
SIZES = ["--seeds", "2", "--set", "steps=2000", "--set", "training.evaluate_every=100"]

Process = subprocess.Popen[bytes]


class Disturbed:
    """A study whose processes are killed: a launch, and `others` like those of other machines."""

    def __init__(self, home: Path, storage: str, others: int, *options: str) -> None:
        self.trials = 2
        self.killed = Counter[str]()
        self._home = home
        self._options = options
        self._place = ["--home", str(home), "--storage", storage]
        self._processes: list[Process | None] = [None] * (1 + others)

    def disturb(self, draws: random.Random) -> None:
        """Start what is missing, and kill something after a while."""
        wait_s, draw, training = draws.uniform(0.2, LONGEST_S), draws.random(), draws.random() < IN_TRAINING
        for index, process in enumerate(self._processes):
            if process is None or process.poll() is not None:
                self._processes[index] = self._begin(index)
        while training and self._is_starting():
            time.sleep(0.1)
        time.sleep(wait_s)
        victims = self._victims()
        if victims:
            name, victim = victims[int(draw * len(victims))]
            victim.kill()
            self.killed[name] += 1
            victim.wait() if name == "worker of the pool" else self._reap()

    def finish(self) -> None:
        """Let it go on undisturbed to its end."""
        for process in filter(None, self._processes):
            process.wait()
        assert self._begin(0, more=0).wait() == 0, (self._home / "said.txt").read_text()

    def _begin(self, index: int, more: int = 1) -> Process:
        before = self._processes[index]
        if index == 0 and before is not None:
            assert before.returncode in (0, -9), (self._home / "said.txt").read_text()
            self.trials += more * (before.returncode == 0)  # a study that has ended gets another trial
        launch = ["run", STUDY, "--trials", str(self.trials), *SIZES, *self._options]
        command = launch if index == 0 else ["worker", STUDY]
        self._home.mkdir(exist_ok=True)
        with (self._home / "said.txt").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "harness", *command, *self._place],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL,
                stderr=said,
            )

    def _is_starting(self) -> bool:
        """Return whether the launch has no workers yet."""
        names = [name for name, _ in self._victims()]
        return "launch" in names and "worker of the pool" not in names

    def _victims(self) -> list[tuple[str, psutil.Process]]:
        found = []
        for index, process in enumerate(self._processes):
            if process is not None and process.poll() is None:
                found.append(("worker" if index else "launch", psutil.Process(process.pid)))
        pool = [child for name, one in found if name == "launch" for child in one.children() if is_worker(child)]
        return found + [("worker of the pool", child) for child in pool]

    def _reap(self) -> None:
        for process in filter(None, self._processes):
            process.poll()


def is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def numbers(home: Path, storage: str) -> dict[object, object]:
    ledger = Ledger(home, storage)
    found: dict[object, object] = {run.key: numbers_of(run, home / "store") for run in ledger.runs(STUDY)}
    ledger.database.close()
    return found


def numbers_of(run: RunRecord, store: Path) -> tuple[object, ...]:
    metrics = {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
    return run.status, run.reason, run.stages, run.growths, metrics, run_history(store, run.stages)


def trial_states(home: Path, storage: str) -> list[TrialState]:
    url = (
        storage.replace("postgresql:", "postgresql+psycopg:")
        if "postgresql" in storage
        else f"sqlite:///{home}/optuna.sqlite"
    )
    opened = optuna.storages.RDBStorage(url)
    states = [trial.state for trial in optuna.load_study(study_name=STUDY, storage=opened).get_trials()]
    opened.engine.dispose()
    return states


def stuck_leases(storage: str) -> list[str]:
    ledger = Ledger(Path(), storage)
    with ledger.database.transaction() as transaction:
        held = transaction.rows("SELECT name, owner FROM leases WHERE expires > {now}")
    ledger.database.close()
    return [name for name, owner in held if not has_ended(owner)]


def shown_runs(home: Path) -> Counter[tuple[str, str]]:
    client = MlflowClient(tracking_uri=default_tracking_uri(home))
    experiments = [found.experiment_id for found in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=10_000)
    return Counter((run.data.tags["identity"], run.info.status) for run in runs if "identity" in run.data.tags)


def check_that_nothing_was_lost(tmp_path: Path, storage: str, others: int) -> None:
    study, draws = Disturbed(tmp_path / "killed", storage, others, "--workers", "2"), random.Random(SEED)
    while study.killed.total() < KILLS:
        study.disturb(draws)
    study.finish()
    calm, kept = Disturbed(tmp_path / "calm", f"sqlite:///{tmp_path / 'calm.sqlite'}", 0, "--no-tracking"), study.trials
    calm.trials = kept
    calm.finish()

    found = numbers(tmp_path / "killed", storage)

    undisturbed = numbers(tmp_path / "calm", f"sqlite:///{tmp_path / 'calm.sqlite'}")
    states, stuck = trial_states(tmp_path / "killed", storage), stuck_leases(storage)
    shown = shown_runs(tmp_path / "killed")
    figures: dict[str, object] = {
        "kills": study.killed.total(),
        "killed": dict(study.killed),
        "seed": SEED,
        "other workers": others,
        "runs": len(found),
        "lost": 2 * 2 * kept - len(found),
        "twice": sum(count > 1 for count in shown.values()),
        "stuck": len(stuck) + sum(state != TrialState.COMPLETE for state in states),
        "unequal to the bit": sum(value != undisturbed.get(key) for key, value in found.items()),
    }
    save_figures(f"kills-{'server' if 'postgresql' in storage else 'file'}", figures)
    assert len(found) == 2 * 2 * kept
    assert found == undisturbed
    assert stuck == []
    assert states == [TrialState.COMPLETE] * kept
    assert set(shown.values()) == {1}
    assert Counter(status for _, status in shown)["FINISHED"] == len(shown) >= len(found)


@pytest.mark.campaign
@pytest.mark.slow
def test_on_a_file_two_workers_lose_and_repeat_nothing(tmp_path: Path) -> None:
    check_that_nothing_was_lost(tmp_path, f"sqlite:///{tmp_path / 'killed.sqlite'}", others=0)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.postgres
def test_on_a_server_four_workers_lose_and_repeat_nothing(tmp_path: Path, postgres: str) -> None:
    check_that_nothing_was_lost(tmp_path, postgres, others=2)
