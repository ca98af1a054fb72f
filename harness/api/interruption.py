"""Ctrl-C: once stops at the next step boundary, twice stops at once."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Self

__all__ = ["Interruption"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Called, it says whether this process was asked to stop by Ctrl-C or SIGTERM while in its block.

    Only a process's main thread hears of signals; in another one, nobody is asked.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before = {number: signal.getsignal(number) for number in SIGNALS}

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self._asked

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            self._put_back()

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._asked = True
        self._put_back()
        sys.stderr.write("harness: stopping once what is done is stored; Ctrl-C again stops at once\n")

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
