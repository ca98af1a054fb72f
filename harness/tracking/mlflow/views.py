"""Saved views of a study in the MLflow UI: its runs as a table with the right columns, its arms, and one run of each.

Without them the UI shows one closed row, the parent run, and no chart. A view is an experiment tag whose format is
MLflow's own (3.17).
"""

import json
from collections.abc import Mapping
from typing import Any

from harness.staging.ledger import StudyRecord
from harness.staging.run_name import run_name
from harness.tracking.content.finals import FINAL, final_key
from harness.tracking.content.keys import allowed_keys, metric_keys

__all__ = ["ARMS_VIEW", "PAIR_VIEW", "RUNS_VIEW", "is_saved", "saved_views"]

RUNS_VIEW = "runs"
ARMS_VIEW = "arms"
PAIR_VIEW = "pair"
RUN_NAME = "attributes.`Run Name`"
CHARACTER_PX, FRAME_PX = 7, 32  # of a column's name
NAME_CHARACTER_PX, NAME_FRAME_PX = 6, 56  # of the name of a run, which is not bold and stands beside its color
MOST_CHARACTERS = 50  # of a run's name, or no result would be in view
COLUMNS = 2  # of charts, whose names are cut in three beside a list of runs
FIRST = "tags.trial = '0' AND tags.seed = '0'"


def saved_views(study: StudyRecord, now_ms: int) -> dict[str, str]:
    """Return the experiment tags that hold the views, made at `now_ms`."""
    widths = {RUN_NAME: _width_of_names(study)} | {column: _width(column) for column in _columns(study)}
    runs = {
        "searchFilter": "tags.arm LIKE '%'",  # the runs without their parent
        "orderByKey": "tags.`mlflow.runName`",  # by time, the UI's default, runs are folded into their parent
        "orderByAsc": True,
        "selectedColumns": _columns(study),
        "columnOrder": list(widths),  # of those that it names, MLflow takes the widths
        "columnWidths": widths,
        **_charts(study),
        "runsHiddenMode": "FIRST_20_RUNS",
    }
    groups = {"aggregateFunction": "average", "groupByKeys": [{"mode": "param", "groupByData": "arm"}]}
    return {
        f"mlflow.sharedViewState.{RUNS_VIEW}": _view("Runs", runs, now_ms),
        f"mlflow.sharedViewState.{ARMS_VIEW}": _view("Means of the arms", runs | {"groupBy": groups}, now_ms),
        f"mlflow.sharedViewState.{PAIR_VIEW}": _view("First trial, arm by arm", runs | {"searchFilter": FIRST}, now_ms),
    }


def _columns(study: StudyRecord) -> list[str]:
    results = [f"{split}/{study.spec.metric}" for split in ("test", "val")]
    sizes = [f"growth/parameters{which}" for which in ("", "_trainable", "_added")]
    metrics = allowed_keys(final_key(name) for name in [*results, "test/forgetting", *sizes, "cost/seconds"])
    params = allowed_keys([*study.spec.space, "arm", "seed"])
    return [f"metrics.`{key}`" for key in metrics.values()] + [f"params.`{key}`" for key in params.values()]


def is_saved(view: str, known: str | None) -> bool:
    """Return whether `known`, an experiment tag, is the view, whenever it was made."""
    return known is not None and json.loads(known)["state"] == json.loads(view)["state"]


def _width(column: str) -> int:
    """Return the width, in pixels, at which all of a column's name can be read, whose beginning others have, too."""
    return FRAME_PX + CHARACTER_PX * len(column.partition("`")[2].rstrip("`"))


def _width_of_names(study: StudyRecord) -> int:
    """Return the width at which the name of every run can be read, down to its seed, beside its color."""
    last = study.trials - 1
    names = (run_name(last, arm, 1000 * last + study.seeds - 1) for arm in study.spec.arms)
    return NAME_FRAME_PX + NAME_CHARACTER_PX * min(max(map(len, names), default=0), MOST_CHARACTERS)


def _charts(study: StudyRecord) -> dict[str, Any]:
    """Return how charts are laid out: the curve of the metric first, then losses; final values, one bar each, folded.

    MLflow adds charts of all other metrics, in sections that follow these.
    """
    (curve,) = metric_keys([f"val/{study.spec.metric}"]).values()
    folded = {curve.rpartition("/")[0]: False, "train/loss": False, FINAL: True}
    sections = [
        {
            "uuid": name,
            "name": name,
            "display": not fold,
            "isReordered": True,  # or MLflow puts its own charts first
            "deleted": False,
            "isGenerated": True,
            "columns": COLUMNS,
        }
        for name, fold in folded.items()
    ]
    first = {
        "type": "LINE",
        "uuid": curve,
        "metricSectionId": curve.rpartition("/")[0],
        "metricKey": curve,
        "selectedMetricKeys": [curve],
        "deleted": False,
        "isGenerated": True,
        "xAxisKey": "step",
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisScaleType": "linear",
    }
    return {"compareRunSections": sections, "compareRunCharts": [first], "isAccordionReordered": True}


def _view(name: str, state: Mapping[str, Any], now_ms: int) -> str:
    return json.dumps({"name": name, "createdAt": now_ms, "updatedAt": now_ms, "state": json.dumps(state)})
