import pytest
from pydantic import ValidationError

from harness.search.published import Published

RESULT = {"arm": "frozen", "metric": "accuracy/all", "mean": 0.9, "std": 0.01, "source": "Someone (2018)"}


def test_a_published_result_survives_json() -> None:
    result = Published.model_validate(RESULT)

    assert Published.model_validate(result.to_json()) == result


@pytest.mark.parametrize("changes", [{"std": 0.0}, {"std": -0.1}, {"mean": float("nan")}])
def test_a_spread_is_positive_and_a_mean_is_a_number(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Published.model_validate(RESULT | changes)
