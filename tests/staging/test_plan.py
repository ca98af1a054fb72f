from pathlib import Path

import pytest

from harness.core.spec import with_changes
from harness.staging.ledger import Ledger
from harness.staging.plan import make_plan
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.staging.store import Store

ARMS = ("old_parameters", "nothing")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The store of the fixture `runner`."""
    return Store(tmp_path / "home" / "store", Ledger(tmp_path / "home"))


def arms(run: RunConfig, **changes: object) -> list[RunConfig]:
    return [with_changes(run, {"growths.0.freeze": freeze, **changes}) for freeze in ARMS]


def waiting_for_a_plateau(run: RunConfig) -> list[RunConfig]:
    return arms(run, **{"growths.0.trigger": {"kind": "plateau", "patience": 1, "min_delta": 100.0}})


def test_runs_that_agree_share_their_trunk(digits_run: RunConfig) -> None:
    early, late = arms(digits_run), arms(digits_run, **{"growths.0.trigger.step": 30})
    longer = with_changes(late[0], {"steps": 55})

    plan = make_plan([*early, *late, longer])

    (trunk,) = plan.children()
    assert (trunk.start, trunk.ends, trunk.runs, trunk.steps) == (0, {20: 2, 30: 3}, [0, 1, 2, 3, 4], 30)
    assert [(stage.start, stage.ends) for stage in plan.children(trunk.key)] == [
        (20, {40: 1}),
        (20, {40: 1}),
        (30, {40: 1, 55: 1}),
        (30, {40: 1}),
    ]
    assert plan.steps == 4 * 40 + 55
    assert plan.distinct_steps == 30 + 20 + 20 + 10 + 25
    assert plan.stored_steps == 0
    assert plan.forks[first_key(early[0])] == {20, 30}


def test_alone_no_run_shares_anything(digits_run: RunConfig) -> None:
    plan = make_plan(arms(digits_run), alone=True)

    assert plan.distinct_steps == plan.steps == 80


def test_what_is_stored_is_known(digits_run: RunConfig, runner: Runner, store: Store) -> None:
    frozen, unfrozen = arms(digits_run)
    runner.run(frozen)

    plan = make_plan([frozen, unfrozen], store)

    assert (plan.distinct_steps, plan.stored_steps) == (60, 40)


def test_exactly_the_planned_steps_are_trained(digits_run: RunConfig, runner: Runner, store: Store) -> None:
    configs = [*arms(digits_run, **{"growths.0.trigger.step": 30}), *arms(digits_run), *arms(digits_run, seed=1)]
    plan = make_plan(configs, store)

    for config in configs:
        runner.run(config, forks=plan.forks)

    assert runner.steps_trained == plan.distinct_steps == 30 + 2 * 10 + 2 * 20 + 20 + 2 * 20
    assert make_plan(configs, store).stored_steps == plan.distinct_steps


def test_where_a_trigger_will_fire_is_known_once_it_has(digits_run: RunConfig, runner: Runner, store: Store) -> None:
    frozen, unfrozen = waiting_for_a_plateau(digits_run)
    before = make_plan([frozen, unfrozen], store)
    result = runner.run(frozen)

    after = make_plan([frozen, unfrozen], store)

    (trunk,) = before.children()
    assert (trunk.open, trunk.ends, before.forks) == (True, {40: 2}, {})
    (trunk,) = after.children()
    assert (trunk.open, trunk.ends) == (False, {result.stages[0].step: 2})
    assert after.stored_steps == 40
    runner.run(unfrozen)
    assert runner.steps_trained == after.distinct_steps


def test_a_trigger_that_never_fired_is_known_at_the_end(digits_run: RunConfig, runner: Runner, store: Store) -> None:
    never = with_changes(digits_run, {"growths.0.trigger": {"kind": "plateau", "patience": 1000}})
    runner.run(never)

    (trunk,) = make_plan([never], store).children()

    assert (trunk.open, trunk.ends) == (False, {40: 1})


def test_snapshots_past_where_a_run_leaves_are_of_no_use_to_it(
    digits_run: RunConfig, runner: Runner, store: Store
) -> None:
    late = with_changes(digits_run, {"growths.0.trigger.step": 30})
    runner.run(late)
    configs = [digits_run, late]

    plan = make_plan(configs, store)
    for config in configs:
        runner.run(config, forks=plan.forks)

    assert (plan.distinct_steps, plan.stored_steps) == (30 + 20 + 10, 10 + 10)
    assert runner.steps_trained == 40 + plan.distinct_steps - plan.stored_steps
