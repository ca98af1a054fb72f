from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from harness.core.history import History
from harness.staging.histories import SNAPSHOT_FILE, stage_folder
from harness.staging.ledger import RunRecord, StageAddress, StudyRecord
from harness.tracking.mlflow.client import MlflowClient, Run
from harness.tracking.mlflow.location import default_tracking_uri
from harness.tracking.mlflow.tracker import MlflowTracker

MakeRun = Callable[..., RunRecord]
ReadBack = Callable[[], tuple[Run, list[Run]]]


def test_a_damaged_snapshot_leaves_the_run_without_weights(
    client: MlflowClient, home: Path, study: StudyRecord, make_run: MakeRun, read_back: ReadBack, tmp_path: Path
) -> None:
    ends = StageAddress("cd" * 32, 40)
    folder = stage_folder(tmp_path, ends)
    folder.mkdir(parents=True)
    (folder / SNAPSHOT_FILE).write_bytes(b"damaged")
    tracker = MlflowTracker(default_tracking_uri(home), tmp_path)
    tracker.begin_study(study)

    tracker.project_run(make_run(stages=(ends,)), History())

    _, (child,) = read_back()
    assert child.info.status == "FINISHED"
    assert {file.path for file in client.list_artifacts(child.info.run_id)} == {
        "config.json",
        "figure.svg",
        "growths.json",
    }


def test_the_final_weights_are_an_artifact(
    client: MlflowClient,
    home: Path,
    study: StudyRecord,
    make_run: MakeRun,
    history: History,
    read_back: ReadBack,
    tmp_path: Path,
) -> None:
    ends = StageAddress("ab" * 32, 40)
    folder = stage_folder(tmp_path / "store", ends)
    folder.mkdir(parents=True)
    (folder / SNAPSHOT_FILE).write_bytes(save({"model/0/w": np.arange(6.0), "optimizer/0/w/m": np.zeros(6)}))
    tracker = MlflowTracker(default_tracking_uri(home), tmp_path / "store")
    tracker.begin_study(study)

    tracker.project_run(make_run(stages=(ends,)), history)

    _, (child,) = read_back()
    path = client.download_artifacts(child.info.run_id, "weights.safetensors", str(tmp_path))
    weights = load_file(path)
    assert list(weights) == ["0/w"]
    assert weights["0/w"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
