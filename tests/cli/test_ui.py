import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Call = Callable[..., subprocess.CompletedProcess[str]]


class Server:
    """A UI that is stopped as soon as somebody waits for it."""

    url = "http://127.0.0.1:5000"

    def link(self, study: str) -> str:
        return f"{self.url}/#/of-{study}"

    def wait(self) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int | None]]:
    """The homes and ports that the UI was started with."""
    asked: list[tuple[Path, int | None]] = []

    @contextmanager
    def start(home: Path, port: int | None) -> Iterator[Server]:
        asked.append((home, port))
        yield Server()

    monkeypatch.setattr("harness.tracking.ui.start_ui", start)
    return asked


@pytest.mark.parametrize(
    ("arguments", "link"), [([], "http://127.0.0.1:5000\n"), (["tiny"], "http://127.0.0.1:5000/#/of-tiny\n")]
)
def test_the_link_is_printed_and_ctrl_c_is_a_good_end(
    call: Call, started: list[tuple[Path, int | None]], arguments: list[str], link: str
) -> None:
    ended = call("ui", *arguments)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert link in ended.stdout
    assert started == [(Path("runs"), None)]


def test_home_and_port_are_passed_on(call: Call, started: list[tuple[Path, int | None]]) -> None:
    call("ui", "--home", "there", "--port", "6000")

    assert started == [(Path("there"), 6000)]


def test_a_home_in_which_nothing_was_run_is_refused(call: Call, workplace: Path) -> None:
    before = sorted(workplace.rglob("*"))

    ended = call("ui", "--home", "nowhere")

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert sorted(workplace.rglob("*")) == before
