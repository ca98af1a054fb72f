from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.core.spec import with_changes
from harness.search.designs import Tuned
from harness.search.execution import run_record
from harness.search.plan_departures import PlanDepartures, plan_departures
from harness.search.replay import replayed_runs
from harness.search.samplers import TPE
from harness.search.study import Study
from harness.staging.ledger import RunKey, RunRecord

Runs = dict[RunKey, RunRecord]


def accuracy(params: Mapping[str, Any]) -> float:
    return 0.5 + float(params["when"]) / 100 + (0.01 if params["init"] == "orthogonal" else 0.0)


def ended(study: Study) -> Runs:
    """Return the runs of a study as if they had been trained, each wave after the one before."""
    runs: Runs = {}
    unknown = "nothing has ended"
    while unknown:
        planned, unknown = replayed_runs(study, runs, trials=study.trials, seeds=study.seeds)
        runs |= {
            key: run_record(run, "completed", metrics={"val/accuracy/all": accuracy(run.params)})
            for key, run in planned.items()
            if key not in runs
        }
    return runs


def compared(study: Study, runs: Runs) -> PlanDepartures:
    return plan_departures(study, list(runs.values()), trials=study.trials, seeds=study.seeds)


@pytest.fixture
def larger(study: Study) -> Study:
    """Five configurations with two seeds."""
    return with_changes(study, {"trials": 5, "seeds": 2})


@pytest.fixture(params=[{}, {"sampler": TPE(startup=2)}, {"design": Tuned(replicates=2, confirmation=2)}])
def any_kind(larger: Study, request: pytest.FixtureRequest) -> Study:
    """Studies that learn nothing, that learn, and that confirm winners."""
    return with_changes(larger, request.param)


def test_runs_as_they_were_planned_depart_in_nothing(any_kind: Study) -> None:
    assert compared(any_kind, ended(any_kind)) == PlanDepartures((), ())


def test_a_run_left_out_is_named(any_kind: Study) -> None:
    runs = ended(any_kind)
    del runs[2, "frozen", min(seed for trial, arm, seed in runs if (trial, arm) == (2, "frozen"))]

    found = compared(any_kind, runs)

    assert found.keys[0].startswith("1 runs are planned and not in the report: not ended yet, or left out, such as")
    assert "trial 2 · frozen" in found.keys[0]


def renumbered(runs: Runs, numbers: Mapping[int, int]) -> Runs:
    return {
        (numbers[trial], arm, seed): replace(run, trial=numbers[trial])
        for (trial, arm, seed), run in runs.items()
        if trial in numbers
    }


def test_the_weakest_left_out_and_the_rest_renumbered_is_found(larger: Study) -> None:
    runs = renumbered(ended(larger), {0: 0, 2: 1, 3: 2, 4: 3})

    found = compared(with_changes(larger, {"trials": 4}), runs)

    assert found.values[0].startswith("trial 1 · ")
    assert found.values[0].endswith("does not have the configuration that the study proposes: it is the one of trial 2")


def test_a_seed_left_out_is_found(larger: Study) -> None:
    runs = ended(larger)
    first = min(seed for _, _, seed in runs)

    found = compared(with_changes(larger, {"seeds": 1}), {key: run for key, run in runs.items() if key[2] != first})

    assert any("planned and not in the report" in line for line in found.keys)


def test_a_run_that_nobody_planned_is_found(larger: Study) -> None:
    runs = ended(larger)
    one = next(iter(runs.values()))

    found = compared(larger, runs | {(9, one.arm, one.seed): replace(one, trial=9)})

    assert found.keys == (f"1 runs are in the report and not planned, such as trial 9 · {one.arm} · seed {one.seed}",)


def test_arms_that_change_places_are_found(larger: Study) -> None:
    runs = ended(larger)
    other = {"frozen": "unfrozen", "unfrozen": "frozen"}
    swapped = {(trial, arm, seed): replace(runs[trial, other[arm], seed], arm=arm) for trial, arm, seed in runs}

    assert len(compared(larger, swapped).values) == larger.trials


def test_what_a_sampler_learned_from_other_results_is_found(larger: Study) -> None:
    learning = with_changes(larger, {"sampler": TPE(startup=2)})
    better = {
        key: replace(run, metrics={"val/accuracy/all": 1 - run.metrics["val/accuracy/all"]})
        for key, run in ended(learning).items()
    }

    assert compared(learning, better).values


def test_a_winner_that_did_not_win_is_found(larger: Study) -> None:
    tuned = with_changes(larger, {"design": Tuned(replicates=2, confirmation=2)})
    runs = {
        key: replace(run, metrics={"val/accuracy/all": 1 - run.metrics["val/accuracy/all"]})
        for key, run in ended(tuned).items()
    }

    assert any(line.startswith("trial 10 · ") for line in compared(tuned, runs).values)


def test_what_a_pruner_saw_at_its_rungs_is_not_known(larger: Study) -> None:
    learning = with_changes(larger, {"sampler": TPE(startup=2)})
    runs = ended(learning)
    runs = {key: replace(run, status="pruned") if key[0] == 1 else run for key, run in runs.items()}

    assert compared(learning, runs) == PlanDepartures((), (), "what trial 1 came to is not recorded")
