import pytest
from pydantic import ValidationError

from harness.initializers import AbstractInitializer, TruncatedNormal


@pytest.mark.parametrize("std", [0, -1, "wide"])
def test_a_spread_is_a_positive_number(std: object) -> None:
    with pytest.raises(ValidationError, match="std"):
        TruncatedNormal.model_validate({"std": std})


def test_the_spread_survives_json() -> None:
    spec = TruncatedNormal(std=0.3)

    assert AbstractInitializer.model_validate(spec.to_json()) == spec
