import threading
import time
from pathlib import Path

import pytest

from harness.core.errors import HomeError
from harness.tracking.mlflow.location import artifacts_beside, database_of, default_tracking_uri, taking_turns


def test_the_default_database_lies_in_the_home(tmp_path: Path) -> None:
    database = database_of(default_tracking_uri(tmp_path))

    assert database == tmp_path / "mlflow.sqlite"
    assert artifacts_beside(database) == tmp_path / "mlartifacts"


def test_a_server_is_no_file() -> None:
    assert database_of("http://127.0.0.1:5000") is None


def test_only_one_at_a_time_has_the_turn(tmp_path: Path) -> None:
    uri = default_tracking_uri(tmp_path / "new")
    inside, most = 0, 0

    def take() -> None:
        nonlocal inside, most
        with taking_turns(uri):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HomeError, match="choose another home"), taking_turns(default_tracking_uri(tmp_path / "file")):
        pass
