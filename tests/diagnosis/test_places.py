import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from harness.diagnosis.finding import Finding
from harness.diagnosis.places import look_at_places
from harness.staging.ledger import Ledger
from harness.staging.workspace import Workspace


def found(workspace: Workspace, tracking_uri: str | None = None) -> dict[str, Finding]:
    return {one.subject: one for one in look_at_places(workspace, tracking_uri)}


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that asks for a password."""

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Refuses) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://ada:s3cret@127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_where_nothing_was_run_all_is_well_and_nothing_is_written(tmp_path: Path) -> None:
    said = found(Workspace(tmp_path / "runs"))

    assert {one.state for one in said.values()} == {"ok"}
    assert "not there yet" in said["home"].says
    assert said["ledger"].says.endswith("none yet, the first run makes it")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_is_counted(tmp_path: Path) -> None:
    Ledger(tmp_path).create()

    assert found(Workspace(tmp_path))["ledger"].says == f"{tmp_path / 'ledger.sqlite'}: studies 0, runs 0"


@pytest.mark.parametrize(
    ("subject", "workspace", "uri"),
    [
        ("ledger", Workspace(Path(), "postgresql://u:s3cret@127.0.0.1:1/x"), None),
        ("ledger", Workspace(Path(), "mysql://u:s3cret@host/x"), None),
        ("home", Workspace(Path("file/runs")), None),
        ("data", Workspace(Path(), data_folder=Path("nowhere")), None),
        ("mlflow", Workspace(Path()), "htp://ada:s3cret@host"),
    ],
)
def test_what_cannot_be_used_is_wrong_and_shows_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: str, workspace: Workspace, uri: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()

    said = found(workspace, uri)

    assert said[subject].state == "wrong"
    assert said[subject].remedy
    assert "s3cret" not in str(said)


def test_a_full_disk_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.diagnosis.places.LOW_BYTES", 10**18)

    said = found(Workspace(tmp_path))

    assert (said["home"].state, said["stages"].remedy) == ("wrong", "make room, such as by harness cache evict")


def test_a_server_that_answers_is_well_and_its_password_is_not_shown(tmp_path: Path, server: str) -> None:
    said = found(Workspace(tmp_path), server)["mlflow"]

    assert (said.state, said.says) == ("ok", f"http://{server.partition('@')[2]} answers")


def test_a_server_that_is_away_is_missing_since_runs_go_on_without_it(tmp_path: Path) -> None:
    said = found(Workspace(tmp_path), "http://127.0.0.1:1")["mlflow"]

    assert (said.state, said.remedy) == ("missing", "start it; harness sync delivers later")
