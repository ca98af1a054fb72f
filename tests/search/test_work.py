from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InterruptedRunError
from harness.search.observer import Observer
from harness.search.planned import PlannedRun
from harness.search.study import Study
from harness.search.work import Ended, Work
from harness.staging.leases import Leases
from harness.staging.ledger import Ledger
from harness.staging.results import RunResult
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.staging.store import Store

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[PlannedRun]]

ELSEWHERE = '["another-machine", "boot", 1, 2.5]'


@pytest.fixture
def runs(runs_of: RunsOf, study: Study) -> list[PlannedRun]:
    """Two seeds of one configuration under two arms."""
    return runs_of(study, [{"when": 10, "init": "orthogonal"}], 2)


def do(runner: Runner, runs: list[PlannedRun]) -> list[Ended]:
    ended: list[Ended] = []
    Work(runner, {}, Observer()).do(runs, ended.append)
    return ended


def test_runs_are_done_in_order_and_recorded(runner: Runner, runs: list[PlannedRun]) -> None:
    ended = do(runner, runs)

    assert [found.record.key for found in ended] == [run.key for run in runs]
    assert all(found.history is not None and len(found.history) for found in ended)
    assert {run.key for run in runner.store.ledger.runs("tiny")} == {run.key for run in runs}


def test_a_run_is_recorded_with_the_commit_at_which_it_was_trained(runner: Runner, runs: list[PlannedRun]) -> None:
    work, ended = Work(runner, {}, Observer(), commit="abc"), list[Ended]()

    work.do(runs[:1], ended.append)

    stored = runner.store.ledger.run("tiny", runs[0].key)
    assert stored is not None
    assert (ended[0].record.commit, stored.commit) == ("abc", "abc")


def test_what_another_process_did_is_not_done_again(runner: Runner, runs: list[PlannedRun], tmp_path: Path) -> None:
    before = do(Runner(Store(tmp_path / "home" / "store", Ledger(tmp_path / "home"))), runs[:2])

    ended = do(runner, runs)

    assert [found.record for found in ended[:2]] == [found.record for found in before]
    assert [found.history is None for found in ended] == [True, True, False, False]


def test_a_run_that_exits_is_an_outcome_and_the_next_is_done(
    runner: Runner, runs: list[PlannedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = Runner.run

    def leave_once(*_: Any, **__: Any) -> RunResult:
        monkeypatch.setattr(Runner, "run", train)
        raise SystemExit(3)

    monkeypatch.setattr(Runner, "run", leave_once)

    ended = do(runner, runs[:2])

    assert [found.record.status for found in ended] == ["failed", "completed"]
    assert ended[0].record.reason == "called sys.exit(3)"


def test_a_run_that_two_processes_find_at_its_end_opened_test_data_once(
    runner: Runner, runs: list[PlannedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.search.work.found_of", lambda *_: None)  # neither has recorded it yet

    for _ in range(2):
        Work(Runner(runner.store), {}, Observer()).do(runs[:1], lambda _: None)

    assert len(runner.store.ledger.test_set_accesses(runs[0].study)) == 1


def test_while_another_process_trains_a_stage_something_else_is_done(
    runner: Runner, runs: list[PlannedRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Leases(Ledger(tmp_path / "home").database, ELSEWHERE)
    holding = other.hold(first_key(runs[0].config))
    holding.__enter__()
    slept: list[float] = []

    def release(seconds: float) -> None:
        slept.append(seconds)
        holding.__exit__(None, None, None)

    monkeypatch.setattr("harness.search.work.time.sleep", release)

    ended = do(runner, runs)

    assert [found.record.seed for found in ended] == [1, 1, 0, 0]
    assert len(slept) == 1


def test_asked_to_stop_it_begins_no_other_run(runner: Runner, runs: list[PlannedRun]) -> None:
    ended: list[Ended] = []
    work = Work(runner, {}, Observer(), stop=lambda: len(ended) == 2)

    with pytest.raises(InterruptedRunError, match="between two runs"):
        work.do(runs, ended.append)

    assert len(ended) == 2
