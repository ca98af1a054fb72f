from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load

from harness.core.errors import DivergedError, InterruptedRunError, SpecError, StageBusyError, TapNotFoundError
from harness.core.spec import with_changes
from harness.data import Output, TeacherStudent
from harness.growth import AtStep, GrowthRule, NoFreezing, WidenLayer
from harness.growth.rules import Rule
from harness.growth.units import AbstractUnits, GradMaxUnits, RandomUnits
from harness.losses import MeanSquared
from harness.models import MLP
from harness.staging.histories import stage_folder
from harness.staging.leases import Leases
from harness.staging.ledger import Ledger
from harness.staging.results import RunResult
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.staging.workspace import Workspace
from harness.training import step as step_module
from harness.training.config import TrainingConfig
from harness.training.loop import StageLoop
from harness.training.optimizers import SGD


def another_runner(tmp_path: Path, name: str, **settings: Any) -> Runner:
    return Runner(Workspace(tmp_path / name).create(), **settings)


def same(one: RunResult, other: RunResult) -> bool:
    results = [{k: v for k, v in r.metrics.items() if k != "cost/seconds"} for r in (one, other)]
    return one.history == other.history and results[0] == results[1] and one.stages == other.stages


def arm(run: RunConfig, freeze: str) -> RunConfig:
    return with_changes(run, {"growths.0.freeze": freeze})


def steps_trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    trained: list[int] = []
    original = StageLoop.finish

    def counted(loop: StageLoop) -> Rule | None:
        before = loop.state.step
        rule = original(loop)
        trained.append(loop.state.step - before)
        return rule

    monkeypatch.setattr(StageLoop, "finish", counted)
    return trained


def test_a_run_goes_through_its_growth(runner: Runner, digits_run: RunConfig) -> None:
    result = runner.run(digits_run)

    assert [address.step for address in result.stages] == [20, 40]
    (growth,) = result.growths
    assert (growth["step"], growth["parameters_added"]) == (20, 16 * 5 + 5 + 5 * 4 + 4)
    assert result.history["train/loss/late"].steps == list(range(21, 41))
    assert result.history["test/accuracy/all"].steps == [20, 40]


def test_both_arms_continue_from_the_same_snapshot(runner: Runner, digits_run: RunConfig) -> None:
    frozen, unfrozen = runner.run(arm(digits_run, "old_parameters")), runner.run(arm(digits_run, "nothing"))

    assert frozen.stages[0] == unfrozen.stages[0]
    assert frozen.stages[1].key != unfrozen.stages[1].key


def test_a_run_that_shares_equals_one_that_does_not(runner: Runner, digits_run: RunConfig, tmp_path: Path) -> None:
    alone = another_runner(tmp_path, "alone").run(arm(digits_run, "nothing"))

    runner.run(arm(digits_run, "old_parameters"))
    runner.run(with_changes(digits_run, {"growths.0.trigger.step": 13}))  # leaves a stored step in the same trunk
    shared = runner.run(arm(digits_run, "nothing"))

    assert same(shared, alone)


def test_a_later_growth_trains_only_what_an_earlier_one_did_not(
    runner: Runner, digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    early, late = (with_changes(digits_run, {"growths.0.trigger.step": step}) for step in (13, 27))
    alone = another_runner(tmp_path, "alone").run(late)
    trained = steps_trained(monkeypatch)

    runner.run(early)
    shared = runner.run(late)

    assert trained == [13, 27, 14, 13]
    assert same(shared, alone)


def test_an_earlier_growth_is_not_taken_from_a_later_snapshot(
    runner: Runner, digits_run: RunConfig, tmp_path: Path
) -> None:
    early, late = (with_changes(digits_run, {"growths.0.trigger.step": step}) for step in (13, 27))
    alone = another_runner(tmp_path, "alone").run(early)

    runner.run(late)
    shared = runner.run(early)

    assert same(shared, alone)


def test_a_finished_run_trains_nothing(runner: Runner, digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    first = runner.run(digits_run)
    trained = steps_trained(monkeypatch)

    again = runner.run(digits_run)

    assert trained == []
    assert same(first, again)
    assert first.metrics == again.metrics


def test_a_longer_run_goes_on_where_a_shorter_one_ended(
    runner: Runner, digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    longer = with_changes(digits_run, {"steps": 55})
    alone = another_runner(tmp_path, "alone").run(longer)
    trained = steps_trained(monkeypatch)

    runner.run(digits_run)
    shared = runner.run(longer)

    assert trained == [20, 20, 15]
    assert same(shared, alone)


@pytest.mark.parametrize(
    ("stage", "file", "then"),
    [
        (0, "state", {"growths.0.freeze": "old_parameters"}),
        (1, "state", {"steps": 55}),
        (0, "history", {}),
        (1, "ending", {}),
    ],
)
def test_a_damaged_stage_is_trained_again(
    runner: Runner,
    digits_run: RunConfig,
    stage: int,
    file: str,
    then: dict[str, object],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, changed = runner.run(digits_run), with_changes(digits_run, then)
    path = stage_folder(tmp_path / "home" / "store", first.stages[stage]) / f"{file}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    again = runner.run(changed)

    assert same(again, another_runner(tmp_path, "alone").run(changed))
    assert same(first, runner.run(digits_run))
    assert "is damaged; it will be trained again" in caplog.text


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_frozen_trunk_is_the_same_to_the_bit_at_the_end(
    runner: Runner, digits_run: RunConfig, precision: str, tmp_path: Path
) -> None:
    run = with_changes(arm(digits_run, "old_parameters"), {"precision": precision})

    result = runner.run(run)

    before, after = (
        load((stage_folder(tmp_path / "home" / "store", address) / "state.safetensors").read_bytes())
        for address in result.stages
    )
    trunk = [name for name in before if name.startswith("model/0/")]
    assert len(trunk) == 6
    assert all(torch.equal(before[name], after[name]) for name in trunk)


def test_two_growths_in_one_run(runner: Runner, digits_run: RunConfig, tmp_path: Path) -> None:
    content = digits_run.to_json()
    content["task"]["classes"] = {"known": [0, 1, 2, 3, 4, 5], "late": [6, 7], "later": [8, 9]}
    first = content["growths"][0]
    first["operation"] |= {"outputs": 2}
    second = {**first, "operation": {**first["operation"], "name": "later"}, "trigger": {"kind": "at_step", "step": 30}}
    content["growths"] = [second, {**first, "freeze": "old_parameters"}]
    run = RunConfig.model_validate(content)

    result = runner.run(run)

    assert [growth["step"] for growth in result.growths] == [20, 30]
    assert result.history["train/loss/later"].steps == list(range(31, 41))
    assert same(result, another_runner(tmp_path, "alone").run(run))


@pytest.mark.parametrize("init", ["imprint", "ridge"])
def test_initial_values_may_come_from_the_late_examples(
    runner: Runner, digits_run: RunConfig, init: str, tmp_path: Path
) -> None:
    changes = {"growths.0.operation.output_init": init, "growths.0.operation.bias": "prior_bias"}
    run = with_changes(digits_run, changes)

    result = runner.run(run)
    runner.run(with_changes(run, {"steps": 30}))  # a stage to be restored, its lineage replayed
    longer = runner.run(with_changes(run, {"steps": 50}))

    assert longer.stages[0] == result.stages[0]
    assert same(longer, another_runner(tmp_path, "alone").run(with_changes(run, {"steps": 50})))


def test_an_impossible_tap_is_found_before_training(runner: Runner, digits_run: RunConfig) -> None:
    run = with_changes(digits_run, {"growths.0.operation.tap": "hidden.7"})

    with pytest.raises(TapNotFoundError, match=r"no tap 'hidden\.7'.*hidden\.0"):
        runner.check(run)


def test_a_run_that_diverges_stores_nothing_of_its_end(runner: Runner, digits_run: RunConfig) -> None:
    run = with_changes(digits_run, {"training.optimizer": {"kind": "sgd", "lr": 1e30}})

    with pytest.raises(DivergedError, match="train/loss"):
        runner.run(run)


def test_other_runs_will_find_snapshots_where_they_leave(
    runner: Runner, digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    early, late = (with_changes(digits_run, {"growths.0.trigger.step": step}) for step in (13, 27))
    alone = another_runner(tmp_path, "alone").run(early)
    trained = steps_trained(monkeypatch)

    runner.run(late, forks={first_key(late): frozenset({13, 27})})
    shared = runner.run(early)

    assert trained == [13, 14, 13, 27]
    assert same(shared, alone)


def test_long_stages_are_stored_at_intervals_and_continued_from_the_nearest(
    digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alone = another_runner(tmp_path, "alone").run(digits_run)
    eager = another_runner(tmp_path, "home", snapshot_every_s=0)
    trained = steps_trained(monkeypatch)

    first = eager.run(digits_run)
    earlier = with_changes(digits_run, {"growths.0.trigger.step": 7})
    eager.run(earlier)

    assert trained == [1] * 40 + [1] * 33
    assert same(first, alone)
    assert same(eager.run(earlier), another_runner(tmp_path, "other").run(earlier))


def test_a_stored_step_within_a_stage_becomes_the_end_of_a_shorter_run(
    digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eager = another_runner(tmp_path, "home", snapshot_every_s=0)
    eager.run(digits_run)
    shorter = with_changes(digits_run, {"steps": 33})
    trained = steps_trained(monkeypatch)

    result = eager.run(shorter)

    assert trained == []
    assert same(result, another_runner(tmp_path, "alone").run(shorter))


def test_alone_a_run_shares_nothing_but_continues_itself(
    digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alone = another_runner(tmp_path, "home", alone=True)
    trained = steps_trained(monkeypatch)

    frozen = alone.run(arm(digits_run, "old_parameters"))
    alone.run(arm(digits_run, "nothing"))
    again = alone.run(arm(digits_run, "old_parameters"))

    assert trained == [20, 20, 20, 20]
    assert alone.steps_trained == 80
    assert same(again, frozen)
    shared = another_runner(tmp_path, "shared").run(arm(digits_run, "old_parameters"))
    assert shared.history == frozen.history
    assert {a.key for a in shared.stages}.isdisjoint(a.key for a in frozen.stages)


def test_an_evicted_snapshot_is_trained_again_where_it_is_needed(
    runner: Runner, digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = runner.run(digits_run)
    store = Workspace(tmp_path / "home").store
    for entry in store.entries():
        store.evict(entry)
    trained = steps_trained(monkeypatch)

    again = runner.run(digits_run)
    other = runner.run(arm(digits_run, "old_parameters"))

    assert trained == [20, 20]
    assert same(again, first)
    assert same(other, another_runner(tmp_path, "alone").run(arm(digits_run, "old_parameters")))


def test_a_stage_that_another_process_trains_is_left_to_it(
    runner: Runner, digits_run: RunConfig, tmp_path: Path
) -> None:
    other = Leases(Ledger(tmp_path / "home").database, '["another-machine", "boot", 1, 2.5]')

    with other.hold(first_key(digits_run)), pytest.raises(StageBusyError):
        runner.run(digits_run)

    assert [address.step for address in runner.run(digits_run).stages] == [20, 40]
    assert runner.steps_trained == 40


def test_what_is_stored_can_be_had_while_another_process_trains_on(
    runner: Runner, digits_run: RunConfig, tmp_path: Path
) -> None:
    first = runner.run(digits_run)
    other = Leases(Ledger(tmp_path / "home").database, '["another-machine", "boot", 1, 2.5]')

    with other.hold(first.stages[0].key), other.hold(first.stages[1].key):
        again = runner.run(digits_run)

    assert same(again, first)


def test_a_process_that_lost_its_lease_commits_nothing_and_takes_what_is_stored(
    runner: Runner, digits_run: RunConfig, tmp_path: Path
) -> None:
    """Stopped for long, it comes back when another process has finished the run."""
    ledger, rival = Ledger(tmp_path / "home"), another_runner(tmp_path, "home")
    asleep = True

    def sleep(step: int, metrics: object) -> None:  # noqa: ARG001
        nonlocal asleep
        if asleep and step == 10:
            asleep = False
            with ledger.database.transaction() as transaction:
                transaction.execute("UPDATE leases SET expires = 0")
            rival.run(digits_run)

    result = runner.run(digits_run, sleep)

    assert runner.steps_trained == 20
    assert same(result, rival.run(digits_run))


@pytest.mark.parametrize("after", [1, 10, 20, 21, 39])
def test_asked_to_stop_it_stores_the_step_and_goes_on_from_there(
    digits_run: RunConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, after: int
) -> None:
    steps = 0

    def stop() -> bool:
        return steps >= after

    interrupted = another_runner(tmp_path, "home", stop=stop)
    original = step_module.TrainingStep.__call__

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal steps
        steps += 1
        return original(*given, **named)

    monkeypatch.setattr(step_module.TrainingStep, "__call__", counted)
    if after == 20:  # the stage ends at the same step; the next one stops after its first
        after += 1
    with pytest.raises(InterruptedRunError, match=f"after step {after}"):
        interrupted.run(digits_run)
    trained = steps_trained(monkeypatch)

    resumed = another_runner(tmp_path, "home").run(digits_run)

    assert sum(trained) == 40 - after
    assert same(resumed, another_runner(tmp_path, "alone").run(digits_run))


def test_the_seconds_before_an_interruption_count(digits_run: RunConfig, tmp_path: Path) -> None:
    interrupted = another_runner(tmp_path, "home", stop=lambda: True)
    with pytest.raises(InterruptedRunError):
        interrupted.run(digits_run)
    with interrupted.store.ledger.database.transaction() as transaction:
        transaction.execute("UPDATE stages SET seconds = 1000")
        transaction.execute("DELETE FROM row_digests")

    resumed = another_runner(tmp_path, "home").run(digits_run)

    assert resumed.metrics["cost/seconds"] > 1000


def test_columns_whose_classes_nobody_named_are_found_before_training(runner: Runner, digits_run: RunConfig) -> None:
    widening = {"kind": "widen_head", "path": "output", "to": 9}

    with pytest.raises(SpecError, match="expected a class for each of 9 columns, 6 of them old"):
        runner.check(with_changes(digits_run, {"growths.0.operation": widening, "growths.0.reveals": [6, 7]}))


def test_new_rows_that_would_be_frozen_with_the_old_ones_are_found_before_training(
    runner: Runner, digits_run: RunConfig
) -> None:
    widening = {"kind": "widen_head", "path": "output", "to": 8, "rows": "in_place"}
    changes = {"operation": widening, "reveals": [6, 7], "freeze": "old_parameters"}

    with pytest.raises(
        SpecError, match=r"to freeze no tensor that this growth adds entries to, found 'output\.weight'"
    ):
        runner.check(with_changes(digits_run, {f"growths.0.{name}": value for name, value in changes.items()}))


def test_new_units_may_follow_the_loss_of_values_that_is_trained(runner: Runner, tmp_path: Path) -> None:
    def widened(method: AbstractUnits, steps: int) -> RunConfig:
        operation = WidenLayer(path="hidden.0.linear", by=1, method=method)
        return RunConfig(
            task=TeacherStudent(inputs=8, columns=4, outputs={"values": Output(columns=4)}, examples=(64, 32, 32)),
            model=MLP(inputs=8, widths=(4,)),
            training=TrainingConfig(optimizer=SGD(lr=0.05), losses={"values": MeanSquared()}, batch_size=32),
            growths=(GrowthRule(trigger=AtStep(step=4), operation=operation, freeze=NoFreezing()),),
            steps=steps,
            device="cpu",
            precision="fp32",
        )

    runner.check(widened(GradMaxUnits(), 8))
    runner.run(widened(GradMaxUnits(), 6))  # a stage to be restored, its lineage replayed
    longer = runner.run(widened(GradMaxUnits(), 8))

    assert same(longer, another_runner(tmp_path, "alone").run(widened(GradMaxUnits(), 8)))
    assert longer.metrics["test/loss/total"] != runner.run(widened(RandomUnits(), 8)).metrics["test/loss/total"]
