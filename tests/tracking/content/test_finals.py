import math

from harness.core.history import History
from harness.tracking.content.finals import finals


def test_the_metric_of_the_study_and_what_ends_no_curve_are_final_results() -> None:
    history = History()
    history.record(40, {"test/accuracy/all": 0.9, "test/loss/total": 0.3, "growth/parameters_added": 10.0})
    results = {
        "test/accuracy/all": 0.9,
        "test/loss/total": 0.3,
        "val/forgetting": 0.1,
        "growth/parameters_added": 10.0,
        "cost/steps": 40.0,
        "test/forgetting": math.nan,
    }

    results_shown = finals("accuracy/all", results, history)

    assert results_shown == {
        "final/accuracy_all": 0.9,
        "final/forgetting_val": 0.1,
        "final/parameters_added": 10.0,
        "final/steps": 40.0,
    }
