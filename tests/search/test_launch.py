from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.metrics import f1_score

from harness.core.answers import ClassAnswers
from harness.core.errors import SpecError
from harness.core.history import History
from harness.core.spec import with_changes
from harness.growth.triggers import Threshold
from harness.metrics import CalibrationError, MacroF1
from harness.search.observer import Observer
from harness.search.proposals import Proposals
from harness.search.study import Study
from harness.staging.histories import read_answers, run_history
from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.staging.run import run_id
from harness.staging.workspace import Workspace

Launch = Callable[..., StudyRecord]
LaunchOnce = Callable[[Study], Path]
Key = tuple[int, str, int]
ALL = [(0, "frozen", 0), (0, "unfrozen", 0), (1, "frozen", 1000), (1, "unfrozen", 1000)]


class Diary(Observer):
    """Writes down what ended; interrupts the launch after so many evaluations."""

    def __init__(self, evaluations: int | None = None) -> None:
        self.plan: tuple[int, int] | None = None
        self.ended: list[Key] = []
        self._left = evaluations

    def on_launch(self, total: int, done: int) -> None:
        self.plan = total, done

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt

    def on_run_end(self, record: RunRecord) -> None:
        self.ended.append((record.trial, record.arm, record.seed))


def runs(home: Path) -> dict[Key, RunRecord]:
    """Return the runs in the ledger, without the time they took."""
    found = {}
    for run in Ledger(home).runs("tiny"):
        metrics = {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
        found[run.trial, run.arm, run.seed] = replace(run, metrics=metrics)
    return found


def histories(home: Path) -> dict[Key, History]:
    return {key: run_history(home / "store", run.stages) for key, run in runs(home).items()}


def test_every_configuration_is_run_under_every_arm_and_seed(run_study: Launch, tmp_path: Path) -> None:
    diary = Diary()

    record = run_study(observer=diary, seeds=2)

    seeds = [(0, 0), (0, 1), (1, 1000), (1, 1001)]
    planned = [(trial, arm, seed) for trial, seed in seeds for arm in ("frozen", "unfrozen")]
    assert sorted(diary.ended) == sorted(planned)
    assert set(runs(tmp_path / "home")) == set(planned)
    assert (record.trials, record.seeds, diary.plan) == (2, 2, (8, 0))


def test_a_run_is_recorded_with_its_configuration(launched: LaunchOnce, study: Study) -> None:
    for (trial, arm, seed), run in runs(launched(study)).items():
        config = study.config(run.params, arm, seed)
        assert run.params == study.point(trial)
        assert (run.config, run.run_id, run.status) == (config.to_json(), run_id(config), "completed")
        assert [growth["step"] for growth in run.growths] == [run.params["when"]]


def test_a_named_metric_decides_grows_and_is_recorded(run_study: Launch, study: Study, tmp_path: Path) -> None:
    named = with_changes(
        study,
        {
            "base.training.metrics": {"f1": MacroF1(), "calibration": CalibrationError()},
            "base.growths.0.trigger": Threshold(metric="val/f1/all", above=0.0),
            "space": {},
            "metric": "f1/all",
            "trials": 1,
        },
    )

    run_study(named)

    for run in runs(tmp_path / "home").values():
        assert {"val/f1/all", "test/f1/late", "test/calibration/all"} < run.metrics.keys()
        assert run.metrics["test/f1/all"] == pytest.approx(f1_of(tmp_path / "home" / "store", run))
        assert [growth["step"] for growth in run.growths] != []


def f1_of(store: Path, run: RunRecord) -> float:
    """Return what the answers to the test examples come to."""
    answers = read_answers(store, run.stages[-1])
    assert answers is not None
    joint = answers.outputs["all"]
    assert isinstance(joint, ClassAnswers)
    return float(f1_score(joint.truth, joint.answer, average="macro"))


@pytest.mark.parametrize("evaluations", [0, 1, 3, 7, 12])
def test_a_half_finished_study_continues_to_the_same_numbers(
    run_study: Launch, launched: LaunchOnce, study: Study, tmp_path: Path, evaluations: int
) -> None:
    before, after, home = Diary(evaluations), Diary(), tmp_path / "interrupted"
    with pytest.raises(KeyboardInterrupt):
        run_study(home=home, observer=before)

    run_study(home=home, observer=after)

    assert sorted(before.ended + after.ended) == sorted(ALL)
    assert after.plan == (4, len(before.ended))
    assert runs(home) == runs(launched(study))
    assert histories(home) == histories(launched(study))


@pytest.mark.parametrize("ended", [1, 2])
def test_a_run_that_ended_just_before_an_interruption_is_not_run_again_and_its_trial_is_told(
    run_study: Launch, study: Study, tmp_path: Path, ended: int
) -> None:
    class Impatient(Diary):
        def on_run_end(self, record: RunRecord) -> None:
            super().on_run_end(record)
            if len(self.ended) == ended:
                raise KeyboardInterrupt

    before, after = Impatient(), Diary()
    with pytest.raises(KeyboardInterrupt):
        run_study(observer=before)

    run_study(observer=after)

    assert sorted(before.ended + after.ended) == sorted(ALL)
    assert list(runs(tmp_path / "home")) == ALL
    assert Proposals(study, Workspace(tmp_path / "home")).finished() == {0, 1}


def test_nothing_is_added_to_a_finished_study(run_study: Launch, launched_home: Path) -> None:
    before, diary = Ledger(launched_home).runs("tiny"), Diary()

    run_study(observer=diary)

    assert (diary.ended, diary.plan) == ([], (4, 4))
    assert Ledger(launched_home).runs("tiny") == before


@pytest.mark.parametrize(
    ("more", "added"),
    [
        ({"trials": 3}, [(2, "frozen", 2000), (2, "unfrozen", 2000)]),
        ({"seeds": 2}, [(0, "frozen", 1), (0, "unfrozen", 1), (1, "frozen", 1001), (1, "unfrozen", 1001)]),
        ({"trials": 1}, []),
        ({"trials": 2, "seeds": 1}, []),
    ],
)
def test_more_trials_or_seeds_add_just_those(
    run_study: Launch, launched_home: Path, more: dict[str, int], added: list[Key]
) -> None:
    before, diary = Ledger(launched_home).runs("tiny"), Diary()

    run_study(observer=diary, **more)

    after = Ledger(launched_home).runs("tiny")
    assert sorted(diary.ended) == added
    assert [run for run in after if (run.trial, run.arm, run.seed) in ALL] == before
    assert len(after) == len(before) + len(added)


def test_numbers_that_were_raised_stay_so(run_study: Launch) -> None:
    run_study(trials=1)

    raised = run_study(trials=2, seeds=2)
    again = run_study(trials=1)

    assert (again.trials, again.seeds) == (raised.trials, raised.seeds) == (2, 2)


def test_trials_that_are_added_are_those_of_a_longer_study(
    run_study: Launch, launched: LaunchOnce, study: Study, tmp_path: Path
) -> None:
    run_study(trials=1)
    run_study(trials=2)

    assert runs(tmp_path / "home") == runs(launched(study))


def test_a_diverged_run_is_recorded_with_its_reason_and_the_study_goes_on(
    run_study: Launch, study: Study, tmp_path: Path
) -> None:
    optimizer = {"training.optimizer": {"kind": "sgd", "lr": 1e30}}
    diverging = with_changes(study, {"arms.frozen": optimizer})
    diary = Diary()

    run_study(diverging, observer=diary)

    assert sorted(diary.ended) == sorted(ALL)
    for (_, arm, _), run in runs(tmp_path / "home").items():
        assert run.status == ("failed" if arm == "frozen" else "completed")
        assert run.reason.startswith("diverged: ") == (arm == "frozen")


def test_a_failed_run_is_not_tried_again(run_study: Launch, study: Study) -> None:
    diverging = with_changes(study, {"base.training.optimizer": {"kind": "sgd", "lr": 1e30}})
    run_study(diverging)
    diary = Diary()

    run_study(diverging, observer=diary)

    assert (diary.ended, diary.plan) == ([], (4, 4))


def test_both_arms_share_the_trunk(run_study: Launch, launched_home: Path) -> None:
    run_study(seeds=2)

    found = runs(launched_home)
    trunks = {key: run.stages[0] for key, run in found.items()}
    ends = [run.stages[-1] for run in found.values()]
    assert all(trunks[trial, "frozen", seed] == trunks[trial, "unfrozen", seed] for trial, _, seed in trunks)
    assert trunks[0, "frozen", 0] != trunks[0, "frozen", 1]
    assert len(set(ends)) == len(ends)


def test_more_trials_than_a_grid_has_are_refused_before_the_study_begins(
    run_study: Launch, study: Study, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=r"trials: expected at most 9, .*'grid'.*; found 10"):
        run_study(with_changes(study, {"sampler": "grid"}), trials=10)

    assert Ledger(tmp_path / "home").study("tiny") is None
