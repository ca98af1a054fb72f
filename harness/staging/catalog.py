"""The catalog of the stage store: which stages are committed, how long they took, and the digests of their files.

A row that is not as it was written is passed over, so that its stage is trained again.
"""

from dataclasses import dataclass

from harness.core.errors import LeaseLostError
from harness.staging.database import Database
from harness.staging.leases import Lease, check_lease, forget_deaths
from harness.staging.ledger import StageAddress
from harness.staging.row_digest import digest_beside, digest_of_row, save_row_digest

__all__ = ["Catalog", "StageEntry"]

STAGE = "stage "
COLUMNS = "key, step, start, parent, state_sha256, state_bytes, rest_sha256, rest_bytes, seconds"  # as in `StageEntry`


@dataclass(frozen=True)
class StageEntry:
    """A stage that is committed up to `address.step`, its end or a step before.

    Attributes:
        start: the step at which the stage began.
        parent: the key of the stage before, or an empty string.
        snapshot_sha256: also known once the snapshot is evicted.
        snapshot_bytes: 0 once the snapshot is evicted.
        metrics_sha256: of the files of `StageMetrics` together.
        metrics_bytes: of these files together.
        seconds: training time since the stage began.
    """

    address: StageAddress
    start: int
    parent: str
    snapshot_sha256: str
    snapshot_bytes: int
    metrics_sha256: str
    metrics_bytes: int
    seconds: float

    @property
    def evicted(self) -> bool:
        """Whether the snapshot was deleted for space; the metrics stay."""
        return self.snapshot_bytes == 0


class Catalog:
    """The table of stages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stages(self, key: str | None = None) -> list[StageEntry]:
        """Return the stages of the chain `key`, or all, by key and step."""
        return [entry for entry, intact in self._entries(key) if intact]

    def damaged(self) -> list[StageEntry]:
        """Return the stages whose rows are not as they were written."""
        return [entry for entry, intact in self._entries(None) if not intact and _has_an_address(entry)]

    def _entries(self, key: str | None) -> list[tuple[StageEntry, bool]]:
        """Return the stages, and of each whether its row is as it was written."""
        condition = "" if key is None else "WHERE key = :key"
        with self._database.transaction() as transaction:
            digest, join = digest_beside(transaction, f"'{STAGE}' || key || ' ' || CAST(step AS TEXT)")
            rows = transaction.rows(
                f"SELECT {COLUMNS}, {digest} FROM stages {join} {condition} ORDER BY key, step", {"key": key}
            )
        entries = [StageEntry(StageAddress(row[0], row[1]), *row[2:-1]) for row in rows]
        return [(entry, _is_intact(entry, row[-1])) for entry, row in zip(entries, rows, strict=True)]

    def save(self, entry: StageEntry, lease: Lease | None = None) -> None:
        """Commit a stage whose files are in the store; a `lease`, if given, must still be held by this process.

        Raises:
            LeaseLostError: another process has the lease now; nothing is committed.
        """
        names = COLUMNS.split(", ")
        fields = {**vars(entry.address), **vars(entry)}
        del fields["address"]
        with self._database.transaction() as transaction:
            if lease and not check_lease(transaction, lease):
                raise LeaseLostError(f"the lease of stage {entry.address.key[:8]} was taken over by another process")
            if lease:
                forget_deaths(transaction, lease)
            transaction.execute(
                f"INSERT INTO stages ({COLUMNS}) VALUES ({', '.join(f':{name}' for name in names)}) "
                f"ON CONFLICT (key, step) DO UPDATE SET {', '.join(f'{name} = :{name}' for name in names[2:])}",
                dict(zip(names, fields.values(), strict=True)),
            )
            save_row_digest(transaction, _name(entry.address), _digest(entry))

    def evict(self, address: StageAddress) -> None:
        """Record that the snapshot of a stage was deleted."""
        with self._database.transaction() as transaction:
            transaction.execute("UPDATE stages SET state_bytes = 0 WHERE key = :key AND step = :step", vars(address))

    def drop(self, address: StageAddress) -> None:
        """Remove a stage whose files are damaged."""
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM stages WHERE key = :key AND step = :step", vars(address))


def _name(address: StageAddress) -> str:
    return f"{STAGE}{address.key} {address.step}"


def _has_an_address(entry: StageEntry) -> bool:
    return isinstance(entry.address.key, str) and isinstance(entry.address.step, int)


def _is_intact(entry: StageEntry, sha256: str | None) -> bool:
    """Return whether a row is the one of its digest, and of one without a digest, whether it can be a row at all."""
    numbers = (entry.address.step, entry.start, entry.snapshot_bytes, entry.metrics_bytes, entry.seconds)
    if not _has_an_address(entry) or not all(isinstance(number, int | float) for number in numbers):
        return False
    return sha256 in (None, _digest(entry))


def _digest(entry: StageEntry) -> str:
    """Return the digest of everything in a row that stays when its snapshot is evicted."""
    files = (entry.snapshot_sha256, entry.metrics_sha256, entry.metrics_bytes)
    seconds = float(entry.seconds)  # as databases give it back
    return digest_of_row([entry.address.key, entry.address.step, entry.start, entry.parent, *files, seconds])
