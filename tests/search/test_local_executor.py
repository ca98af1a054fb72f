from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InterruptedRunError
from harness.core.history import History
from harness.search.local_executor import LocalExecutor
from harness.search.observer import Observer
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.staging.leases import Leases
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.plan import Plan
from harness.staging.results import RunResult
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.staging.workspace import Workspace
from harness.tracking.live.feed import AbstractFeed
from harness.training.loop import Training

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[RunRequest]]

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
    executor = LocalExecutor(runner, Observer(), stop=lambda: len(ended) >= 2)

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
