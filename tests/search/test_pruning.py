import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from harness.core.errors import SpecError
from harness.core.spec import with_changes
from harness.growth.triggers import Plateau
from harness.search.designs import Tuned
from harness.search.observer import Observer
from harness.search.pruners import (
    AbstractPruner,
    Hyperband,
    Median,
    Percentile,
    Race,
    Rung,
    SuccessiveHalving,
    Wilcoxon,
)
from harness.search.samplers import TPE
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, RunKey, RunRecord, StudyRecord

Launch = Callable[..., StudyRecord]
LaunchOnce = Callable[[Study], Path]

MEDIAN = Median(startup=1, checks=2)
PRUNERS: list[AbstractPruner] = [
    MEDIAN,
    Percentile(startup=1, checks=2, percentile=40),
    SuccessiveHalving(reduction=2),
    Hyperband(reduction=2),
    Wilcoxon(p=0.3, startup=1),
]
ALIKE = {"percentile", "successive_halving"}  # compare at rungs, as median and hyperband do
each = pytest.mark.parametrize(
    "pruner",
    [pytest.param(pruner, marks=[pytest.mark.campaign] * (pruner.kind in ALIKE), id=pruner.kind) for pruner in PRUNERS],
)


class Interrupted(Observer):
    """Ends the launch at an evaluation, as Ctrl-C would."""

    def __init__(self, evaluations: int) -> None:
        self._left = evaluations

    def on_evaluation(self, name: str, step: int, metrics: Any) -> None:  # noqa: ARG002
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt


def pruned_by(study: Study, pruner: AbstractPruner) -> Study:
    """Return a study of a few configurations that `pruner` watches: growths come at 10 to 30 of 70 steps."""
    sizes = {"trials": 3, "seeds": 3} if isinstance(pruner, Wilcoxon) else {"trials": 3, "seeds": 1}
    return with_changes(study, {"base.steps": 70, "pruner": pruner, **sizes})


def runs(home: Path) -> dict[RunKey, RunRecord]:
    """Return the runs in the ledger, without the time they took."""
    found = {}
    for run in Ledger(home).runs("tiny"):
        metrics = {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
        found[run.key] = replace(run, metrics=metrics)
    return found


def optuna_trials(home: Path) -> list[tuple[TrialState, dict[int, float], list[float] | None]]:
    study = optuna.load_study(study_name="tiny", storage=f"sqlite:///{home / 'optuna.sqlite'}")
    return [(trial.state, trial.intermediate_values, trial.values) for trial in study.get_trials()]


@each
def test_a_study_that_was_interrupted_and_then_enlarged_prunes_as_one_in_one_go(
    run_study: Launch, launched: LaunchOnce, study: Study, tmp_path: Path, pruner: AbstractPruner
) -> None:
    watched = pruned_by(study, pruner)
    once, twice = launched(watched), tmp_path / "twice"

    with pytest.raises(KeyboardInterrupt):
        run_study(with_changes(watched, {"trials": 2}), home=twice, observer=Interrupted(22))
    run_study(with_changes(watched, {"trials": 2}), home=twice)
    run_study(watched, home=twice, trials=watched.trials)

    assert runs(twice) == runs(once)
    assert optuna_trials(twice) == optuna_trials(once)
    assert "pruned" in {run.status for run in runs(once).values()}


@each
def test_what_is_not_given_up_is_trained_as_if_nobody_had_compared(
    launched: LaunchOnce, study: Study, pruner: AbstractPruner
) -> None:
    watched = pruned_by(study, pruner)
    homes = [launched(watched), launched(with_changes(watched, {"pruner": None}))]

    free = runs(homes[1])
    completed = [run for run in runs(homes[0]).values() if run.status == "completed"]
    assert completed
    for run in completed:
        assert replace(run, spec_digest=free[run.key].spec_digest) == free[run.key]  # they differ in the pruner
        histories = [run_history(home / "store", run.stages) for home in homes]
        assert histories[0] == histories[1]


def test_a_configuration_is_given_up_under_all_arms_and_its_test_data_stay_closed(
    launched: LaunchOnce, study: Study
) -> None:
    home = launched(pruned_by(study, MEDIAN))

    found = runs(home)
    given_up = {run.trial for run in found.values() if run.status == "pruned"}
    states = [state for state, _, _ in optuna_trials(home)]
    assert given_up == {number for number, state in enumerate(states) if state == TrialState.PRUNED}
    for run in found.values():
        assert (run.status == "pruned") == (run.trial in given_up)
        assert run.opened_test == (run.status == "completed")
        assert len(run.spec_digest) == 64
        if run.status == "pruned":
            assert run.stages[-1].step in (43, 56)
            assert run.reason == f"accuracy/all {mean_at(found, run):.4g} at step {run.stages[-1].step}"
    opened = [(opening.trial, opening.arm, opening.seed) for opening in Ledger(home).test_set_accesses("tiny")]
    assert sorted(opened) == sorted(run.key for run in found.values() if run.status == "completed")


def mean_at(found: dict[RunKey, RunRecord], run: RunRecord) -> float:
    both = [found[run.trial, arm, run.seed].metrics["val/accuracy/all"] for arm in ("frozen", "unfrozen")]
    return sum(both) / 2


def test_more_seeds_of_a_configuration_that_was_given_up_are_not_trained(
    run_study: Launch, launched: LaunchOnce, study: Study, tmp_path: Path
) -> None:
    watched = pruned_by(study, MEDIAN)
    shutil.copytree(launched(watched), tmp_path / "home")

    run_study(watched, seeds=2)

    found = runs(tmp_path / "home")
    assert len(found) == 3 * 2 * 2
    first = {run.trial: min(seed for trial, _, seed in found if trial == run.trial) for run in found.values()}
    for run in found.values():
        assert run.status == found[run.trial, run.arm, first[run.trial]].status
        assert not (run.status == "pruned" and run.seed != first[run.trial] and run.stages)
    assert len({run.spec_digest for run in found.values()}) == 1


def test_runs_that_diverged_are_left_out_of_what_is_compared(run_study: Launch, study: Study, tmp_path: Path) -> None:
    arms = {"diverged": {"training.optimizer.lr": 1e30, "training.optimizer.kind": "adamw"}, "frozen": {}}
    fallible = pruned_by(study, MEDIAN).model_copy(update={"arms": {**study.arms, **arms}})

    run_study(fallible)

    states = [state for state, _, _ in optuna_trials(tmp_path / "home")]
    assert TrialState.PRUNED in states
    assert {run.status for run in runs(tmp_path / "home").values() if run.arm == "diverged"} == {"failed"}


def test_a_sampler_that_learns_is_told_how_far_a_configuration_came(
    run_study: Launch, study: Study, tmp_path: Path
) -> None:
    learning = with_changes(pruned_by(study, MEDIAN), {"sampler": TPE(startup=1), "trials": 4})

    run_study(learning)
    run_study(learning.model_copy(update={"trials": 2}), home=tmp_path / "twice")
    run_study(learning, home=tmp_path / "twice", trials=4)

    assert TrialState.PRUNED in {state for state, _, _ in optuna_trials(tmp_path / "home")[:3]}
    assert runs(tmp_path / "twice") == runs(tmp_path / "home")


def test_the_searches_of_all_arms_are_pruned_each_on_its_own(run_study: Launch, study: Study, tmp_path: Path) -> None:
    tuned = with_changes(pruned_by(study, MEDIAN), {"design": Tuned(replicates=2, confirmation=1), "trials": 3})

    run_study(tuned)

    found = runs(tmp_path / "home")
    assert len(found) == 2 * 2 * 3 + 2 * 2
    assert {run.status for run in found.values() if run.trial < 6} == {"completed", "pruned"}
    assert {run.status for run in found.values() if run.trial >= 6} == {"completed"}


@pytest.mark.parametrize("pruner", [Median(checks=1), Wilcoxon(p=0.6)], ids=lambda pruner: pruner.kind)
def test_winners_are_confirmed_without_a_stop_with_fewer_seeds_than_were_searched(
    run_study: Launch, study: Study, tmp_path: Path, pruner: AbstractPruner
) -> None:
    tuned = Tuned(replicates=2, confirmation=1)

    run_study(with_changes(pruned_by(study, pruner), {"design": tuned, "trials": 1, "seeds": 2}))

    confirmed = [run for run in runs(tmp_path / "home").values() if run.trial >= 2]
    assert [run.status for run in confirmed] == ["completed"] * 4
    assert not any(Ledger(tmp_path / "home").rungs("tiny", run.trial) for run in confirmed)


@pytest.mark.parametrize(
    ("pruner", "rungs"),
    [
        (Median(checks=2), [Rung(13, range(4), 43), Rung(26, range(4), 56)]),
        (SuccessiveHalving(reduction=2), [Rung(10, range(4), 40), Rung(20, range(4), 50)]),
        (Wilcoxon(p=0.3), [Rung(0, range(1)), Rung(1, range(1, 2)), Rung(2, range(2, 3))]),
    ],
    ids=lambda found: getattr(found, "kind", ""),
)
def test_rungs_are_where_they_were_worked_out_by_hand(pruner: AbstractPruner, rungs: list[Rung]) -> None:
    assert list(pruner.rungs(Race(steps=70, seeds=4, latest=30))) == rungs


def test_rungs_lie_before_the_end_of_the_shortest_run(study: Study) -> None:
    watched = pruned_by(study, Median(checks=1))
    short = with_changes(watched, {"arms.frozen": {"steps": 50}})
    searched = watched.model_copy(update={"space": {**study.space, "steps": Int(field="steps", low=50, high=70)}})

    assert [one.rungs(1)[0].until for one in (watched, short, searched)] == [50, 40, 40]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pruner": Median(), "base.growths.0.trigger": Plateau(metric="val/loss/total", patience=2)}, "at any step"),
        (
            {"pruner": Median(), "base.steps": 32},
            "expected room for 3 comparisons after .* step 30, found an end at 32",
        ),
        ({"pruner": SuccessiveHalving(), "base.steps": 35}, "expected room for 2 comparisons"),
        ({"pruner": Wilcoxon(), "seeds": 3}, r"needs p < 0.1; 3 seeds give 0.25 at the least"),
    ],
)
def test_a_pruner_without_room_is_refused(study: Study, changes: dict[str, Any], message: str) -> None:
    spaceless: dict[str, Any] = {"space": {}} if "base.growths.0.trigger" in changes else {}

    with pytest.raises(SpecError, match=message):
        with_changes(study, {**spaceless, **changes})
