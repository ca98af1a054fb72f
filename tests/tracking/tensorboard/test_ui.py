import json
import urllib.request
from pathlib import Path

import pytest

from harness.core.errors import HomeError
from harness.staging.ledger import StudyRecord
from harness.tracking import Place, UiSettings
from harness.tracking.tensorboard.tracker import TensorBoardTracker
from harness.tracking.ui_server import answer_of


def test_a_home_without_events_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="harness sync --tracker tensorboard"):
        TensorBoardTracker.start_ui(tmp_path, UiSettings())


@pytest.mark.campaign
def test_tensorboard_shows_the_studies_of_a_home(tmp_path: Path, study: StudyRecord) -> None:
    TensorBoardTracker.open(Place(TensorBoardTracker.uri_in(tmp_path))).begin_study(study)

    with TensorBoardTracker.start_ui(tmp_path, UiSettings()) as server:
        answer = json.loads(answer_of(urllib.request.Request(f"{server.url}/data/environment")))
        links = TensorBoardTracker.links(server.url, study.name)

    assert answer["data_location"] == str(tmp_path / "tensorboard")
    assert links["TensorBoard"].startswith(server.url)
    assert study.name in links["TensorBoard"]
