"""Who holds a lease: a process, named so that no other process on any machine ever has the same name."""

import functools
import json
import os
import socket
from pathlib import Path

import psutil

__all__ = ["is_gone", "this_process"]

BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_process() -> str:
    """Return the name of this process: machine, start of the machine, process id, start of the process."""
    return json.dumps([*_machine(), os.getpid(), psutil.Process().create_time()])


def is_gone(owner: str) -> bool:
    """Return whether the process `owner` is known to have ended; nothing is known of other machines."""
    host, boot, pid, start = json.loads(owner)
    here, booted = _machine()
    if host != here:
        return False
    if boot != booted:
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
