import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]


class Server:
    """A UI that ends as soon as somebody waits for it."""

    url = "http://127.0.0.1:5000"
    log = Path("mlflow_ui.log")

    def __init__(self, end: Callable[[], object]) -> None:
        self.wait = end


def interrupt() -> None:
    raise KeyboardInterrupt


@dataclass
class Started:
    with_: list[tuple[Path, int | None, str]] = field(default_factory=list)
    end: Callable[[], object] = interrupt
    limit_s: float | None = None


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """The homes, ports and hosts that the UI was started with, and how it ends."""
    asked = Started()

    @contextmanager
    def start(home: Path, port: int | None, host: str, *, limit_s: float | None) -> Iterator[Server]:
        asked.with_.append((home, port, host))
        asked.limit_s = limit_s
        yield Server(asked.end)

    monkeypatch.setattr("harness.tracking.mlflow.tracker.start_ui", start)
    for page in ("runs_page", "curves_page", "means_page", "compare_page"):
        monkeypatch.setattr(
            f"harness.tracking.mlflow.tracker.{page}", lambda url, study, page=page: f"{url}/#/{page}-{study}"
        )
    return asked


def test_the_address_is_printed_and_ctrl_c_is_a_good_end(call: Call, started: Started) -> None:
    ended = call("ui")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "http://127.0.0.1:5000\n" in ended.stdout
    assert started.with_ == [(Path("runs"), None, "127.0.0.1")]


def test_a_study_has_links_to_its_runs_their_curves_and_two_arms(call: Call, started: Started) -> None:  # noqa: ARG001
    ended = call("ui", "tiny")

    for page in ("runs_page", "curves_page", "means_page", "compare_page"):
        assert f"http://127.0.0.1:5000/#/{page}-tiny\n" in ended.stdout


def test_home_and_port_are_passed_on(call: Call, started: Started) -> None:
    call("ui", "--home", "there", "--port", "6000", "--limit", "90")

    assert started.with_ == [(Path("there"), 6000, "127.0.0.1")]
    assert started.limit_s == 90


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("10.0.0.7", True), ("localhost", False)])
def test_who_lets_others_in_is_warned(call: Call, started: Started, host: str, warned: bool) -> None:
    ended = call("ui", "--host", host)

    assert started.with_[0][2] == host
    assert ("asks nobody for a password" in ended.stderr) == warned


def test_being_terminated_is_like_ctrl_c(call: Call, started: Started) -> None:
    before = signal.getsignal(signal.SIGTERM)
    started.end = lambda: signal.raise_signal(signal.SIGTERM)

    ended = call("ui")

    assert (ended.returncode, "Stopped." in ended.stdout) == (0, True)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_server_that_ends_by_itself_is_an_error(call: Call, started: Started) -> None:
    started.end = lambda: None

    ended = call("ui")

    assert ended.returncode == 1
    assert "ended by itself" in ended.stderr


def test_a_home_in_which_nothing_was_run_is_refused(call: Call, workplace: Path) -> None:
    before = sorted(workplace.rglob("*"))

    ended = call("ui", "--home", "nowhere")

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert sorted(workplace.rglob("*")) == before


@pytest.mark.parametrize(
    ("tracker", "said"),
    [
        ("csv", "Runs:    {home}/csv/tiny/runs.csv\nCurves:  {home}/csv/tiny/curves\n"),
        ("wandb", "Send the runs:  wandb sync {home}/wandb/tiny/wandb/offline-run-*\n"),
    ],
)
def test_a_tracker_without_a_server_says_where_to_look(call: Call, workplace: Path, tracker: str, said: str) -> None:
    ended = call("ui", "tiny", "--tracker", tracker)

    assert (ended.returncode, ended.stdout) == (0, said.format(home=workplace / "runs"))


def test_the_tracker_of_the_last_run_is_opened(call: Call, workplace: Path) -> None:
    folder = workplace / "runs" / "live" / "tiny"
    folder.mkdir(parents=True)
    (folder / "trackers.json").write_text('["csv", "mlflow"]')

    assert "csv/tiny/runs.csv" in call("ui", "tiny").stdout
