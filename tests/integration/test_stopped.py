"""Processes that are stopped for longer than a lease lasts and go on, as in a suspend; and clocks that are wrong."""

import json
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from harness.staging.histories import run_history
from harness.staging.ledger import Ledger
from tests.integration.drivers import LASTING, environment, preloading, write_study
from tests.integration.short_leases import DURATION_S

STUDY = "tiny"
FILE = "study.py"
SHORT = str(Path(__file__).with_name("short_leases.py"))
PATIENCE_S = 600.0  # on a machine that has other things to do
HANGS_S = 10 * DURATION_S
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[object, object]:
    """What is measured where nothing happens."""
    home = tmp_path_factory.mktemp("calm")
    with begun(home, "run", FILE, "--no-tracking") as calm:
        assert calm.wait() == 0
    return numbers(home)


@contextmanager
def begun(home: Path, *words: str, variables: Mapping[str, str] = {}) -> Iterator["subprocess.Popen[bytes]"]:
    """Begin a command of `harness` in a home; in the end it is killed, should it still be there."""
    home.mkdir(exist_ok=True)
    write_study(home, LASTING)
    with (home / f"said-{words[0]}.txt").open("wb") as said:
        command = [sys.executable, SHORT, *words, "--home", str(home)]
        process = subprocess.Popen(command, cwd=home, env=environment() | dict(variables), stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def numbers(home: Path) -> dict[object, object]:
    """Return everything that was measured, by run."""
    return {
        run.key: (
            run.status,
            run.reason,
            run.growths,
            {name: value for name, value in run.metrics.items() if name != "cost/seconds"},
            run_history(home / "store", run.stages),
        )
        for run in Ledger(home).runs(STUDY)
    }


def rows(home: Path, statement: str) -> list[tuple[object, ...]]:
    if not (home / "ledger.sqlite").is_file():
        return []
    with Ledger(home).database.transaction() as transaction:
        return transaction.rows(statement) if transaction.has("data_digests") else []


def owners(home: Path) -> dict[str, int]:
    """Return who trains: the process ids by the names of stages."""
    held = rows(home, "SELECT name, owner FROM leases WHERE expires <> 0 AND name NOT LIKE 'proposals%'")
    return {str(name): json.loads(str(owner))[2] for name, owner in held}


def until(condition: Callable[[], bool], *living: "subprocess.Popen[bytes]") -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE_S
        assert [process.returncode for process in living if process.poll() is not None] == []
        time.sleep(0.02)


def check_that_each_run_was_done_once(home: Path, expected: dict[object, object]) -> None:
    found = numbers(home)
    assert found == expected
    assert rows(home, "SELECT * FROM deaths") == []
    assert rows(home, "SELECT * FROM leases WHERE expires <> 0") == []
    assert len(rows(home, "SELECT * FROM openings")) == len(expected)  # each was evaluated on test data once


def stop(home: Path, processes: Sequence[psutil.Process]) -> None:
    """Stop processes, none of them in the middle of a transaction: a file stays locked for as long as its writer."""
    with Ledger(home).database.transaction():
        for process in processes:
            process.send_signal(signal.SIGSTOP)


def go_on(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        process.send_signal(signal.SIGCONT)


@contextmanager
def taken_over(home: Path, launch: "subprocess.Popen[bytes]", **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Stop a launch in mid-run until a worker, begun now, has taken over what it trained; both go on in the block."""
    until(lambda: launch.pid in owners(home).values(), launch)
    stop(home, [psutil.Process(launch.pid)])
    held = {name for name, pid in owners(home).items() if pid == launch.pid}
    with begun(home, "worker", STUDY, variables=variables) as worker:
        until(lambda: worker.pid in [owners(home).get(name) for name in held], launch, worker)
        go_on([psutil.Process(launch.pid)])
        yield worker


@pytest.mark.campaign
@pytest.mark.slow
def test_what_is_stopped_for_longer_than_its_lease_is_taken_over_and_writes_nothing_twice(
    tmp_path: Path, expected: dict[object, object]
) -> None:
    home = tmp_path / "home"
    with begun(home, "run", FILE, "--no-tracking") as launch, taken_over(home, launch) as worker:
        assert (launch.wait(PATIENCE_S), worker.wait(PATIENCE_S)) == (0, 0)

    check_that_each_run_was_done_once(home, expected)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("stopped", ["launch", "one worker", "all"])
def test_processes_of_a_launch_that_are_stopped_for_a_while_go_on(
    tmp_path: Path, expected: dict[object, object], stopped: str
) -> None:
    home = tmp_path / "home"
    with begun(home, "run", FILE, "--no-tracking", "--workers", "2", "--timeout", f"{HANGS_S / 60}") as launch:
        whole = psutil.Process(launch.pid)
        until(lambda: len(set(owners(home).values())) == 2, launch)
        workers = [psutil.Process(pid) for pid in set(owners(home).values())]
        chosen = {"launch": [whole], "one worker": workers[:1], "all": [whole, *workers]}[stopped]
        stop(home, chosen)
        time.sleep(3 * DURATION_S)
        go_on(chosen)

        assert launch.wait(PATIENCE_S) == 0

    said = (home / "said-run.txt").read_text()
    assert "another takes its place" not in said  # nobody was taken for dead
    check_that_each_run_was_done_once(home, expected)


@pytest.mark.campaign
@pytest.mark.slow
def test_clocks_that_differ_by_hours_and_are_set_meanwhile_change_nothing(
    tmp_path: Path, expected: dict[object, object]
) -> None:
    home, wrong = tmp_path / "home", {name: tmp_path / f"clock-{name}" for name in ("run", "worker")}
    loaded = preloading(Path(__file__).parent / "clocks" / "clock.c", tmp_path)
    clocks = {name: loaded | {"CLOCK": str(file)} for name, file in wrong.items()}
    for file in wrong.values():
        file.write_bytes(bytes(8))

    def set_clocks(run: float, worker: float) -> None:
        for name, seconds in (("run", run), ("worker", worker)):
            with wrong[name].open("r+b") as file:
                file.write(struct.pack("d", seconds))

    set_clocks(HOUR_S, -HOUR_S)
    with (
        begun(home, "run", FILE, "--no-tracking", variables=clocks["run"]) as launch,
        taken_over(home, launch, **clocks["worker"]) as worker,
    ):
        set_clocks(-HOUR_S, HOUR_S)
        time.sleep(1)
        set_clocks(24 * HOUR_S, 0)

        assert (launch.wait(PATIENCE_S), worker.wait(PATIENCE_S)) == (0, 0)

    check_that_each_run_was_done_once(home, expected)
