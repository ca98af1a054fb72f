import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from harness.core.errors import HarnessError, StudyChangedError
from harness.core.spec import with_changes
from harness.search.best import best_of, ended_configurations, exported
from harness.search.designs import Tuned
from harness.search.preview import preview_runs
from harness.search.samplers import TPE
from harness.search.study import Study
from harness.search.trial_schedule import TrialSchedule
from harness.staging.ledger import Ledger, RunKey, RunRecord, StudyRecord
from harness.staging.previous_specs import spec_digest
from harness.staging.workspace import Workspace

Launch = Callable[..., StudyRecord]
LaunchOnce = Callable[[Study], Path]


@pytest.fixture
def tuned(study: Study) -> Study:
    """Two searches of three configurations for each arm; their winners are confirmed with two seeds."""
    return with_changes(study, {"design": Tuned(replicates=2, confirmation=2), "trials": 3, "seeds": 1})


@pytest.fixture
def tuned_home(launched: LaunchOnce, tuned: Study, tmp_path: Path) -> Path:
    """Return the home of the test's own in which that study was launched."""
    return Path(shutil.copytree(launched(tuned), tmp_path / "home"))


def runs(home: Path) -> dict[RunKey, RunRecord]:
    return {run.key: run for run in Ledger(home).runs("tiny")}


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def results(home: Path) -> dict[RunKey, object]:
    return {key: (run.params, run.metrics["val/accuracy/all"]) for key, run in runs(home).items()}


def test_every_arm_is_searched_as_much_and_its_winners_are_trained_with_fresh_seeds(
    launched: LaunchOnce, tuned: Study
) -> None:
    home = launched(tuned)

    found, record = runs(home), Ledger(home).study("tiny")
    assert record is not None
    searched = [run for run in found.values() if run.trial < 6]
    confirmed = [run for run in found.values() if run.trial >= 6]
    assert len(found) == record.planned_runs == 2 * 2 * 3 + 2 * 2 * 2
    assert {run.spec_digest for run in found.values()} == {spec_digest(tuned.to_json())}
    assert sorted(run.key for run in searched) == [(n, arm, n % 2) for n in range(6) for arm in ("frozen", "unfrozen")]
    assert {(run.trial, run.seed) for run in confirmed} == {(6, 2), (6, 4), (7, 3), (7, 5)}
    for run in confirmed:
        replicate = [one for one in searched if one.arm == run.arm and one.trial % 2 == run.trial % 2]
        best = max(replicate, key=lambda one: (one.metrics["val/accuracy/all"], -one.trial))
        assert run.params == best.params


def test_test_data_are_opened_by_the_confirmation_alone_and_each_time_is_kept(
    run_study: Launch, tuned_home: Path, tuned: Study
) -> None:
    run_study(tuned)

    found = runs(tuned_home)
    openings = Ledger(tuned_home).test_set_accesses("tiny")
    assert {key for key, run in found.items() if run.opened_test} == {key for key in found if key[0] >= 6}
    assert sorted((one.trial, one.arm, one.seed) for one in openings) == [
        (trial, arm, seed)
        for trial, seeds in ((6, (2, 4)), (7, (3, 5)))
        for arm in ("frozen", "unfrozen")
        for seed in seeds
    ]


def test_a_search_that_was_left_and_enlarged_equals_one_in_one_go(
    run_study: Launch, tuned: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning = with_changes(tuned, {"sampler": TPE(startup=1), "design.confirmation": 1})
    run_study(learning)

    with monkeypatch.context() as patch:
        patch.setattr("harness.search.trial_schedule._confirmation", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_study(learning, home=tmp_path / "twice", trials=2)
    run_study(learning, home=tmp_path / "twice", trials=3)

    assert results(tmp_path / "twice") == results(tmp_path / "home")


def test_replicates_are_searches_of_their_own_and_arms_begin_alike(tuned: Study) -> None:
    planned = preview_runs(tuned, None, None, None)

    points = {(run.trial, run.arm): run.params for run in planned if run.trial < 6}
    assert all(points[trial, "frozen"] == points[trial, "unfrozen"] for trial in range(6))
    assert [points[trial, "frozen"] for trial in (0, 2, 4)] != [points[trial, "frozen"] for trial in (1, 3, 5)]
    assert len(planned) == 20


@pytest.mark.parametrize("more", [{"trials": 4}, {"seeds": 2}])
@pytest.mark.usefixtures("tuned_home")
def test_what_was_confirmed_is_searched_no_further(run_study: Launch, tuned: Study, more: dict[str, int]) -> None:
    with pytest.raises(StudyChangedError, match=r"test data were opened for its winners.*--as NAME"):
        run_study(tuned, **more)


def test_what_another_launch_enlarges_meanwhile_is_not_confirmed_yet(
    run_study: Launch, tuned: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, proposed = Ledger(tmp_path / "home"), TrialSchedule._of

    def enlarged(*arguments: Any) -> Any:
        record = ledger.study("tiny")
        assert record is not None
        ledger.save_study(replace(record, trials=4))
        return proposed(*arguments)

    monkeypatch.setattr(TrialSchedule, "_of", enlarged)

    with pytest.raises(StudyChangedError, match="another launch made it 4 with 1; nothing is confirmed yet"):
        run_study(tuned)
    assert ledger.test_set_accesses("tiny") == []


def test_a_search_in_which_everything_diverged_has_no_winner(run_study: Launch, tuned: Study) -> None:
    hopeless = tuned.model_copy(update={"arms": {**tuned.arms, "frozen": {"training.optimizer.lr": 1e30}}})

    with pytest.raises(HarnessError, match="a configuration of 'tiny' that completed in the search 'frozen 0', found"):
        run_study(hopeless)


def test_the_winner_is_the_best_mean_over_seeds(run_study: Launch, tuned: Study, tmp_path: Path) -> None:
    run_study(with_changes(tuned, {"seeds": 2, "trials": 2}))

    found = runs(tmp_path / "home")
    for replicate, arm in [(0, "frozen"), (0, "unfrozen"), (1, "frozen"), (1, "unfrozen")]:
        means = {}
        for trial in range(replicate, 4, 2):
            of_trial = [run for run in found.values() if (run.trial, run.arm) == (trial, arm)]
            assert [run.seed for run in of_trial] == [replicate, replicate + 2]
            means[trial] = fmean(run.metrics["val/accuracy/all"] for run in of_trial)
        winner = max(means, key=lambda trial: (means[trial], -trial))
        assert found[4 + replicate, arm, replicate + 4].params == found[winner, arm, replicate].params


@pytest.mark.parametrize(("metric", "winner"), [("accuracy/all", 2), ("loss/total", 3)])
def test_the_winner_is_the_best_that_was_not_given_up(tuned: Study, tmp_path: Path, metric: str, winner: int) -> None:
    judged, ended = with_changes(tuned, {"metric": metric}), dict[RunKey, RunRecord]()
    workspace = Workspace(tmp_path).create()
    given_up = {"accuracy/all": 0.9, "loss/total": 0.1}[metric]
    for part in judged.design.parts(list(judged.arms)):
        for number, value in enumerate([0.3, given_up, 0.6, 0.2]):
            key = judged.design.trial(part, number), part.arms[0]
            params, metrics = {"when": 10 + number, "init": "orthogonal"}, {f"val/{metric}": value}
            seeds = judged.design.seeds_of(part, number, 2)
            first = RunRecord("tiny", *key, seeds[0], "0123", params, {}, "completed", metrics=metrics)
            second = replace(first, seed=seeds[1], status="pruned" if number == 1 else "completed")
            ended |= {run.key: run for run in (first, second)}

    *_, confirmed = TrialSchedule(judged, workspace, ended, trials=4, seeds=2).waves()

    assert {run.params["when"] for trial in confirmed for run in trial.runs} == {10 + winner}


def test_the_best_are_those_of_the_searches_each_under_its_arm(launched: LaunchOnce, tuned: Study) -> None:
    ledger = Ledger(launched(tuned))
    record = ledger.study("tiny")
    assert record is not None

    ended = ended_configurations(tuned, record, ledger.runs("tiny"))

    assert [(found.trial, *found.arms) for found in ended] == [(n, a) for n in range(6) for a in tuned.arms]
    best = best_of(tuned, [found for found in ended if "frozen" in found.arms])
    assert f"{best.params['when']}" in exported(tuned, best, record)
    assert "'kind': 'paired'" in exported(tuned, best, record)
