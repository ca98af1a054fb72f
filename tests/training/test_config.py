import pytest
from pydantic import ValidationError

from harness.core.errors import SpecError
from harness.core.spec import with_changes
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
