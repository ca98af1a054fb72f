from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import SpecError, TapNotFoundError
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth import NoFreezing, OldParameters
from harness.losses import CrossEntropy, JointCrossEntropy
from harness.models import MLP
from harness.search.check import check_study
from harness.search.study import Study
from harness.staging.runner import Runner


def test_a_study_that_can_be_run_passes_the_check(study: Study, runner: Runner, tmp_path: Path) -> None:
    check_study(study, runner)

    assert list((tmp_path / "home").iterdir()) == [tmp_path / "home" / "ledger.sqlite"]


@pytest.mark.parametrize(
    "changes",
    [
        {"base.growths.0.operation.tap": "nowhere"},
        {"space.init": {"kind": "choice", "field": "growths.0.operation.tap", "options": ["hidden.0", "nowhere"]}},
    ],
)
def test_an_impossible_tap_is_refused_before_anything_is_run(
    study: Study, runner: Runner, changes: dict[str, Any]
) -> None:
    with pytest.raises(TapNotFoundError, match=r"no tap 'nowhere'.*hidden\.0"):
        check_study(with_changes(study, changes), runner)


@pytest.mark.parametrize(
    "frozen",
    [
        {"growths.0.freeze": OldParameters()},
        {"growths.0.freeze": "old_parameters", "growths.0.operation.width": 5},
        {"growths.0.freeze": OldParameters(), "growths.0.lr_factor": 1.0},
    ],
    ids=["the same", "in other words", "a default"],
)
def test_two_arms_that_come_to_the_same_runs_are_refused(study: Study, runner: Runner, frozen: dict[str, Any]) -> None:
    changed = study.model_copy(update={"arms": {**study.arms, "again": frozen}})

    with pytest.raises(SpecError, match="arms: expected arms that differ, found that 'frozen' and 'again' come to"):
        check_study(changed, runner)


def test_arms_that_are_the_same_at_some_values_of_the_space_alone_may_be_compared(study: Study, runner: Runner) -> None:
    arms = {"early": {"growths.0.trigger.step": 10}, "any": {}}
    changed = study.model_copy(update={"arms": arms, "comparison": ("early", "any")})

    assert check_study(changed, runner) == ()


def test_every_arm_is_checked(study: Study, runner: Runner) -> None:
    wide = {"model": MLP(inputs=63, widths=(16, 8)), "growths.0.freeze": NoFreezing()}
    changed = study.model_copy(update={"arms": {**study.arms, "wide": wide}})

    with pytest.raises(SpecError, match=r"its module 'hidden\.0\.linear'"):
        check_study(changed, runner)


def test_what_the_data_say_is_returned_once(study: Study, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    load = type(study.base.task).load
    monkeypatch.setattr(type(study.base.task), "load", lambda *args: noted(load(*args)))

    assert check_study(study, runner) == ("a column is constant",)


def noted(data: TaskData) -> TaskData:
    return replace(data, notes=("a column is constant",))


def test_a_base_run_that_nobody_trains_may_have_a_loss_that_cannot_be_computed(study: Study, runner: Runner) -> None:
    wrong, right = {"known": CrossEntropy()}, {"classes": JointCrossEntropy()}
    arms = {name: {**fields, "training.losses": right} for name, fields in study.arms.items()}
    sound = with_changes(study, {"base.training.losses": wrong}).model_copy(update={"arms": arms})
    frozen = {**study.arms["frozen"], "training.losses": wrong}
    broken = study.model_copy(update={"arms": {**study.arms, "frozen": frozen}})

    check_study(sound, runner)
    with pytest.raises(SpecError, match=r"training\.losses\.known: expected a head"):
        check_study(broken, runner)
