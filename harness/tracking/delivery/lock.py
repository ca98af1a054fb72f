"""One process at a time delivers a study to one destination."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.digest import digest
from harness.core.errors import HarnessError
from harness.tracking.live.format import live_folder

__all__ = ["delivery_lock"]

POLL_S = 0.2


@contextmanager
def delivery_lock(home: Path, study: str, tracking_uri: str, *, timeout_s: float | None = None) -> Iterator[None]:
    """Hold the lock on delivering `study` to `tracking_uri`; wait for it for `timeout_s`, or for ever.

    Raises:
        HarnessError: another process holds it.
    """
    folder = live_folder(home, study)
    folder.mkdir(parents=True, exist_ok=True)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    with (folder / f".{digest(tracking_uri)[:16]}.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline is not None and time.monotonic() > deadline:
                    raise HarnessError(
                        f"study {study!r} is being delivered by another process, which goes on; "
                        "wait until it has ended, or stop it, and call `harness sync` again"
                    ) from None
                time.sleep(POLL_S)
        yield
