import os
from pathlib import Path

from harness.tracking.delivery.destination import destinations_of
from harness.tracking.delivery.used_trackers import save_trackers, used_trackers
from harness.tracking.live.format import live_folder


def test_the_trackers_of_the_last_launch_are_known_of_a_study_and_of_all(tmp_path: Path) -> None:
    for number, (study, names) in enumerate({"one": ["csv", "mlflow"], "two": ["csv"]}.items()):
        live_folder(tmp_path, study).mkdir(parents=True)
        save_trackers(tmp_path, study, destinations_of(names, None, tmp_path))
        os.utime(live_folder(tmp_path, study) / "trackers.json", (number, number))

    assert used_trackers(tmp_path, "one") == ["csv", "mlflow"]
    assert used_trackers(tmp_path, None) == ["csv"]


def test_without_a_launch_it_is_mlflow(tmp_path: Path) -> None:
    live_folder(tmp_path, "torn").mkdir(parents=True)
    (live_folder(tmp_path, "torn") / "trackers.json").write_text("[")

    assert used_trackers(tmp_path, "torn") == used_trackers(tmp_path, "none") == ["mlflow"]
