import json

from harness.staging.ledger import StudyRecord
from harness.tracking.mlflow.views import saved_views


def test_the_table_shows_the_metric_the_searched_fields_arm_and_seed(study: StudyRecord) -> None:
    view = json.loads(saved_views(study, now_ms=1)["mlflow.sharedViewState.runs"])

    assert json.loads(view["state"])["selectedColumns"] == [
        "metrics.`final/accuracy_all`",
        "metrics.`final/accuracy_all_val`",
        "metrics.`final/forgetting`",
        "metrics.`final/parameters`",
        "metrics.`final/parameters_trainable`",
        "metrics.`final/parameters_added`",
        "metrics.`final/seconds`",
        "params.`width`",
        "params.`arm`",
        "params.`seed`",
    ]


def test_the_arms_are_the_same_table_in_groups(study: StudyRecord) -> None:
    views = {key: json.loads(json.loads(text)["state"]) for key, text in saved_views(study, now_ms=1).items()}

    runs, arms = views["mlflow.sharedViewState.runs"], views["mlflow.sharedViewState.arms"]

    assert arms.pop("groupBy")["groupByKeys"] == [{"mode": "param", "groupByData": "arm"}]
    assert arms == runs
