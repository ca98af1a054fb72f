from typing import Any, Literal

import pytest
from pydantic import ValidationError
from torch import Tensor

from harness.core.errors import InputError, SpecError
from harness.core.spec import explain, with_changes
from harness.growth import AtStep, GrowthRule, InsertLayer, NoFreezing, OldParameters
from harness.growth.layers import MLPBlock
from harness.metrics import AbstractMetric, CalibrationError, Direction, MacroF1, Predictions, RSquared
from harness.search.objective import Objective
from harness.search.space import Choice, Int, Present
from harness.search.study import Study


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"comparison": ["unfrozen", "thawed"]}, "comparison: no arm 'thawed'. There are: frozen, unfrozen"),
        ({"comparison": ["unfrozen", "frosen"]}, "Did you mean 'frozen'"),
        ({"arms": {}}, "arms"),
        ({"arms.frozen": {"growths.0.freez": "nothing"}}, "arms.frozen: no field 'growths.0.freez'"),
        ({"arms.frozen": {"growths.1.freeze": "nothing"}}, "arms.frozen: no field 'growths.1.freeze'"),
        ({"arms.frozen": {"growths.0.freeze": "everything"}}, "arms.frozen: growths.0.freeze"),
        ({"space.when.field": "growths.0.trigger.stop"}, "space.when: no field 'growths.0.trigger.stop'"),
        ({"space.when.high": 40}, "growths.0.trigger.step: expected a step before the end at 40"),
        ({"space.when.low": 0}, "space.when: growths.0.trigger.step"),
        ({"space.init.options": ["orthogonal", "ones"]}, "space.init: growths.0.operation.init"),
        ({"base.growths.0.operation.outputs": 3}, "growths.0.operation.outputs: expected 4"),
        ({"name": "Digits And More"}, "name"),
        ({"metric": "accuraci/all"}, "metric"),
        ({"trials": 0}, "trials"),
        ({"sampler": "sobol"}, "sampler: expected a kind among cma_es, gp, grid"),
        ({"sampler": "grid", "trials": 10}, "trials: expected at most 9"),
        ({"baselines": [{"when": 20}]}, "baselines.0: expected values of when, init; found when"),
        (
            {"baselines": [{"when": 20, "init": "orthogonal"}] * 2 + [{"when": 25, "init": "orthogonal"}]},
            "baselines.2.when",
        ),
        ({"baselines": [{"when": 20, "init": "zeros"}]}, "baselines.0.init: expected a value in space.init"),
        ({"seeds": 0}, "seeds"),
        ({"smallest_effect": -0.1}, "smallest_effect"),
    ],
)
def test_what_is_impossible_is_refused_by_name(study: Study, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as refusal:
        with_changes(study, changes)

    assert field in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"metric": "accuracy/nonsense"}, "metric"),
        ({"secondary": ["accuracy/late", "accuracy/nonsense"]}, r"secondary\.1: no metric 'accuracy/nonsense'"),
        ({"comparison": ["frozen", "frozen"]}, "comparison"),
        ({"published": [{"arm": "frosen", "metric": "a", "mean": 0, "std": 1, "source": ""}]}, "Did you mean 'frozen'"),
        ({"space.init": {"kind": "choice", "field": "growths.0.trigger.step", "options": [10, 20]}}, "space.init"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(study: Study, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError, match=field):
        with_changes(study, changes)


@pytest.mark.parametrize("changes", [{"title": "a title\ud800"}, {"arms": {"frozen": {}, "a title\ud800": {}}}])
def test_texts_that_no_file_can_hold_are_refused(study: Study, changes: dict[str, Any]) -> None:
    arms = changes.get("arms", study.arms)
    with pytest.raises(ValidationError) as caught:
        Study.model_validate(study.to_json() | {"comparison": list(arms)[:2]} | changes)

    assert r"expected texts that UTF-8 can write, found" in explain(caught.value)
    assert r"a title\ud800'" in explain(caught.value)


def test_an_unknown_argument_is_refused(study: Study) -> None:
    with pytest.raises(ValidationError) as refusal:
        Study.model_validate({**study.to_json(), "arm": {}})

    assert "arm" in explain(refusal.value)


def test_a_configuration_is_laid_over_the_base_and_the_arm_over_both(study: Study) -> None:
    config = study.config({"when": 30, "init": "kaiming_normal"}, "frozen", seed=7)

    growth = config.growths[0]
    assert growth.trigger.to_json()["step"] == 30
    assert growth.operation.to_json()["init"] == {"kind": "kaiming_normal"}
    assert (growth.freeze, config.seed) == (OldParameters(), 7)
    assert study.base.seed == 0


def test_an_arm_has_the_last_word(study: Study) -> None:
    late = with_changes(study, {"arms.frozen": {"growths.0.trigger.step": 15, "growths.0.freeze": "nothing"}})

    config = late.config({"when": 30, "init": "kaiming_normal"}, "frozen", seed=0)

    assert config.growths[0].trigger.to_json()["step"] == 15


def test_arms_differ_in_what_they_say_alone(study: Study) -> None:
    params = {"when": 20, "init": "orthogonal"}

    frozen, unfrozen = (study.config(params, arm, seed=1) for arm in ("frozen", "unfrozen"))

    assert with_changes(frozen, {"growths.0.freeze": NoFreezing()}) == unfrozen


def test_values_that_do_not_fit_together_are_refused(study: Study) -> None:
    short = study.model_copy(update={"space": {"steps": Int(field="steps", low=20, high=40, step=10)}})

    with pytest.raises(SpecError, match=r"growths\.0\.trigger\.step: expected a step before the end at 20"):
        short.config({"steps": 20}, "frozen", seed=0)


def test_a_changed_study_has_changed_in_its_base_alone(study: Study) -> None:
    changed = study.changed({"training.batch_size": 16, "model.widths": [4]}, name="smaller")

    assert (changed.name, changed.base.training.batch_size) == ("smaller", 16)
    assert changed.to_json() == study.to_json() | {"name": "smaller", "base": changed.base.to_json()}


def test_device_and_precision_are_resolved(study: Study) -> None:
    automatic = with_changes(study, {"base.device": "auto", "base.precision": "auto"})

    base = automatic.changed({"device": "cpu"}).base

    assert (base.device, base.precision) == ("cpu", "fp32")


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"training.batchsize": 16}, None, "Did you mean 'batch_size'"),
        ({"training.batch_size": "many"}, None, "training.batch_size"),
        ({"steps": 15}, None, "before the end at 15"),
        ({"steps": 25}, None, "space.when"),
        ({}, "Not A Name", "name"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(
    study: Study, changes: dict[str, Any], name: str | None, message: str
) -> None:
    with pytest.raises(InputError) as refusal:
        study.changed(changes, name=name)

    assert message in str(refusal.value)


def test_a_study_survives_json(study: Study) -> None:
    again = Study.model_validate(study.to_json())

    assert again.to_json() == study.to_json()
    assert again.config({"when": 10}, "frozen", seed=3) == study.config({"when": 10}, "frozen", seed=3)


def test_whole_specs_can_be_searched_by_their_kind(study: Study) -> None:
    space = {"freeze": Choice(field="growths.0.freeze", options=("nothing", "old_parameters"))}

    searched = study.model_copy(update={"space": space, "arms": {"only": {}}})

    assert searched.config({"freeze": "old_parameters"}, "only", seed=0).growths[0].freeze == OldParameters()


def test_errors_are_minimized_and_accuracies_maximized(study: Study) -> None:
    losses = {"classes": "joint_cross_entropy", "load": "huber"}
    regression = with_changes(
        study, {"base.task.outputs": {"load": {}}, "base.training.losses": losses, "metric": "rmse/load"}
    )

    assert (study.direction, regression.direction) == ("maximize", "minimize")
    with pytest.raises(SpecError, match=r"no metric 'rmse/loads'\..*Did you mean 'rmse/load'\?"):
        with_changes(regression, {"metric": "rmse/loads"})


class Misses(AbstractMetric):
    """Nobody knows the class but this file."""

    kind: Literal["misses"] = "misses"
    direction: Direction = "minimize"

    def value(self, predictions: Predictions) -> Tensor:
        return (predictions.answers != predictions.truth).double().mean()


def test_a_named_metric_decides_in_its_own_direction_and_is_weighed(study: Study) -> None:
    metrics = {"f1": MacroF1(), "misses": Misses(), "calibration": CalibrationError()}
    named = with_changes(
        study,
        {
            "base.training.metrics": metrics,
            "metric": "misses/all",
            "secondary": ["f1/late"],
            "objectives": [{"metric": "calibration/all", "direction": "minimize"}],
            "sampler": "nsga_ii",
        },
    )

    assert named.objective_directions == {"val/misses/all": "minimize", "val/calibration/all": "minimize"}
    assert Study.model_validate(named.to_json()) == named
    with pytest.raises(SpecError, match=r"no metric 'calibration/late'\..*Did you mean 'calibration/all'\?"):
        with_changes(named, {"secondary": ["calibration/late"]})


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (RSquared(), "r_squared is computed from outputs of values, and cannot be of any output of the task"),
        (MacroF1(output="load"), "cannot be of the output 'load' of the task, which has all"),
    ],
)
def test_a_metric_of_no_output_is_refused(study: Study, metric: AbstractMetric, words: str) -> None:
    with pytest.raises(SpecError, match=f"training.metrics.it: .*{words}"):
        with_changes(study, {"base.training.metrics": {"it": metric}})


@pytest.fixture
def growing(study: Study) -> Study:
    """A study of whether a layer is inserted, and when; the widths of the head depend on its tap."""
    second = GrowthRule(
        trigger=AtStep(step=35),
        operation=InsertLayer(after="hidden.0", name="second", layer=MLPBlock(width=8)),
        freeze=NoFreezing(),
    )
    head = "growths.0.operation.width"
    space = {
        "again": Present(field="growths.1"),
        "when again": Int(field="growths.1.trigger.step", low=31, high=39, when={"again": True}),
        "tap": Choice(field="growths.0.operation.tap", options=("hidden.0", "hidden.1")),
        "width": Int(field=head, low=4, high=8, when={"tap": "hidden.0"}),
        "top width": Int(field=head, low=1, high=2, when={"tap": "hidden.1"}),
    }
    base = study.base.model_copy(update={"growths": (*study.base.growths, second)})
    arms = {"frozen": {"growths.0.freeze": "old_parameters", "growths.1.freeze": "old_parameters"}, "unfrozen": {}}
    return with_changes(study, {"base": base, "space": space, "arms": arms})


def test_a_growth_that_is_absent_is_left_out_whatever_the_arm_says_of_it(growing: Study) -> None:
    one, two = ({"again": False, "tap": "hidden.1", "top width": 2}, {"again": True, "when again": 38})

    configs = [growing.config(params, "frozen", seed=0) for params in (one, two)]

    assert [len(config.growths) for config in configs] == [1, 2]
    assert all(rule.freeze == OldParameters() for config in configs for rule in config.growths)
    assert configs[0].growths[0].operation.to_json()["width"] == 2
    assert configs[1].growths[1].trigger == AtStep(step=38)


@pytest.mark.parametrize("changes", [{"growths": []}, {"growths.1": {"trigger": {"kind": "at_step", "step": 33}}}])
def test_an_arm_that_names_the_growth_or_all_of_them_has_the_last_word(growing: Study, changes: dict[str, Any]) -> None:
    if "growths.1" in changes:
        changes = {"growths.1": growing.base.growths[1].to_json() | changes["growths.1"]}
    replaced = with_changes(growing, {"arms.frozen": changes})

    absent, present = (replaced.config({"again": again}, "frozen", seed=0) for again in (False, True))

    assert absent == present


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space.again.field": "growths.2"}, "space.again: no field 'growths.2': expected an index below 2"),
        ({"space.again.field": "training.batch_size"}, "space.again: expected an item of a list or a mapping"),
        ({"space.again.field": "growths.0.trigger"}, "space.again: expected an item of a list or a mapping"),
        ({"space.when again.when": {}}, "give it the condition when={'again': True}"),
        ({"space.when again.when": {"agayn": True}}, "space.when again.when: no dimension 'agayn'. Did you mean"),
        ({"space.when again.high": 40}, "space.when again: growths.1.trigger.step: expected a step before the end"),
        ({"space.width.when": {}}, "space.top width: 'growths.0.operation.width' is searched as 'width' already"),
        ({"space.width.field": "growths.0.operation.wdth"}, "Did you mean 'width'"),
        ({"baselines": [{"again": False, "tap": "hidden.0"}]}, "baselines.0: expected values of again, tap, width; f"),
        (
            {"baselines": [{"again": False, "when again": 35, "tap": "hidden.0", "width": 4}]},
            "baselines.0: expected values of again, tap, width; found again, when again, tap, width",
        ),
        ({"baselines": [{"again": 1, "tap": "hidden.0", "width": 4}]}, "baselines.0.again: expected a value in space"),
        ({"sampler": "grid", "trials": 10**6}, "trials: expected at most 42, all that the sampler 'grid'"),
    ],
)
def test_conditions_that_do_not_fit_are_refused_by_name(growing: Study, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as refusal:
        with_changes(growing, changes)

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_baseline_has_values_of_what_exists_for_it(growing: Study) -> None:
    baselines = [
        {"again": False, "tap": "hidden.0", "width": 4},
        {"again": True, "when again": 33, "tap": "hidden.1", "top width": 1},
    ]

    based = with_changes(growing, {"baselines": baselines})

    assert [based.point(number) for number in (0, 1)] == baselines


def test_a_loss_can_be_present_or_not(study: Study) -> None:
    small = {"kind": "parameter_norm", "paths": ["hidden.0"]}
    base = with_changes(study.base, {"training.losses": {"classes": "joint_cross_entropy", "small": small}})
    searched = study.model_copy(update={"base": base, "space": {"pull": Present(field="training.losses.small")}})

    losses = [searched.config({"pull": pull}, "frozen", seed=0).training.losses for pull in (False, True)]

    assert [list(found) for found in losses] == [["classes"], ["classes", "small"]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": [["cost/second", "minimize"]]}, "objectives.0"),
        (
            {"objectives": [{"metric": "cost/second", "direction": "minimize"}]},
            "objectives.0.metric: no metric 'cost/s",
        ),
        ({"objectives": [{"metric": "cost/second", "direction": "minimize"}]}, "Did you mean 'cost/seconds'"),
        ({"objectives": [{"metric": "cost/steps", "direction": "less"}]}, "objectives.0.direction"),
        ({"objectives": [{"metric": "accuracy/all", "direction": "maximize"}]}, "found 'accuracy/all' again"),
        ({"objectives": [{"metric": "cost/steps", "direction": "minimize"}] * 2}, "objectives.1.metric: expected anot"),
        (
            {"objectives": [{"metric": "cost/steps", "direction": "minimize"}], "sampler": "cma_es"},
            "sampler: expected one that weighs several objectives, found 'cma_es'",
        ),
    ],
)
def test_objectives_that_cannot_be_weighed_are_refused_by_name(
    study: Study, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as refusal:
        with_changes(study, changes)

    assert message in str(refusal.value)


def test_the_search_sees_validation_metrics_and_costs(study: Study) -> None:
    objectives = (
        Objective(metric="growth/parameters_added", direction="minimize"),
        Objective(metric="forgetting", direction="minimize"),
        Objective(metric="accuracy/late", direction="maximize"),
    )

    weighed = with_changes(study, {"objectives": objectives}).objective_directions

    assert weighed == {
        "val/accuracy/all": "maximize",
        "growth/parameters_added": "minimize",
        "val/forgetting": "minimize",
        "val/accuracy/late": "maximize",
    }
