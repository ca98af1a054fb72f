"""What happens at the n-th call of a command to the system, and how a campaign is asked for and answers."""

import errno
from dataclasses import dataclass

__all__ = ["FAULTS", "Case", "Fault"]

Case = tuple[str, str, int, int, int]  # command, fault, first call, stride, how many at most; 0 for all there are

WRITE, SYNC, CREATE, NAME, OPEN = 1, 2, 4, 8, 16  # kinds of calls, as in `shim.c`
# As SQLite says it: where it cannot make a file beside a database, it says of the database that it is read-only.
OPENED = ("disk I/O error", "unable to open database file", "readonly database")
FULL = ("No space left on device", "disk is full", *OPENED)
BROKEN = ("Input/output error", *OPENED)
EXHAUSTED = ("Too many open files", *OPENED)
# And where it cannot write the index of what is new in a database, that nobody keeps to its locks.
READ_ONLY = ("Read-only file system", "locking protocol", *OPENED)


@dataclass(frozen=True)
class Fault:
    """What happens at a call: an error, or a SIGKILL; `lasts` at all calls after it, too."""

    kinds: int
    error: int
    said: tuple[str, ...] = ()
    lasts: bool = False


FAULTS = {
    "kill": Fault(WRITE | SYNC | CREATE | NAME, 0),
    "full": Fault(WRITE | CREATE, errno.ENOSPC, FULL, lasts=True),
    "broken": Fault(WRITE | SYNC | NAME, errno.EIO, BROKEN),
    "exhausted": Fault(OPEN, errno.EMFILE, EXHAUSTED),
    "read-only": Fault(WRITE | CREATE | NAME, errno.EROFS, READ_ONLY, lasts=True),
}
