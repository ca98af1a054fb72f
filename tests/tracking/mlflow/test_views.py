import json

from harness.staging.ledger import StudyRecord
from harness.staging.run_name import run_name
from harness.tracking.mlflow.views import is_saved, saved_views


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


def test_the_name_of_a_run_can_be_read_down_to_its_seed(study: StudyRecord) -> None:
    state = json.loads(json.loads(saved_views(study, now_ms=1)["mlflow.sharedViewState.runs"])["state"])

    longest = max(len(run_name(0, arm, 0)) for arm in study.spec.arms)
    assert 6 * longest < state["columnWidths"]["attributes.`Run Name`"] < 7 * 60
    assert "attributes.`Run Name`" not in state["selectedColumns"]  # it is always shown


def test_names_that_begin_alike_can_be_told_apart_and_curves_come_before_final_values(study: StudyRecord) -> None:
    state = json.loads(json.loads(saved_views(study, now_ms=1)["mlflow.sharedViewState.pair"])["state"])

    assert state["columnWidths"]["metrics.`final/parameters_trainable`"] > 7 * len("final/parameters_trainable")
    assert list(state["columnWidths"]) == state["columnOrder"]  # MLflow takes no widths without an order
    assert [(section["name"], section["display"]) for section in state["compareRunSections"]] == [
        ("val/accuracy", True),
        ("train/loss", True),
        ("final", False),
    ]
    assert state["compareRunCharts"][0]["metricKey"] == "val/accuracy/all"
    # In three columns the names of charts are cut, and what is not reordered begins with MLflow's own.
    assert {(section["columns"], section["isReordered"]) for section in state["compareRunSections"]} == {(2, True)}


def test_a_view_is_known_whenever_it_was_made(study: StudyRecord) -> None:
    view, later = (saved_views(study, now_ms=ms)["mlflow.sharedViewState.runs"] for ms in (1, 2))

    assert is_saved(view, later)
    assert not is_saved(view, view.replace("FIRST_20_RUNS", "FIRST_10_RUNS"))
    assert not is_saved(view, None)
