from harness.core.history import History
from harness.core.spec import with_changes
from harness.staging.retrain import retrain, signals_in
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot_format import SnapshotFile


def test_signals_are_read_from_a_history_with_their_steps() -> None:
    history = History()
    history.record(20, {"signal/go": 1.0, "val/loss/total": 0.5})

    assert signals_in(history) == {"go": 20}


def test_a_run_that_waits_for_a_signal_receives_it_at_the_recorded_step(digits_run: RunConfig) -> None:
    waiting = with_changes(digits_run, {"growths.0.trigger": {"kind": "signal", "name": "go"}})

    retrained = retrain(waiting, {"go": 20})

    assert signals_in(retrained.history) == {"go": 20}
    assert [min(stage["train/epoch"].steps) for stage in retrained.stages] == [1, 21]


def test_it_has_the_history_and_the_last_snapshot_of_the_run(runner: Runner, digits_run: RunConfig) -> None:
    result = runner.run(digits_run, test=False)

    retrained = retrain(digits_run, {}, test=False)

    assert retrained.history == result.history
    assert retrained.last_step == SnapshotFile.parse(retrained.snapshot).state["step"] == digits_run.steps
