import pytest
from pydantic import ValidationError

from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD


def test_settings_survive_json() -> None:
    config = TrainingConfig(optimizer=SGD(lr=0.2), clip_norm=1.5)

    assert TrainingConfig.model_validate(config.to_json()) == config


@pytest.mark.parametrize("field", ["batch_size", "clip_norm", "evaluate_every"])
def test_what_must_be_positive_is_refused_otherwise(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        TrainingConfig.model_validate({field: 0})
