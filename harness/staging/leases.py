"""Leases: one process at a time trains a stage, and one that died or was stopped for long loses its right to it.

A lease is a row with an owner, a time of expiry by the database's clock, and a fencing token that grows with every new
owner. What an owner commits is accepted only while its token is the latest (Kleppmann, "How to do distributed
locking", 2016).
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from harness.core.errors import AwayError, HarnessError
from harness.staging.database import Database, Transaction
from harness.staging.process_identity import has_ended, process_identity

__all__ = ["Lease", "Leases", "check_lease", "forget_deaths", "forgive_all_deaths"]

log = logging.getLogger(__name__)

DURATION_S = 60.0


@dataclass(frozen=True)
class Lease:
    """The right to do what `name` says until it expires; `token` is greater than that of every owner before.

    Attributes:
        deaths: owners that ended without giving it back, since the last of them that stored something.
    """

    name: str
    owner: str
    token: int
    deaths: int = 0


class Leases:
    """Takes leases and renews them as long as they are held.

    Args:
        database: where they are.
        owner: this process, unless given.
        duration_s: how long an owner that is not heard of keeps a lease; one that is known to be dead loses it at once.
    """

    _held: ClassVar[set[tuple[str, str]]] = set()  # by owners in this process, each with the name of the lease

    def __init__(self, database: Database, owner: str | None = None, duration_s: float = DURATION_S) -> None:
        self._database = database
        self._owner = owner or process_identity()
        self._duration_s = duration_s

    @contextmanager
    def hold(self, name: str) -> Iterator[Lease | None]:
        """Hold the lease `name` in the block; None if another process that is alive holds it."""
        lease = self._acquire(name)
        if lease is None:
            yield None
            return
        self._held.add((self._owner, name))
        stopped = threading.Event()
        thread = threading.Thread(target=self._renew, args=(lease, stopped), name=f"lease {name}", daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            stopped.set()
            thread.join()
            self._held.discard((self._owner, name))
            self._give_back(lease)

    def _acquire(self, name: str) -> Lease | None:
        with self._database.transaction() as transaction:
            before = transaction.rows("SELECT owner, expires FROM leases WHERE name = :name", {"name": name})
            free = next((owner for owner, _ in before if has_ended(owner) or self._lost(owner, name)), None)
            token = self._take(transaction, name, replacing=free)
            if token is None:
                return None
            given_back = all(expires == 0 or owner == self._owner for owner, expires in before)
            return Lease(name, self._owner, token, _deaths(transaction, name, 0 if given_back else 1))

    def _lost(self, owner: str, name: str) -> bool:
        """Return whether a lease is our own, and a server that went away did not let us know of it, or give it back."""
        return owner == self._owner and (owner, name) not in self._held

    def _take(self, transaction: Transaction, name: str, replacing: str | None) -> int | None:
        rows = transaction.rows(
            "INSERT INTO leases (name, owner, token, expires) VALUES (:name, :owner, 1, {now} + :duration) "
            "ON CONFLICT (name) DO UPDATE "
            "SET owner = :owner, token = leases.token + 1, expires = {now} + :duration "
            "WHERE leases.expires < {now} OR leases.owner = :replacing RETURNING token",
            {"name": name, "owner": self._owner, "duration": self._duration_s, "replacing": replacing},
        )
        return rows[0][0] if rows else None

    def _expire(self, lease: Lease, when: str) -> int:
        with self._database.transaction() as transaction:
            return transaction.execute(
                f"UPDATE leases SET expires = {when} WHERE name = :name AND token = :token",
                {"name": lease.name, "token": lease.token, "duration": self._duration_s},
            )

    def _give_back(self, lease: Lease) -> None:
        try:
            self._expire(lease, "0")
        except AwayError:  # kept, it would be missed by everybody until it expires, and count as a death
            self._expire(lease, "0")

    def _renew(self, lease: Lease, stopped: threading.Event) -> None:
        while not stopped.wait(self._duration_s / 3):
            try:
                self._expire(lease, "{now} + :duration")
            except HarnessError as error:  # the database may come back before the lease expires
                log.warning("could not renew a lease: %s", error)


def check_lease(transaction: Transaction, lease: Lease) -> bool:
    """Return whether `lease` is the latest of its name, and keep it so until the transaction ends."""
    return bool(
        transaction.execute(
            "UPDATE leases SET expires = expires WHERE name = :name AND token = :token",
            {"name": lease.name, "token": lease.token},
        )
    )


def _deaths(transaction: Transaction, name: str, more: int) -> int:
    if more:
        transaction.execute(
            "INSERT INTO deaths (name, count) VALUES (:name, 1) "
            "ON CONFLICT (name) DO UPDATE SET count = deaths.count + 1",
            {"name": name},
        )
    rows = transaction.rows("SELECT count FROM deaths WHERE name = :name", {"name": name})
    return int(rows[0][0]) if rows else 0


def forget_deaths(transaction: Transaction, lease: Lease) -> None:
    """Note that an owner stored something: those who died before it hold nothing up."""
    if lease.deaths:
        transaction.execute("DELETE FROM deaths WHERE name = :name", {"name": lease.name})


def forgive_all_deaths(transaction: Transaction) -> None:
    """Let everything be tried anew, however many died of it."""
    transaction.execute("DELETE FROM deaths")
