"""Addresses of a study's pages in the MLflow UI."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.error import HTTPError

from harness.core.errors import StudyNotFoundError
from harness.tracking.mlflow.views import ARMS_VIEW, PAIR_VIEW, RUNS_VIEW
from harness.tracking.ui_server import answer_of

__all__ = ["compare_page", "curves_page", "fetch", "means_page", "runs_page"]

API = "ajax-api/2.0/mlflow"
MOST_RUNS = 500


def runs_page(url: str, study: str) -> str:
    """Return the address of the study's runs, as a table and as charts, at the MLflow UI that answers at `url`.

    Raises:
        StudyNotFoundError: the study is not in this MLflow database.
    """
    view = f"workflowType=machine_learning&viewStateShareKey={RUNS_VIEW}"
    return f"{url}/#/experiments/{_experiment(url, study)}/runs?{view}"


def curves_page(url: str, study: str) -> str:
    """Return the address of the curves of the first trial and seed, one line for each arm.

    Raises:
        StudyNotFoundError: the study is not in this MLflow database.
    """
    view = f"workflowType=machine_learning&compareRunsMode=CHART&viewStateShareKey={PAIR_VIEW}"
    return f"{url}/#/experiments/{_experiment(url, study)}/runs?{view}"


def means_page(url: str, study: str) -> str:
    """Return the address of the means of the arms, over configurations and seeds, with one curve for each arm.

    Raises:
        StudyNotFoundError: the study is not in this MLflow database.
    """
    view = f"workflowType=machine_learning&compareRunsMode=CHART&viewStateShareKey={ARMS_VIEW}"
    return f"{url}/#/experiments/{_experiment(url, study)}/runs?{view}"


def compare_page(url: str, study: str) -> str | None:
    """Return the address of the comparison of two runs that differ only in their arm, or None if there is no such pair.

    The arms are those that the study compares; the pair is the first by trial and seed.

    Raises:
        StudyNotFoundError: the study is not in this MLflow database.
    """
    experiment = _experiment(url, study)
    query = {"experiment_ids": [experiment], "max_results": MOST_RUNS, "order_by": ["tags.`mlflow.runName` ASC"]}
    runs = json.loads(fetch(f"{url}/{API}/runs/search", query)).get("runs", [])
    pair = _pair([(run["info"]["run_id"], _tags(run)) for run in runs if run["info"]["status"] == "FINISHED"])
    if pair is None:
        return None
    ids = {"runs": json.dumps(pair), "experiments": json.dumps([experiment])}
    chosen = urllib.parse.urlencode(ids, quote_via=urllib.parse.quote)
    return f"{url}/#/compare-runs?{chosen}"


def fetch(url: str, content: Mapping[str, Any] | None = None) -> bytes:
    """Return the response of a server of this machine; send `content` as JSON if it is given."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    return answer_of(request)


def _experiment(url: str, study: str) -> str:
    name = urllib.parse.quote(study)
    try:
        answer = fetch(f"{url}/{API}/experiments/get-by-name?experiment_name={name}")
    except HTTPError as error:
        error.close()
        raise StudyNotFoundError(f"MLflow shows no study {study!r} yet; run it, or sync it, first") from None
    return str(json.loads(answer)["experiment"]["experiment_id"])


def _tags(run: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}


def _pair(runs: Iterable[tuple[str, Mapping[str, str]]]) -> list[str] | None:
    """Return the ids of the first two runs with one trial and seed and, in this order, the two arms compared."""
    blocks: dict[tuple[str, str], dict[str, str]] = {}
    compared: list[str] = []
    for run, tags in runs:
        compared = compared or json.loads(tags.get("comparison", "[]"))
        if "arm" in tags:
            blocks.setdefault((tags["trial"], tags["seed"]), {})[tags["arm"]] = run
    for arms in blocks.values():
        names = compared or sorted(arms)[:2]
        if len(names) == 2 and all(name in arms for name in names):
            return [arms[name] for name in names]
    return None
