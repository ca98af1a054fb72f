from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InterruptedRunError
from harness.core.history import History
from harness.search import local_executor
from harness.search.local_executor import LocalExecutor
from harness.search.observer import Observer
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.staging.catalog import StageEntry
from harness.staging.leases import Leases
from harness.staging.ledger import Ledger, RunKey, RunRecord, StageAddress
from harness.staging.plan import Plan, make_plan
from harness.staging.results import RunResult
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.staging.stage_writer import StageWriter
from harness.staging.workspace import Workspace
from harness.tracking.live.feed import AbstractFeed
from harness.training.loop import Training
from harness.training.packing import Packs, pack
from tests.conftest import MadeOnce

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[RunRequest]]

POINTS = [
    {"when": 10, "init": "orthogonal"},
    {"when": 20, "init": "orthogonal"},
    {"when": 20, "init": "xavier_uniform"},
]
NO_PLAN = Plan({}, steps=0)
ELSEWHERE = '["another-machine", "boot", 1, 2.5]'


@pytest.fixture
def runs(runs_of: RunsOf, study: Study) -> list[RunRequest]:
    """Two seeds of one configuration under two arms."""
    return runs_of(study, [{"when": 10, "init": "orthogonal"}], 2)


class Begun(Observer):
    """Notes the runs that are begun."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_run_begin(self, name: str, steps: int) -> None:  # noqa: ARG002
        self.names.append(name)


def execute(runner: Runner, runs: list[RunRequest]) -> list[RunRecord]:
    ended: list[RunRecord] = []
    LocalExecutor(runner, Observer()).execute(runs, NO_PLAN, ended.append)
    return ended


def test_runs_are_done_and_recorded(runner: Runner, runs: list[RunRequest]) -> None:
    ended = execute(runner, runs)

    assert sorted(run.key for run in ended) == sorted(run.key for run in runs)
    assert {run.status for run in ended} == {"completed"}
    assert {run.key for run in runner.store.ledger.runs("tiny")} == {run.key for run in runs}


def test_a_run_is_recorded_with_the_commit_at_which_it_was_trained(runner: Runner, runs: list[RunRequest]) -> None:
    executor, ended = LocalExecutor(runner, Observer(), commit="abc"), list[RunRecord]()

    executor.execute(runs[:1], NO_PLAN, ended.append)

    stored = runner.store.ledger.run("tiny", runs[0].key)
    assert stored is not None
    assert (ended[0].commit, stored.commit) == ("abc", "abc")


def test_what_another_process_did_is_not_done_again(runner: Runner, runs: list[RunRequest], tmp_path: Path) -> None:
    before = execute(Runner(Workspace(tmp_path / "home")), runs[:2])
    observer, ended = Begun(), list[RunRecord]()

    LocalExecutor(runner, observer).execute(runs, NO_PLAN, ended.append)

    assert ended[:2] == before
    assert set(observer.names) == {run.name for run in runs[2:]}


def test_a_run_that_exits_is_an_outcome_and_the_next_is_done(
    runner: Runner, runs: list[RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = Runner.training

    def leave_once(*_: Any, **__: Any) -> Training[RunResult]:
        monkeypatch.setattr(Runner, "training", train)
        raise SystemExit(3)

    monkeypatch.setattr(Runner, "training", leave_once)

    ended = execute(runner, runs[:2])

    assert [run.status for run in ended] == ["failed", "completed"]
    assert ended[0].reason == "called sys.exit(3)"


def test_a_run_that_two_processes_find_at_its_end_opened_test_data_once(
    runner: Runner, runs: list[RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.search.local_executor.recorded_end", lambda *_: None)  # neither has recorded it yet

    for _ in range(2):
        execute(Runner(runner.workspace), runs[:1])

    assert len(runner.store.ledger.test_set_accesses(runs[0].study)) == 1


def test_while_another_process_trains_a_stage_something_else_is_done(
    runner: Runner, runs: list[RunRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Leases(Ledger(tmp_path / "home").database, ELSEWHERE)
    holding = other.hold(first_key(runs[0].config))
    holding.__enter__()
    slept: list[float] = []

    def release(seconds: float) -> None:
        slept.append(seconds)
        holding.__exit__(None, None, None)

    monkeypatch.setattr("harness.search.local_executor.time.sleep", release)

    ended = execute(runner, runs)

    assert [run.seed for run in ended] == [1, 1, 0, 0]
    assert len(slept) == 1


def test_asked_to_stop_it_begins_no_other_run(runner: Runner, runs: list[RunRequest]) -> None:
    ended: list[RunRecord] = []
    executor = LocalExecutor(runner, Observer(), stop=lambda: len(ended) >= 2, packs=None)  # no two end at once

    with pytest.raises(InterruptedRunError, match="everything is stored"):
        executor.execute(runs, NO_PLAN, ended.append)

    assert len(ended) == 2


class Ends(AbstractFeed):
    """Notes, when a feed ends, whether the run is in the ledger already."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.recorded: list[bool] = []

    def begin(self, record: RunRecord) -> None:
        """Do nothing."""

    def append(self, run_id: str, part: History) -> None:
        """Do nothing."""

    def end(self, run_id: str) -> None:
        self.recorded.append(run_id in {run.run_id for run in self._ledger.runs("tiny")})


def test_a_run_is_in_the_ledger_once_its_feed_has_ended(runner: Runner, runs: list[RunRequest]) -> None:
    feed = Ends(runner.store.ledger)

    LocalExecutor(runner, Observer(), feed=feed).execute(runs[:1], NO_PLAN, lambda _: None)

    assert feed.recorded == [False]


class Together(Observer):
    """Notes how many runs are trained together, and the steps at which runs are evaluated.

    Args:
        raise_at: evaluations before a KeyboardInterrupt.
    """

    def __init__(self, raise_at: int | None = None) -> None:
        self.trained: list[list[str]] = []
        self.evaluations: list[tuple[str, int]] = []
        self._raise_at = raise_at

    def on_training(self, names: Sequence[str]) -> None:
        self.trained.append([*names])

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        self.evaluations.append((name, step))
        if len(self.evaluations) == self._raise_at:
            raise KeyboardInterrupt


Left = tuple[dict[RunKey, RunRecord], dict[StageAddress, StageEntry]]


def left_by(home: Path) -> Left:
    """Return the records and stages in a home, without times."""
    store = Workspace(home).store
    stages = {entry.address: replace(entry, seconds=0.0) for entry in store.entries()}
    records = {}
    for run in store.ledger.runs("tiny"):
        records[run.key] = replace(run, metrics={**run.metrics, "cost/seconds": 0.0})
    return records, stages


def executed(
    home: Path, runs: list[RunRequest], packs: Packs | None, observer: Observer | None = None, stop: Any = lambda: False
) -> Left:
    """Execute runs as a new process would; return what is left."""
    runner = Runner(Workspace(home).create(), cache_features=True, stop=stop)
    plan = make_plan([run.config for run in runs], runner.store)
    try:
        LocalExecutor(runner, observer or Observer(), stop=stop, packs=packs).execute(runs, plan, lambda _: None)
    finally:
        assert not Leases._held
    return left_by(home)


@pytest.fixture
def all_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let packs save enough whatever they save."""
    monkeypatch.setattr(pack, "LEAST_SAVED", -1e9)


@pytest.fixture
def reference(made_once: MadeOnce, runs_of: RunsOf, study: Study) -> tuple[list[RunRequest], Left]:
    """Three configurations under two arms with two seeds, and what is left where each run was trained alone."""
    runs = runs_of(study, POINTS, 2)
    return runs, left_by(made_once("executed_alone", lambda home: executed(home, runs, None)))


def at_once(hand_over: Callable[..., Future[None]]) -> Callable[..., Future[None]]:
    """Return what hands something to the thread that writes stages and waits until it is done."""

    def call(writer: StageWriter, *given: Any) -> Future[None]:
        future = hand_over(writer, *given)
        future.exception()
        return future

    return call


@pytest.mark.usefixtures("all_pay")
@pytest.mark.parametrize(("largest", "seen"), [(24, {2, 4}), (2, {2})])
def test_runs_that_are_trained_together_leave_what_runs_leave_that_are_trained_alone(
    reference: tuple[list[RunRequest], Left],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    largest: int,
    seen: set[int],
) -> None:
    # The clock decides nothing: runs that were put off may go on, and stages are safe, at once.
    monkeypatch.setattr(local_executor, "POLL_S", 0.0)
    for name in ("commit", "afterwards"):
        monkeypatch.setattr(StageWriter, name, at_once(getattr(StageWriter, name)))
    runs, expected = reference
    observer = Together()

    found = executed(tmp_path / "home", runs, Packs(largest), observer)

    assert found == expected
    assert {len(names) for names in observer.trained} == seen


@pytest.mark.usefixtures("all_pay")
@pytest.mark.parametrize("evaluations", [20, 28])  # in the middle of stages: at a beginning there is nothing to lose
def test_a_stop_stores_what_was_trained_and_the_rest_is_trained_later(
    reference: tuple[list[RunRequest], Left], tmp_path: Path, evaluations: int
) -> None:
    runs, (records, stages) = reference
    first, second = Together(), Together()

    with pytest.raises(InterruptedRunError):
        executed(tmp_path / "home", runs, Packs(), first, stop=lambda: len(first.evaluations) >= evaluations)
    ended_before, _ = left_by(tmp_path / "home")
    found_records, found_stages = executed(tmp_path / "home", runs, Packs(), second)

    assert len(ended_before) < len(runs)
    trained_twice = set(first.evaluations) & set(second.evaluations)
    assert {step for _, step in trained_twice} <= {10, 20}  # at which stages begin, with an evaluation
    assert found_records == records
    assert found_stages.items() >= stages.items()


@pytest.mark.usefixtures("all_pay")
@pytest.mark.parametrize("raise_at", [5, 21])
def test_an_interrupt_releases_all_leases_and_runs_go_on_later(
    reference: tuple[list[RunRequest], Left], tmp_path: Path, raise_at: int
) -> None:
    runs, expected = reference

    with pytest.raises(KeyboardInterrupt):
        executed(tmp_path / "home", runs, Packs(), Together(raise_at))
    with Ledger(tmp_path / "home").database.transaction() as transaction:
        held = transaction.rows("SELECT name FROM leases WHERE expires > 0", {})

    assert not held
    assert executed(tmp_path / "home", runs, Packs()) == expected


@pytest.mark.usefixtures("all_pay")
def test_a_stage_in_which_a_process_died_is_trained_alone(runs_of: RunsOf, study: Study, runner: Runner) -> None:
    runs = [run for run in runs_of(study, POINTS[:1], 3) if run.arm == "frozen"]
    observer = Together()
    released = {"name": first_key(runs[1].config), "owner": ELSEWHERE}
    with runner.store.ledger.database.transaction() as transaction:
        transaction.execute("INSERT INTO deaths (name, count) VALUES (:name, 1)", released)
        transaction.execute("INSERT INTO leases (name, owner, token, expires) VALUES (:name, :owner, 1, 0)", released)

    LocalExecutor(runner, observer).execute(runs, NO_PLAN, lambda _: None)

    first_of = {name: index for index, names in reversed([*enumerate(observer.trained)]) for name in names}
    assert observer.trained[first_of[runs[1].name]] == [runs[1].name]
    assert max(map(len, observer.trained)) > 1


@pytest.mark.usefixtures("all_pay")
def test_each_of_two_workers_begins_no_more_than_half(runs: list[RunRequest], runner: Runner) -> None:
    observer = Together()

    LocalExecutor(runner, observer).execute_with({}, runs, lambda _: None, workers=2)

    assert max(map(len, observer.trained)) == 2
