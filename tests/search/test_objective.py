import pytest

from harness.data import Digits
from harness.search.objective import known_objectives, means_over_runs, name_in_runs


def test_all_that_decides_can_be_weighed_and_costs_and_forgetting() -> None:
    known = known_objectives(Digits(classes={"known": (0, 1, 2), "late": (3, 4)}), {})

    assert {"accuracy/all", "accuracy/late", "loss/total", "forgetting", "cost/flops", "cost/seconds"} <= set(known)
    assert len(known) == len(set(known))


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("cost/seconds", "cost/seconds"),
        ("growth/parameters_added", "growth/parameters_added"),
        ("forgetting", "val/forgetting"),
        ("accuracy/all", "val/accuracy/all"),
    ],
)
def test_costs_are_measured_on_no_data(metric: str, name: str) -> None:
    assert name_in_runs(metric) == name


def test_a_mean_is_over_the_runs_that_have_it() -> None:
    runs = [{"a": 1.0, "b": 5.0}, {"a": 2.0}]

    assert means_over_runs(["a", "b"], runs) == (1.5, 5.0)


@pytest.mark.parametrize("runs", [[], [{"a": 1.0}], [{}, {"b": 2.0}]])
def test_without_one_of_the_values_there_is_none(runs: list[dict[str, float]]) -> None:
    assert means_over_runs(["a", "b"], runs) is None
