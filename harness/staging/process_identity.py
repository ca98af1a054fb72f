"""The identity of a process: a name that no other process on any machine ever has, such as that of a lease's owner.

Nothing in it depends on a clock that can be set. Where there is `/proc`, a process is told by the boot of its machine
and the ticks since then; elsewhere, systems note its start once and never compute it anew.
"""

import functools
import json
import os
import socket
from pathlib import Path

import psutil

__all__ = ["has_ended", "is_running", "process_identity"]

BOOT = Path("/proc/sys/kernel/random/boot_id")
STATE, START_TICKS = 0, 19  # of the fields that follow a process's name in its `stat`
ENDED = ("Z", "X")


def process_identity() -> str:
    """Return the identity of this process: machine, boot of the machine, process id, start of the process."""
    pid = os.getpid()
    fields = _fields(pid)
    return json.dumps([*_machine(), pid, f"tick {fields[START_TICKS]}" if fields else psutil.Process().create_time()])


def has_ended(identity: str) -> bool:
    """Return whether a process is known to have ended; False if it ran on another machine."""
    host, boot, pid, start = json.loads(identity)
    this_host, this_boot = _machine()
    if host != this_host:
        return False
    if this_boot and boot != this_boot:
        return True
    if isinstance(start, str):
        return _is_another(pid, start.removeprefix("tick "))
    try:
        process = psutil.Process(pid)
        return bool(process.create_time() != start or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def is_running(identity: str) -> bool:
    """Return whether a process is known to run on this machine, though perhaps it was stopped for a while."""
    return bool(json.loads(identity)[0] == _machine()[0]) and not has_ended(identity)


def _is_another(pid: int, ticks: str) -> bool:
    if fields := _fields(pid):
        return fields[START_TICKS] != ticks or fields[STATE] in ENDED
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's, whose `/proc` is hidden
        pass
    return False


def _fields(pid: int) -> list[str]:
    """Return the fields of a process that follow its name, in which there may be anything; none if they are hidden."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


@functools.cache
def _machine() -> tuple[str, str]:
    # Containers of one host share its boot id but not its processes; each has a host name of its own.
    return socket.gethostname(), BOOT.read_text().strip() if BOOT.is_file() else ""
