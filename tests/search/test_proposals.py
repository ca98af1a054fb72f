from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Literal

import optuna
import pytest
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    WilcoxonPruner,
)
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import OperationalError

from harness.core.errors import AwayError, HomeError
from harness.core.spec import with_changes
from harness.search.objective import Objective
from harness.search.proposals import Proposals
from harness.search.pruners import AbstractPruner, Hyperband, Median, Percentile, SuccessiveHalving, Wilcoxon
from harness.search.samplers import PastTrial, QuasiRandom, Search
from harness.search.space import Float, Present
from harness.search.study import Study
from harness.staging.leases import Leases
from harness.staging.ledger import RunRecord
from harness.staging.workspace import Workspace


def ended(value: float | None, arm: str = "frozen") -> RunRecord:
    """Return a run that came to `value` on validation data, or diverged."""
    status, metrics = ("failed", {}) if value is None else ("completed", {"val/accuracy/all": value})
    return RunRecord("tiny", 0, arm, 0, "0123abcd", params={}, config={}, status=status, metrics=metrics)


def proposals_in(home: Path, study: Study) -> Proposals:
    return Proposals(study, Workspace(home).create())


def stored(home: Path) -> optuna.Study:
    return optuna.load_study(study_name="tiny", storage=f"sqlite:///{home / 'optuna.sqlite'}")


def trials(home: Path) -> list[FrozenTrial]:
    return stored(home).get_trials()


def test_a_trial_is_asked_for_once(study: Study, tmp_path: Path) -> None:
    first = proposals_in(tmp_path, study).params(1)

    again = proposals_in(tmp_path, study)

    assert [again.params(1), again.params(1)] == [first, first]
    assert [trial.params for trial in trials(tmp_path)] == first


def test_as_many_trials_are_asked_for_as_are_needed(study: Study, tmp_path: Path) -> None:
    proposals_in(tmp_path, study).params(1)

    found = proposals_in(tmp_path, study).params(3)

    assert [trial.params for trial in trials(tmp_path)] == found == [study.point(number) for number in range(3)]


def test_baselines_come_first_and_proposals_follow(study: Study, tmp_path: Path) -> None:
    baseline = {"when": 30, "init": "orthogonal"}
    based = study.model_copy(update={"baselines": (baseline,)})

    found = proposals_in(tmp_path, based).params(3)

    assert found == [baseline, study.point(0), study.point(1)]


def test_a_sampler_that_learns_is_given_what_was_told(study: Study, tmp_path: Path) -> None:
    heard: list[PastTrial] = []

    class Listener(QuasiRandom):
        kind: Literal["listener"] = "listener"  # type: ignore[assignment]
        learns: ClassVar[bool] = True

        def point(self, search: Search, number: int, past: Sequence[PastTrial] = ()) -> dict[str, Any]:
            heard[:] = past
            return super().point(search, number)

    based = study.model_copy(update={"sampler": Listener(), "baselines": ({"when": 30, "init": "orthogonal"},)})
    proposals = proposals_in(tmp_path, based)
    for number, value in enumerate([0.5, None]):
        proposals.params(number + 1)
        proposals.tell(number, [ended(value)])

    points = proposals.params(3)

    assert heard == [PastTrial(points[0], 0.5, given=True), PastTrial(points[1], None)]


@pytest.mark.parametrize(
    ("values", "state", "value"),
    [
        ([0.5, 0.75], TrialState.COMPLETE, 0.625),
        ([0.5, None], TrialState.COMPLETE, 0.5),
        ([None, None], TrialState.FAIL, None),
    ],
)
def test_a_trial_is_told_the_mean_of_the_runs_that_completed(
    study: Study, tmp_path: Path, values: list[float | None], state: TrialState, value: float | None
) -> None:
    proposals = proposals_in(tmp_path, study)
    proposals.params(1)

    proposals.tell(0, [ended(value) for value in values])

    (trial,) = trials(tmp_path)
    assert (trial.state, trial.values and trial.values[0]) == (state, value)


def test_the_values_of_a_trial_have_a_name_and_the_mean_under_each_arm_stands_beside_it(
    study: Study, tmp_path: Path
) -> None:
    proposals = proposals_in(tmp_path, study)
    proposals.params(1)

    proposals.tell(0, [ended(0.5), ended(0.75), ended(1.0, "unfrozen"), ended(None, "unfrozen")])

    (trial,) = trials(tmp_path)
    assert stored(tmp_path).metric_names == ["val/accuracy/all"]
    assert trial.user_attrs == {"frozen: val/accuracy/all": 0.625, "unfrozen: val/accuracy/all": 1.0}


def test_a_run_without_the_metric_tells_nothing(study: Study, tmp_path: Path) -> None:
    proposals = proposals_in(tmp_path, study)
    proposals.params(1)

    proposals.tell(0, [ended(0.5), replace(ended(0.5), metrics={})])

    assert [trial.values for trial in trials(tmp_path)] == [[0.5]]


@pytest.mark.parametrize("first", [0.5, None])
def test_a_trial_is_told_once(study: Study, tmp_path: Path, first: float | None) -> None:
    proposals = proposals_in(tmp_path, study)
    proposals.params(1)
    proposals.tell(0, [ended(first)])
    (before,) = trials(tmp_path)

    proposals_in(tmp_path, study).tell(0, [ended(0.9)])

    assert trials(tmp_path) == [before]


def test_studies_of_different_names_share_a_file(study: Study, tmp_path: Path) -> None:
    first = proposals_in(tmp_path, study).params(1)

    other = proposals_in(tmp_path, study.model_copy(update={"name": "other"}))

    assert other.params(1) == [study.model_copy(update={"name": "other"}).point(0)]
    assert [trial.params for trial in trials(tmp_path)] == first


def test_an_empty_space_can_be_asked_too(study: Study, tmp_path: Path) -> None:
    proposals = proposals_in(tmp_path, study.model_copy(update={"space": {}}))

    assert proposals.params(2) == [{}, {}]


def test_what_was_proposed_is_read_whatever_would_be_proposed_now(study: Study, tmp_path: Path) -> None:
    first = proposals_in(tmp_path, study).params(2)

    again = proposals_in(tmp_path, with_changes(study, {"sampler": "random"})).params(3)

    assert again[:2] == first
    assert again[2] != study.point(2)


def test_who_proposes_waits_for_whoever_does(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposals, seen = proposals_in(tmp_path, study), list[int]()
    turn = Leases(Workspace(tmp_path).ledger.database, '["another-machine", "boot", 1, 2.5]').hold("proposals of tiny")
    turn.__enter__()

    def end_turn(_seconds: float) -> None:
        seen.append(len(trials(tmp_path)))
        turn.__exit__(None, None, None)

    monkeypatch.setattr("harness.search.proposals.time.sleep", end_turn)

    proposals.params(1)

    assert seen == [0]


@pytest.mark.parametrize("name", ["a%20b", "a?b"])
def test_a_home_may_have_any_name(study: Study, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    proposals_in(tmp_path / name, study).params(1)

    assert (tmp_path / name / "optuna.sqlite").is_file()


def test_the_database_knows_which_way_is_better(study: Study, tmp_path: Path) -> None:
    judged = study.model_copy(update={"metric": "loss/total", "name": "tiny"})

    proposals_in(tmp_path, judged)

    assert stored(tmp_path).direction == optuna.study.StudyDirection.MINIMIZE


@pytest.mark.postgres
def test_a_server_that_goes_away_is_said_so_and_proposing_goes_on(study: Study, tmp_path: Path, postgres: str) -> None:
    workspace = Workspace(tmp_path, postgres).create()
    proposals = Proposals(with_changes(study, {"name": "away"}), workspace)
    before = proposals.params(1)

    def fail(_number: int) -> dict[str, Any]:
        raise OperationalError("SELECT", None, Exception("terminating connection"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "_proposal", fail)
        with pytest.raises(AwayError, match="went away while Optuna used it"):
            proposals.params(2)

    with workspace.ledger.database.transaction() as transaction:  # as a restart does to every connection
        transaction.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert proposals.params(2)[:1] == before
    workspace.ledger.database.close()


def test_a_file_that_cannot_be_used_is_no_server_that_is_away(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposals = proposals_in(tmp_path, study)

    def fail(_number: int) -> dict[str, Any]:
        raise OperationalError("SELECT", None, Exception("disk I/O error"))

    monkeypatch.setattr(proposals, "_proposal", fail)

    with pytest.raises(
        HomeError, match=r"expected Optuna's database at .*optuna\.sqlite .*found: disk I/O error; once"
    ):
        proposals.params(1)


def test_the_home_is_made_where_the_ledger_is_a_file_elsewhere(study: Study, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home", f"sqlite:///{tmp_path / 'ledger.sqlite'}").create()

    assert len(Proposals(study, workspace).params(1)) == 1


WEIGHED = (
    Objective(metric="growth/parameters_added", direction="minimize"),
    Objective(metric="accuracy/late", direction="maximize"),
)


def weighed(value: float | None, added: float | None = 100.0) -> RunRecord:
    run = ended(value)
    further = {"val/accuracy/late": 0.25, **({} if added is None else {"growth/parameters_added": added})}
    return run if value is None else replace(run, metrics={**run.metrics, **further})


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([weighed(0.5, 100.0), weighed(0.75, 300.0)], (0.625, 200.0, 0.25)),
        ([weighed(0.5, 100.0), weighed(None)], (0.5, 100.0, 0.25)),
        ([weighed(0.5, 100.0), weighed(0.7, None)], (0.6, 100.0, 0.25)),
        ([weighed(0.5, None), weighed(0.7, None)], None),
        ([weighed(None), weighed(None)], None),
    ],
)
def test_every_objective_is_told_and_heard(
    study: Study, tmp_path: Path, runs: list[RunRecord], told: tuple[float, ...] | None
) -> None:
    proposals = proposals_in(tmp_path, study.model_copy(update={"objectives": WEIGHED}))
    (params,) = proposals.params(1)

    proposals.tell(0, runs)

    (trial,) = trials(tmp_path)
    assert (trial.values and tuple(trial.values)) == (told and pytest.approx(told))
    (heard,) = proposals._past_trials(1)
    assert (heard.params, heard.values) == (params, trial.values and tuple(trial.values))
    assert [direction.name for direction in stored(tmp_path).directions] == ["MAXIMIZE", "MINIMIZE", "MAXIMIZE"]


def test_a_configuration_is_kept_without_what_does_not_exist_and_on_its_steps(study: Study, tmp_path: Path) -> None:
    space = {
        "on": Present(field="growths.0"),
        "lr": Float(field="training.optimizer.lr", low=0.1, high=0.7, step=0.1, when={"on": True}),
    }
    found = proposals_in(tmp_path, study.model_copy(update={"space": space})).params(16)

    again = proposals_in(tmp_path, study.model_copy(update={"space": space})).params(16)

    assert found == again
    assert {tuple(params) for params in found} == {("on",), ("on", "lr")}
    assert all(space["lr"].contains(params["lr"]) for params in again if params["on"])


@pytest.mark.parametrize(
    ("pruner", "own"),
    [
        (Median(startup=2, checks=2), lambda: MedianPruner(n_startup_trials=2)),
        (Percentile(startup=2, checks=2, percentile=40), lambda: PercentilePruner(40, n_startup_trials=2)),
        (SuccessiveHalving(reduction=2), lambda: SuccessiveHalvingPruner(10, 2)),
        (Hyperband(reduction=2), lambda: HyperbandPruner(10, 40, 2)),
        (Wilcoxon(p=0.3, startup=3), lambda: WilcoxonPruner(p_threshold=0.3, n_startup_steps=3)),
    ],
    ids=lambda pruner: getattr(pruner, "kind", "own"),
)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_each_process_gives_up_what_optuna_gives_up_in_one(
    study: Study, tmp_path: Path, pruner: AbstractPruner, own: Callable[[], BasePruner]
) -> None:
    watched = with_changes(study, {"base.steps": 70, "pruner": pruner, "seeds": 6})
    race, rungs, draw = watched.race(6), watched.rungs(6), Random(0)
    whole = optuna.create_study(study_name="tiny", direction="maximize", pruner=own())

    for number in range(16):
        if number % 5 == 0:
            proposals = proposals_in(tmp_path, watched)
        proposals.params(number + 1)
        trial, level, reports, prunes = whole.ask(), draw.random(), list[tuple[int, float]](), False
        while len(reports) < len(rungs) and not prunes:
            reports.append((rungs[len(reports)].at, level + draw.random() / 2))
            trial.report(reports[-1][1], reports[-1][0])
            prunes = trial.should_prune()
            assert proposals.prunes(number, reports, race) == prunes
        whole.tell(trial, None if prunes else level, state=TrialState.PRUNED if prunes else None)
        proposals.tell(number, [ended(level)])

    states = [trial.state for trial in trials(tmp_path)]
    assert states == [trial.state for trial in whole.get_trials()]
    assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED}


def test_which_trials_were_told_is_known(study: Study, tmp_path: Path) -> None:
    proposals = proposals_in(tmp_path, study)
    proposals.params(3)

    proposals.tell(0, [ended(0.5)])
    proposals.tell(2, [ended(None)])

    assert proposals.finished() == {0, 2}
