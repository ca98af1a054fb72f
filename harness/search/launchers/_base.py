"""What a launcher is, and how a launch speaks to the workers that it starts."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from harness.core.errors import HarnessError
from harness.search.heartbeat import Heartbeat
from harness.search.worker import WorkerConfig, WorkItem

__all__ = ["AbstractLauncher", "AbstractWorker"]


class AbstractWorker(ABC):
    """A handle of a worker. Its methods return at once, except `join`."""

    @abstractmethod
    def submit(self, item: WorkItem) -> None:
        """Submit a work item to the worker, which must be ready."""

    @abstractmethod
    def heartbeat(self) -> Heartbeat:
        """Return the latest heartbeat, also after the worker has ended."""

    @abstractmethod
    def exit_reason(self) -> str:
        """Return how the worker died, in words; empty while it lives, and if it ended because it was asked to."""

    @abstractmethod
    def error(self) -> HarnessError | None:
        """Return an error that ended the worker and that any other worker would meet, too; None if there is none."""

    @abstractmethod
    def ask_to_stop(self) -> None:
        """Ask the worker to store what it trains and to end."""

    @abstractmethod
    def kill(self) -> None:
        """End the worker at once."""

    @abstractmethod
    def join(self) -> None:
        """Wait until the worker has ended."""


class AbstractLauncher(ABC):
    """Starts workers. It replaces none that is lost: the pool starts another."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[None]:
        """Return a context in which workers can be started."""

    @abstractmethod
    def start(self, config: WorkerConfig) -> AbstractWorker:
        """Start a worker."""
