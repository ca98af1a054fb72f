import pytest

from harness.reporting.data.measures import measure_of


@pytest.mark.parametrize(
    ("metric", "title", "unit", "higher_is_better"),
    [
        ("test/accuracy/all", "test accuracy over all classes", "percentage points", True),
        ("val/accuracy/late", "validation accuracy on the late classes", "percentage points", True),
        ("test/forgetting", "test forgetting of the known classes", "percentage points", False),
        ("cost/seconds", "training time", "s", False),
        ("test/loss/total", "test loss/total", "", False),
        ("test/something", "test something", "", True),
        ("test/rmse/cooling", "test root mean square error of cooling", "", False),
        ("test/mae/ink", "test mean absolute error of ink", "", False),
        ("test/accuracy_within/mean", "test accuracy within heads, averaged over them", "percentage points", True),
        (
            "val/accuracy_by_arrival/2",
            "validation accuracy on the classes of arrival 2",
            "percentage points",
            True,
        ),
    ],
)
def test_a_metric_is_described_by_its_name(metric: str, title: str, unit: str, higher_is_better: bool) -> None:
    measure = measure_of(metric)

    assert (measure.title, measure.unit, measure.higher_is_better) == (title, unit, higher_is_better)


def test_errors_are_read_in_the_unit_of_their_output() -> None:
    error = measure_of("test/rmse/cooling", {"cooling": "kWh/m2", "heating": "MWh"})

    assert (error.unit, error.level_unit) == ("kWh/m2", "kWh/m2")
    assert error.size(-0.5) == "0.500 kWh/m2"
    assert measure_of("test/rmse/other", {"cooling": "kWh/m2"}).unit == ""
    assert measure_of("test/loss/cooling", {"cooling": "kWh/m2"}).unit == ""


def test_accuracies_are_read_in_percent() -> None:
    accuracy = measure_of("test/accuracy/all")

    assert accuracy.level(0.91234) == "91.23"
    assert accuracy.difference(0.0125) == "+1.25"
    assert accuracy.size(-0.0125) == "1.25 percentage points"
