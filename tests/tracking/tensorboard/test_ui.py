import json
import re
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from harness.core.errors import HomeError, StudyNotFoundError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking import Place, UiSettings
from harness.tracking.tensorboard.tracker import TensorBoardTracker
from harness.tracking.ui_server import answer_of

PATIENCE_S = 120.0  # until TensorBoard has read the files


def answered(url: str) -> Any:
    return json.loads(answer_of(urllib.request.Request(url)))


def points_of(url: str, run: str, key: str) -> Any:
    return answered(f"{url}/data/plugin/scalars/scalars?{urlencode({'run': run, 'tag': key}, quote_via=quote)}")


def test_a_home_without_events_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="harness sync --tracker tensorboard"):
        TensorBoardTracker.start_ui(tmp_path, UiSettings())


@pytest.mark.campaign
def test_tensorboard_shows_the_curves_of_the_studies_of_a_home(
    tmp_path: Path, study: StudyRecord, run: RunRecord, history: History
) -> None:
    tracker = TensorBoardTracker.open(Place(TensorBoardTracker.uri_in(tmp_path), points="all"))
    tracker.begin_study(study)
    tracker.project_run(run, history)

    with TensorBoardTracker.start_ui(tmp_path, UiSettings()) as server:
        answer = answered(f"{server.url}/data/environment")
        began = time.monotonic()
        while not (curves := answered(f"{server.url}/data/plugin/scalars/tags")):
            assert time.monotonic() - began < PATIENCE_S
            time.sleep(0.5)
        ((name, keys),) = curves.items()
        measured = {key: points_of(server.url, name, key) for key in history}

    assert answer["data_location"] == str(tmp_path / "tensorboard")
    assert name.startswith(f"{study.name}/trial ")
    assert set(history) <= set(keys)
    # Of what was measured twice after the same step, TensorBoard shows the last.
    assert {key: [step for _, step, _ in points] for key, points in measured.items()} == {
        key: sorted(set(history[key].steps)) for key in history
    }


@pytest.mark.parametrize(("metric", "shown"), [("accuracy/all", "accuracy/all"), ("rmse/Größe (m)", "rmse/Größe _m_")])
def test_the_link_begins_with_the_metric_of_the_study_and_tells_arms_by_color(
    tmp_path: Path, study: StudyRecord, metric: str, shown: str
) -> None:
    study = replace(study, spec=StudySpec({**study.spec, "metric": metric}))
    TensorBoardTracker.open(Place(TensorBoardTracker.uri_in(tmp_path))).begin_study(study)

    link = TensorBoardTracker.links("http://127.0.0.1:6006", study.name, tmp_path)["TensorBoard"]

    asked = parse_qs(urlsplit(link).query)
    assert json.loads(asked["pinnedCards"][0]) == [{"plugin": "scalars", "tag": f"val/{shown}"}]
    assert asked["runFilter"] == [f"^{study.name}/"]
    assert re.findall(asked["runColorGroup"][0].removeprefix("regex:"), "trial 3 · trunk · frozen · seed 0") == [
        "trunk · frozen"
    ]


def test_a_study_that_is_not_shown_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="TensorBoard shows no study 'tiny' yet; run it, or sync it, first"):
        TensorBoardTracker.links("http://127.0.0.1:6006", "tiny", tmp_path)
