"""The catalog of the stage store: which stages are committed, what they took, and what their bytes were."""

from dataclasses import dataclass

from harness.core.errors import LeaseLostError
from harness.staging.database import Database
from harness.staging.leases import Lease, check_lease, forget_deaths
from harness.staging.ledger import StageAddress

__all__ = ["Catalog", "StageEntry"]

COLUMNS = "key, step, start, parent, state_sha256, state_bytes, rest_sha256, rest_bytes, seconds"


@dataclass(frozen=True)
class StageEntry:
    """A committed stage, or a step within one.

    Attributes:
        start: the step at which the stage began.
        parent: the key of the stage before, or an empty string.
        state_sha256: of the snapshot; it stays when the snapshot is evicted.
        state_bytes: size of the snapshot, 0 once it is evicted.
        rest_sha256: of what was measured.
        rest_bytes: size of what was measured.
        seconds: training time since the stage began.
    """

    address: StageAddress
    start: int
    parent: str
    state_sha256: str
    state_bytes: int
    rest_sha256: str
    rest_bytes: int
    seconds: float

    @property
    def evicted(self) -> bool:
        """Whether the snapshot was given up for space; what was measured stays."""
        return self.state_bytes == 0


class Catalog:
    """The table of stages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stages(self, key: str | None = None) -> list[StageEntry]:
        """Return the stages of the chain `key`, or all, by key and step."""
        condition = "" if key is None else "WHERE key = :key"
        with self._database.transaction() as transaction:
            rows = transaction.rows(f"SELECT {COLUMNS} FROM stages {condition} ORDER BY key, step", {"key": key})
        return [StageEntry(StageAddress(row[0], row[1]), *row[2:]) for row in rows]

    def save(self, entry: StageEntry, lease: Lease | None = None) -> None:
        """Commit a stage whose files lie in the store, if `lease`, where given, is still this process's.

        Raises:
            LeaseLostError: another process has the lease now; nothing is committed.
        """
        values = {**vars(entry), **vars(entry.address)}
        names = COLUMNS.split(", ")
        with self._database.transaction() as transaction:
            if lease and not check_lease(transaction, lease):
                raise LeaseLostError(f"the lease of stage {entry.address.key[:8]} was taken over by another process")
            if lease:
                forget_deaths(transaction, lease)
            transaction.execute(
                f"INSERT INTO stages ({COLUMNS}) VALUES ({', '.join(f':{name}' for name in names)}) "
                f"ON CONFLICT (key, step) DO UPDATE SET {', '.join(f'{name} = :{name}' for name in names[2:])}",
                {name: values[name] for name in names},
            )

    def evict(self, address: StageAddress) -> None:
        """Note that the snapshot of a stage is no longer there."""
        with self._database.transaction() as transaction:
            transaction.execute("UPDATE stages SET state_bytes = 0 WHERE key = :key AND step = :step", vars(address))

    def drop(self, address: StageAddress) -> None:
        """Forget a stage whose files are damaged."""
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM stages WHERE key = :key AND step = :step", vars(address))
