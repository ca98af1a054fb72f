import pytest
from pydantic import ValidationError

from harness.core.errors import SpecError
from harness.core.spec import with_changes
from harness.metrics import MacroF1
from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD


def test_settings_survive_json() -> None:
    config = TrainingConfig(optimizer=SGD(lr=0.2), clip_norm=1.5)

    assert TrainingConfig.model_validate(config.to_json()) == config


@pytest.mark.parametrize("field", ["batch_size", "clip_norm", "evaluate_every"])
def test_what_must_be_positive_is_refused_otherwise(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        TrainingConfig.model_validate({field: 0})


@pytest.mark.parametrize("rate", [float("inf"), float("nan")])
def test_a_rate_that_is_not_finite_is_refused(rate: float) -> None:
    with pytest.raises(SpecError, match=r"optimizer\.lr"):
        with_changes(TrainingConfig(), {"optimizer.lr": rate})


def test_values_that_were_given_are_not_changed() -> None:
    given = {"kind": "adamw", "lr": 0.1}

    changed = with_changes(TrainingConfig(), {"optimizer": given, "optimizer.lr": 0.5})

    assert changed.optimizer.lr == 0.5
    assert given == {"kind": "adamw", "lr": 0.1}


def test_losses_have_names_that_a_path_and_a_metric_can_have() -> None:
    losses = {"heating load-2": {"kind": "huber"}}

    assert list(TrainingConfig.model_validate({"losses": losses}).losses) == ["heating load-2"]
    for name in ("a.b", "a/b", "", "-"):
        with pytest.raises(ValidationError, match="losses"):
            TrainingConfig.model_validate({"losses": {name: {"kind": "huber"}}})


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_a_fraction_of_a_batch_leaves_room_for_what_is_new(value: float) -> None:
    with pytest.raises(SpecError, match="replay"):
        TrainingConfig(replay=value)


@pytest.mark.parametrize("name", ["accuracy", "loss", "f1_of_class"])
def test_a_metric_whose_name_another_one_has_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=f"expected a name that no other metric has, found '{name}'"):
        TrainingConfig(metrics={"f1": MacroF1(), name: MacroF1()})


def test_settings_without_metrics_are_written_as_before_there_were_any() -> None:
    assert "metrics" not in TrainingConfig().to_json()
    named = TrainingConfig(metrics={"f1": MacroF1()}).to_json()
    assert TrainingConfig.model_validate(named).metrics == {"f1": MacroF1()}


def test_an_exact_fisher_information_of_values_is_refused_at_once() -> None:
    losses = {"load": {"kind": "mean_squared"}, "ewc": {"kind": "elastic_weight_consolidation"}}

    with pytest.raises(ValidationError, match=r"expected one that classifies, .* 'ewc' asks for, found none; set its"):
        TrainingConfig.model_validate({"losses": losses})

    losses["ewc"]["fisher"] = "empirical"
    TrainingConfig.model_validate({"losses": losses})
