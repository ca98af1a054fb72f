"""Settings of the whole process, which the code of a study must not decide.

A run's precision and device are fields of its configuration. A default that its code sets would change them for every
run of the process, unseen by any key; another working folder would change where files are, and so on.
"""

import locale
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.core.errors import ContractError
from harness.training.denormals import are_denormals_flushed

__all__ = ["ProcessSettings", "process_settings_kept"]

STATUS = Path("/proc/self/status")  # of Linux


def _umask() -> int:
    if STATUS.exists():
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("Umask:"))
        return int(line.split()[1], base=8)
    found = os.umask(0o077)  # elsewhere it is read by setting it
    os.umask(found)
    return found


CALLS_AT_LEAST = 1000  # Python's own limit
# Where the default device is the CPU, it is set to None, as it is at first: one that is set makes all of torch slower.
SETTINGS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "torch's default type": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": (
        torch.get_default_device,
        lambda device: torch.set_default_device(None if device.type == "cpu" else device),
    ),
    "whether torch computes gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "how exact torch's products are": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
    "torch's deterministic mode": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "whether the smallest numbers are computed as zero": (are_denormals_flushed, torch.set_flush_denormal),
    "numpy's treatment of errors": (np.geterr, lambda found: np.seterr(**found)),
    "the working folder": (os.getcwd, os.chdir),
    "who may read new files, the umask": (_umask, os.umask),
    # Libraries raise it, and need that.
    "how deep calls may go": (lambda: min(sys.getrecursionlimit(), CALLS_AT_LEAST), sys.setrecursionlimit),
    "the locale": (lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    "standard output": (lambda: sys.stdout, lambda stream: setattr(sys, "stdout", stream)),
    "standard error": (lambda: sys.stderr, lambda stream: setattr(sys, "stderr", stream)),
}
SIGNALS = {number: f"what {number.name} does" for number in (signal.SIGINT, signal.SIGTERM)}


class ProcessSettings:
    """The settings at the moment at which this is made.

    Args:
        signals: whether what signals do is among them, which changes by itself when one arrives.
    """

    def __init__(self, *, signals: bool = False) -> None:
        self._before = {name: read() for name, (read, _) in SETTINGS.items()}
        self._handlers = {number: signal.getsignal(number) for number in SIGNALS} if signals else {}

    def put_back(self) -> list[tuple[str, Any, Any]]:
        """Put back what has changed; return the name of each such setting, its value before, and the other one."""
        changed = []
        for name, before in self._before.items():
            read, write = SETTINGS[name]
            if (now := read()) != before:
                changed.append((name, before, now))
                write(before)
        for number, handler in self._handlers.items():
            if (found := signal.getsignal(number)) != handler:
                changed.append((SIGNALS[number], handler, found))
                signal.signal(number, handler)
        return changed

    def expect(self) -> None:
        """Put back what has changed, and refuse it.

        Raises:
            ContractError: a setting has changed; the message names the first.
        """
        for name, before, now in self.put_back():
            raise ContractError(
                f"expected the study's code to leave {name} as it is, {before}, found {now}: it holds for all runs of "
                "a process, and is put back; change it in the file's own functions only as long as they run"
            )


@contextmanager
def process_settings_kept() -> Iterator[None]:
    """Put the settings back at the end of the block."""
    settings = ProcessSettings(signals=True)
    try:
        yield
    finally:
        settings.put_back()
