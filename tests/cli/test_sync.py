import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.staging.ledger import Ledger
from harness.tracking.mlflow.client import MlflowClient

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


@pytest.fixture
def home(first_run: tuple[Path, Ended]) -> Path:
    """A home with the study `tiny` in it."""
    return first_run[0] / "runs"


def test_a_study_is_delivered_and_delivered_again_to_the_same_effect(home: Path, call: Call, workplace: Path) -> None:
    uri = f"sqlite:///{workplace}/elsewhere.sqlite"

    syncs = [call("sync", "tiny", "--home", str(home), "--tracking-uri", uri) for _ in range(2)]

    for ended in syncs:
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "tiny: MLflow shows all that is known, 4 runs.\n"
    runs = MlflowClient(tracking_uri=uri).search_runs(["1"])
    assert [run.info.status for run in runs] == ["FINISHED"] * 5


def test_the_address_may_stand_in_the_environment_and_every_study_is_meant_without_a_name(
    home: Path, call: Call, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_TRACKING_URI", f"sqlite:///{workplace}/elsewhere.sqlite")

    ended = call("sync", "--home", str(home))

    assert (ended.returncode, ended.stdout) == (0, "tiny: MLflow shows all that is known, 4 runs.\n")
    assert (workplace / "elsewhere.sqlite").is_file()


def test_what_could_not_be_delivered_is_said_without_the_password(
    home: Path, process: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_TRACKING_URI", "")

    ended = process("-m", "harness", "sync", "--home", str(home), "--tracking-uri", "http://ada:s3cret@127.0.0.1:9")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "harness: 4 runs with " in ended.stderr.splitlines()[-1]
    assert "of tiny were not delivered: MLflow at http://127.0.0.1:9 cannot be used" in ended.stderr
    assert "s3cret" not in ended.stderr


def test_each_tracker_gets_what_it_lacks(home: Path, call: Call, workplace: Path) -> None:
    shutil.copytree(home, workplace / "runs")

    syncs = [call("sync", "tiny", "--tracker", "csv", "--tracker", "tensorboard") for _ in range(2)]

    for ended in syncs:
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "".join(
            f"tiny: {title} shows all that is known, 4 runs.\n" for title in ("CSV", "TensorBoard")
        )
    assert len((workplace / "runs" / "csv" / "tiny" / "runs.csv").read_text().splitlines()) == 5


def test_a_tracker_that_is_not_known_is_refused(home: Path, call: Call) -> None:
    ended = call("sync", "tiny", "--home", str(home), "--tracker", "tensorbord")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "Did you mean 'tensorboard'" in ended.stderr


@pytest.mark.parametrize("command", [["sync", "tiny"], ["ui"]])
def test_a_damaged_database_of_mlflow_is_wrong_input_in_one_line(
    call: Call, workplace: Path, home: Path, command: list[str]
) -> None:
    (workplace / "runs").mkdir()
    shutil.copy(home / "ledger.sqlite", workplace / "runs")
    whole = (home / "mlflow.sqlite").read_bytes()
    (workplace / "runs" / "mlflow.sqlite").write_bytes(whole[: len(whole) // 2])

    ended = call(*command)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "found a damaged one; nothing is lost: move it away, and `harness sync` makes another" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "no study was begun in runs"),
        (["tiny"], "no study 'tiny' was begun in runs"),
        (["tiney", "--home", "HOME"], "Did you mean 'tiny'"),
        (["--home", "HOME", "--tracking-uri", "ftp://ada:s3cret@x"], "expected --tracking-uri"),
    ],
)
def test_wrong_input_is_refused(home: Path, call: Call, arguments: list[str], reason: str) -> None:
    ended = call("sync", *[str(home) if word == "HOME" else word for word in arguments])

    assert (ended.returncode, ended.stdout) == (2, "")
    assert reason in ended.stderr
    assert "s3cret" not in ended.stderr
    assert Ledger(home).studies()
