import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import harness
from harness.core.errors import AwayError, HomeError
from harness.staging.database import Database
from harness.staging.leases import Lease, Leases, check_lease, forget_deaths, forgive_all_deaths
from harness.staging.process_identity import process_identity

ELSEWHERE = json.dumps(["another-machine", "boot", 1, 2.5])


def is_latest(database: Database, lease: Lease) -> bool:
    with database.transaction() as transaction:
        return check_lease(transaction, lease)


def test_one_process_at_a_time_holds_a_lease(database: Database) -> None:
    ours, theirs = Leases(database), Leases(database, ELSEWHERE)

    with ours.hold("a") as first, theirs.hold("a") as second, theirs.hold("b") as other:
        assert first is not None
        assert second is None
        assert other is not None
    with theirs.hold("a") as third:
        assert third is not None
        assert third.token == first.token + 1


def test_what_an_earlier_owner_holds_is_fenced_off(database: Database) -> None:
    with Leases(database).hold("a") as first:
        assert first is not None
        assert is_latest(database, first)
    with Leases(database, ELSEWHERE).hold("a") as second:
        assert second is not None
        assert is_latest(database, second)
        assert not is_latest(database, first)


@contextmanager
def taken_after_looking(database: Database, duration_s: float, looks: int = 200) -> Iterator[Lease | None]:
    """Hold the lease `a` as somebody who looks after it every few milliseconds gets it."""
    ours = Leases(database, json.dumps(["a-third-machine", "boot", 1, 2.5]), duration_s=duration_s)
    for _ in range(looks):
        with ours.hold("a") as taken:
            if taken is not None:
                yield taken
                return
        time.sleep(duration_s / 20)
    yield None


def test_a_lease_is_renewed_as_long_as_it_is_held(database: Database) -> None:
    duration_s = 2.0  # on a busy machine the thread that renews it may wait for a while
    with Leases(database, duration_s=duration_s).hold("a") as lease:
        with taken_after_looking(database, duration_s, looks=25) as taken:
            assert taken is None
        assert lease is not None
        assert is_latest(database, lease)


@pytest.mark.parametrize("step_s", [3600, -3600])
def test_setting_the_clock_moves_no_lease(database: Database, monkeypatch: pytest.MonkeyPatch, step_s: int) -> None:
    ours = Leases(database, duration_s=0.6)
    with ours.hold("a") as lease, database.transaction() as transaction:
        kind = type(transaction)
        monkeypatch.setattr(kind, "now", f"({kind.now} + {step_s})")

        with taken_after_looking(database, 0.6, looks=30) as taken:
            assert taken is None
        assert lease is not None
        assert is_latest(database, lease)


def test_whoever_was_stopped_together_with_the_owner_does_not_take_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("harness.staging.leases.time.monotonic", lambda: now)
    with Leases(database, ELSEWHERE).hold("a"):
        ours = Leases(database)
        for now in (1000.0, 1001.0, 9000.0, 9001.0):  # noqa: B007
            with ours.hold("a") as taken:
                assert taken is None


def test_an_owner_that_was_stopped_has_not_died(database: Database) -> None:
    stopped = Leases(database, duration_s=0.1)
    stopped._renew = lambda *_: None  # type: ignore[method-assign]

    with stopped.hold("a") as lost, taken_after_looking(database, 0.1) as taken:
        assert taken is not None
        assert taken.deaths == 0
        assert lost is not None
        assert not is_latest(database, lost)


def test_the_lease_of_an_owner_that_is_not_heard_of_expires(database: Database) -> None:
    silent = Leases(database, ELSEWHERE, duration_s=0.2)
    silent._renew = lambda *_: None  # type: ignore[method-assign]

    with silent.hold("a") as lost:
        with taken_after_looking(database, 0.2) as taken:
            assert taken is not None
            assert taken.deaths == 1
            assert lost is not None
            assert not is_latest(database, lost)
        assert not is_latest(database, lost)


def test_the_lease_of_a_dead_process_is_free_at_once(database: Database) -> None:
    machine = json.loads(process_identity())
    dead = Leases(database, json.dumps([*machine[:2], 2**22 + 1, 0.5]))
    with dead.hold("a") as lease:
        assert lease is not None

        with Leases(database).hold("a") as taken:
            assert taken is not None
            assert taken.token == lease.token + 1
        assert not is_latest(database, lease)


def test_releasing_a_lost_lease_leaves_the_new_owner_alone(database: Database) -> None:
    machine = json.loads(process_identity())
    dead, ours = Leases(database, json.dumps([*machine[:2], 2**22 + 1, 0.5])), Leases(database)

    with dead.hold("a"):
        taking = ours.hold("a")
        taken = taking.__enter__()
    with Leases(database, ELSEWHERE).hold("a") as third:
        assert third is None
    assert taken is not None
    assert is_latest(database, taken)
    taking.__exit__(None, None, None)


def test_a_database_that_is_away_for_a_while_costs_a_warning(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours, tried, again = Leases(database, duration_s=0.15), list[str](), threading.Event()
    expire: Callable[..., int] = ours._expire

    def away(lease: Lease, when: str) -> int:
        if when == "0" or tried:
            again.set()
            return expire(lease, when)
        tried.append(when)
        raise HomeError("away")

    monkeypatch.setattr(ours, "_expire", away)
    with ours.hold("a"):
        assert again.wait(timeout=60)

    assert "could not renew" in caplog.text


def test_processes_that_contend_take_turns(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO studies VALUES ('a', '', 0, 0, '', '')")
    url = database.url.render_as_string(hide_password=False) if database.url else f"sqlite:///{database.path}"
    environment = os.environ | {"PYTHONPATH": str(Path(harness.__file__).parents[1])}
    command = [sys.executable, str(Path(__file__).with_name("contend.py")), url, "20"]

    workers = [subprocess.Popen(command, env=environment) for _ in range(3)]

    assert [worker.wait() for worker in workers] == [0, 0, 0]
    with database.transaction() as transaction:
        assert transaction.rows("SELECT trials FROM studies") == [(60,)]


def test_a_lease_of_another_token_is_not_the_latest(database: Database) -> None:
    with Leases(database).hold("a") as lease:
        assert lease is not None
        assert not is_latest(database, replace(lease, token=lease.token + 1))


def dying(database: Database, times: int) -> None:
    """Take the lease `a` so many times without giving it back, as processes that are killed do."""
    for number in range(times):
        gone = json.dumps([*json.loads(process_identity())[:2], 2**22 + 1, float(number)])
        assert Leases(database, gone)._acquire("a") is not None


def test_owners_that_died_are_counted_until_one_stores_something(database: Database) -> None:
    dying(database, times=3)

    with Leases(database).hold("a") as lease:
        assert lease is not None
        assert lease.deaths == 3
        with database.transaction() as transaction:
            forget_deaths(transaction, lease)
    with Leases(database).hold("a") as lease:
        assert lease is not None
        assert lease.deaths == 0


def test_a_lease_that_was_given_back_counts_no_death_and_forgets_none(database: Database) -> None:
    dying(database, times=1)
    for _ in range(3):
        with Leases(database).hold("a"):
            pass

    with Leases(database).hold("a") as lease:
        assert lease is not None
        assert lease.deaths == 1


def test_all_deaths_can_be_forgiven(database: Database) -> None:
    dying(database, times=2)

    with database.transaction() as transaction:
        forgive_all_deaths(transaction)

    with Leases(database).hold("b") as other, Leases(database).hold("a") as lease:
        assert other is not None
        assert lease is not None
        assert (other.deaths, lease.deaths) == (0, 1)


def test_a_server_that_goes_away_just_then_keeps_no_lease(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = Leases(database)
    expire, left = leases._expire, [AwayError("gone")]

    def expire_or_fail(lease: Lease, when: str) -> int:
        if left:
            raise left.pop()
        return expire(lease, when)

    monkeypatch.setattr(leases, "_expire", expire_or_fail)

    with leases.hold("a") as lease:
        assert lease is not None

    with Leases(database, ELSEWHERE).hold("a") as other:
        assert other is not None
        assert other.deaths == 0


def test_a_lease_that_a_server_gave_and_did_not_tell_of_is_had_for_the_asking(database: Database) -> None:
    unheard, leases = Leases(database)._acquire("a"), Leases(database)

    with leases.hold("a") as lease, leases.hold("a") as twice:
        assert unheard is not None
        assert lease is not None
        assert (lease.token, lease.deaths) == (unheard.token + 1, 0)
        assert twice is None
