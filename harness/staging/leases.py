"""Leases: one process at a time trains a stage, and a process that died or stopped for long loses its lease.

A lease is a row with an owner, a time that the owner changes every few seconds, and a fencing token that grows with
every new owner. What an owner commits is accepted only while its token is the latest (Kleppmann, "How to do
distributed locking", 2016).

No two clocks are compared, and none is believed to show the right time: an owner of whose end nothing is known has lost
its lease when whoever wants it has seen the row unchanged for as long as a lease lasts, by a clock that nobody sets.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from harness.core.errors import AwayError, HarnessError
from harness.staging.database import Database
from harness.staging.process_identity import has_ended, is_running, process_identity
from harness.staging.transaction import AbstractTransaction

__all__ = ["Lease", "Leases", "check_lease", "forget_deaths", "forgive_all_deaths"]

log = logging.getLogger(__name__)

DURATION_S = 60.0
LEAST_LOOKS = 6  # at a lease, before its owner is taken for gone

_Row = tuple[str, int, float]  # owner, token, expires


@dataclass(frozen=True)
class Lease:
    """The right to work on `name` until it expires.

    Attributes:
        token: the fencing token, greater than that of every earlier owner.
        deaths: owners that ended without releasing it, since an owner last stored something.
    """

    name: str
    owner: str
    token: int
    deaths: int = 0


class Leases:
    """Acquires leases and renews them while they are held.

    Args:
        database: that holds them.
        owner: the identity of this process, unless given.
        duration_s: seconds after which a lease that is not renewed is lost; an owner known to have ended loses it at
            once.
    """

    _silences: ClassVar[dict[tuple[str, str], "_Silence"]] = {}  # by database and name
    _held: ClassVar[set[tuple[str, str]]] = set()  # by owners in this process, each with the name of the lease

    def __init__(self, database: Database, owner: str | None = None, duration_s: float = DURATION_S) -> None:
        self._database = database
        self._owner = owner or process_identity()
        self._duration_s = duration_s

    @contextmanager
    def hold(self, name: str) -> Iterator[Lease | None]:
        """Hold the lease `name` in the block; None if another live process holds it."""
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
            self._release(lease)

    def is_held_here(self, name: str) -> bool:
        """Return whether this process holds the lease `name`."""
        return (self._owner, name) in self._held

    def is_held(self, name: str) -> bool:
        """Return whether anybody, here or elsewhere, has the lease `name` and is not known to have ended."""
        with self._database.transaction() as transaction:
            rows = transaction.rows("SELECT owner FROM leases WHERE name = :name AND expires <> 0", {"name": name})
        return any(not has_ended(owner) for (owner,) in rows)

    def _acquire(self, name: str) -> Lease | None:
        with self._database.transaction() as transaction:
            rows = transaction.rows("SELECT owner, token, expires FROM leases WHERE name = :name", {"name": name})
            row: _Row | None = rows[0] if rows else None
            if row and not self._is_free(name, row):
                return None
            token = self._take(transaction, name, row)
            if token is None:
                return None
            self._silences.pop((str(self._database), name), None)
            return Lease(name, self._owner, token, _deaths(transaction, name, int(bool(row and self._has_died(row)))))

    def _is_free(self, name: str, row: _Row) -> bool:
        owner, _, expires = row
        return expires == 0 or has_ended(owner) or self._is_orphaned(owner, name) or self._is_silent(name, row)

    def _is_orphaned(self, owner: str, name: str) -> bool:
        """Return whether this process owns a lease in the database but does not hold it.

        That happens when a server goes away while the lease is being acquired or released.
        """
        return owner == self._owner and (owner, name) not in self._held

    def _is_silent(self, name: str, row: _Row) -> bool:
        silence = self._silences.get((str(self._database), name))
        if silence is None or silence.row != row:
            silence = self._silences[str(self._database), name] = _Silence(row, time.monotonic())
        return silence.lasts(self._duration_s)

    def _has_died(self, row: _Row) -> bool:
        """Return whether an owner ended without releasing its lease, as far as is known; a stopped one did not."""
        owner, _, expires = row
        return expires != 0 and owner != self._owner and not is_running(owner)

    def _take(self, transaction: AbstractTransaction, name: str, seen: _Row | None) -> int | None:
        """Replace the row that was `seen`, unless somebody has changed it since."""
        _, token, expires = seen or ("", None, None)
        rows = transaction.rows(
            "INSERT INTO leases (name, owner, token, expires) VALUES (:name, :owner, 1, {now} + :duration) "
            "ON CONFLICT (name) DO UPDATE "
            "SET owner = :owner, token = leases.token + 1, expires = {now} + :duration "
            "WHERE leases.token = :token AND leases.expires = :seen RETURNING token",
            {"name": name, "owner": self._owner, "duration": self._duration_s, "token": token, "seen": expires},
        )
        return rows[0][0] if rows else None

    def _expire(self, lease: Lease, when: str) -> int:
        with self._database.transaction() as transaction:
            return transaction.execute(
                f"UPDATE leases SET expires = {when} WHERE name = :name AND token = :token",
                {"name": lease.name, "token": lease.token, "duration": self._duration_s},
            )

    def _release(self, lease: Lease) -> None:
        try:
            self._expire(lease, "0")
        except AwayError:  # once more: a lease that is not released blocks others until it expires, and counts a death
            self._expire(lease, "0")

    def _renew(self, lease: Lease, stopped: threading.Event) -> None:
        while not stopped.wait(self._duration_s / 3):
            try:
                self._expire(lease, "{now} + :duration")
            except HarnessError as error:  # the database may come back before the lease expires
                log.warning("could not renew a lease: %s", error)


@dataclass
class _Silence:
    """How long a lease has been seen unchanged by this process.

    Only time between two looks that follow each other counts: a process that was stopped, perhaps with the owner and by
    the same hand, knows nothing of what the owner did meanwhile.
    """

    row: _Row
    looked_at: float
    seconds: float = 0.0

    def lasts(self, duration_s: float) -> bool:
        """Look once more; return whether nothing changed for so long."""
        now = time.monotonic()
        self.seconds += min(now - self.looked_at, duration_s / LEAST_LOOKS)
        self.looked_at = now
        return self.seconds >= duration_s


def check_lease(transaction: AbstractTransaction, lease: Lease) -> bool:
    """Return whether `lease` is the latest of its name, and keep it so until the transaction ends."""
    return bool(
        transaction.execute(
            "UPDATE leases SET expires = expires WHERE name = :name AND token = :token",
            {"name": lease.name, "token": lease.token},
        )
    )


def _deaths(transaction: AbstractTransaction, name: str, more: int) -> int:
    if more:
        transaction.execute(
            "INSERT INTO deaths (name, count) VALUES (:name, 1) "
            "ON CONFLICT (name) DO UPDATE SET count = deaths.count + 1",
            {"name": name},
        )
    rows = transaction.rows("SELECT count FROM deaths WHERE name = :name", {"name": name})
    return int(rows[0][0]) if rows else 0


def forget_deaths(transaction: AbstractTransaction, lease: Lease) -> None:
    """Reset the deaths of a lease whose owner has stored something."""
    if lease.deaths:
        transaction.execute("DELETE FROM deaths WHERE name = :name", {"name": lease.name})


def forgive_all_deaths(transaction: AbstractTransaction) -> None:
    """Reset the deaths of all leases, so that every stage is tried again."""
    transaction.execute("DELETE FROM deaths")
