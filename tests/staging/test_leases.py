import json
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import pytest

from harness.core.errors import HomeError
from harness.staging.database import Database
from harness.staging.leases import Lease, Leases, check_lease
from harness.staging.owner import this_process

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


def test_a_lease_is_renewed_as_long_as_it_is_held(database: Database) -> None:
    ours, theirs = Leases(database, duration_s=0.3), Leases(database, ELSEWHERE)

    with ours.hold("a") as lease:
        time.sleep(0.9)
        with theirs.hold("a") as taken:
            assert taken is None
        assert lease is not None
        assert is_latest(database, lease)


def test_the_lease_of_an_owner_that_is_not_heard_of_expires(database: Database) -> None:
    silent = Leases(database, ELSEWHERE, duration_s=0.2)
    silent._renew = lambda *_: None  # type: ignore[method-assign]

    with silent.hold("a") as lost:
        time.sleep(0.3)
        with Leases(database).hold("a") as taken:
            assert taken is not None
            assert lost is not None
            assert not is_latest(database, lost)
        assert not is_latest(database, lost)


def test_the_lease_of_a_dead_process_is_free_at_once(database: Database) -> None:
    machine = json.loads(this_process())
    dead = Leases(database, json.dumps([*machine[:2], 2**22 + 1, 0.5]))
    with dead.hold("a") as lease:
        assert lease is not None

        with Leases(database).hold("a") as taken:
            assert taken is not None
            assert taken.token == lease.token + 1
        assert not is_latest(database, lease)


def test_releasing_a_lost_lease_leaves_the_new_owner_alone(database: Database) -> None:
    machine = json.loads(this_process())
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
    ours = Leases(database, duration_s=0.15)
    expire: Callable[..., int] = ours._expire

    def away(lease: Lease, when: str) -> int:
        if when != "0":
            raise HomeError("away")
        return expire(lease, when)

    monkeypatch.setattr(ours, "_expire", away)
    with ours.hold("a"):
        time.sleep(0.2)

    assert "could not renew" in caplog.text


def contend(url: str, ready: Connection, rounds: int) -> None:
    """Take turns at a counter that no transaction protects, only the lease."""
    database = Database(url)
    leases, done = Leases(database), 0
    while done < rounds:
        with leases.hold("counter") as lease:
            if lease is None:
                continue
            with database.transaction() as transaction:
                ((value,),) = transaction.rows("SELECT trials FROM studies")
            time.sleep(0.001)
            with database.transaction() as transaction:
                transaction.execute("UPDATE studies SET trials = :value", {"value": value + 1})
            done += 1
    ready.send(done)


def test_processes_that_contend_take_turns(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO studies VALUES ('a', '', 0, 0, '', '')")
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    url = database.url.render_as_string(hide_password=False)
    workers = [context.Process(target=contend, args=(url, sending, 20)) for _ in range(3)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    with database.transaction() as transaction:
        assert transaction.rows("SELECT trials FROM studies") == [(60,)]
    assert [receiving.recv() for _ in workers] == [20, 20, 20]
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    for connection in (receiving, sending):
        connection.close()


def test_a_lease_of_another_token_is_not_the_latest(database: Database) -> None:
    with Leases(database).hold("a") as lease:
        assert lease is not None
        assert not is_latest(database, replace(lease, token=lease.token + 1))
