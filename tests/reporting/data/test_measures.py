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


NAMED = {
    "f1": {"kind": "macro_f1", "unit": "%", "title": "macro-averaged F1", "direction": "maximize"},
    "error": {"kind": "mean_absolute_error", "unit": "target", "title": "mean absolute error", "direction": "minimize"},
    "odd": {"kind": "my_own"},
    "bits": {"kind": "log_loss", "unit": "nats", "direction": "minimize"},
}


@pytest.mark.parametrize(
    ("metric", "title", "short", "unit", "shown", "better"),
    [
        ("test/f1/all", "test macro-averaged F1 over all classes", "f1", "%", "25.00", True),
        ("val/f1/late", "validation macro-averaged F1 on the late classes", "f1 late", "%", "25.00", True),
        ("val/f1_of_class/3", "validation macro-averaged F1 of class 3", "f1_of_class 3", "%", "25.00", True),
        ("test/error/load", "test mean absolute error of load", "error load", "kW", "0.250", False),
        ("test/odd/all", "test my own over all classes", "odd", "", "0.2500", True),
        ("test/bits/all", "test log loss over all classes", "bits", "nats", "0.250", False),
    ],
)
def test_a_named_metric_is_read_as_its_spec_says(
    metric: str, title: str, short: str, unit: str, shown: str, better: bool
) -> None:
    found = measure_of(metric, {"load": "kW"}, NAMED)

    assert (found.title, found.short, found.level_unit, found.level(0.25)) == (title, short, unit, shown)
    assert found.higher_is_better == better
