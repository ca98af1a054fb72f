"""The identity of a process: a name that no other process on any machine ever has, such as that of a lease's owner."""

import functools
import json
import os
import socket
from pathlib import Path

import psutil

__all__ = ["has_ended", "process_identity"]

BOOT = Path("/proc/sys/kernel/random/boot_id")


def process_identity() -> str:
    """Return the identity of this process: machine, boot of the machine, process id, start of the process."""
    return json.dumps([*_machine(), os.getpid(), psutil.Process().create_time()])


def has_ended(identity: str) -> bool:
    """Return whether a process is known to have ended; False if it ran on another machine."""
    host, boot, pid, start = json.loads(identity)
    this_host, this_boot = _machine()
    if host != this_host:
        return False
    if boot != this_boot:
        return True
    try:
        process = psutil.Process(pid)
        return bool(process.create_time() != start or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@functools.cache
def _machine() -> tuple[str, str]:
    # Containers of one host share its boot id but not its processes; each has a host name of its own.
    return socket.gethostname(), BOOT.read_text().strip() if BOOT.is_file() else str(psutil.boot_time())
