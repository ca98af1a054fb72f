"""Where workers come from, and what is known of each."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from harness.core.errors import HarnessError
from harness.search.errand import Errand, Pulse, Workplace

__all__ = ["AbstractLauncher", "AbstractWorker"]


class AbstractWorker(ABC):
    """A worker. Its methods return at once, except `join`."""

    @abstractmethod
    def take(self, errand: Errand) -> None:
        """Send it, which must be ready, for some runs."""

    @abstractmethod
    def pulse(self) -> Pulse:
        """Return the latest sign of life; after its death the last one."""

    @abstractmethod
    def death(self) -> str:
        """Return how it died, as people say it; empty while it lives and when it ended as it was asked to."""

    @abstractmethod
    def complaint(self) -> HarnessError | None:
        """Return what it met that no other worker would do better at; None if nothing."""

    @abstractmethod
    def ask_to_stop(self) -> None:
        """Ask it to store what it trains and to end."""

    @abstractmethod
    def kill(self) -> None:
        """End it, whatever it does."""

    @abstractmethod
    def join(self) -> None:
        """Wait until it has ended."""


class AbstractLauncher(ABC):
    """Starts workers. A worker that was lost stays lost: who started it starts another."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[None]:
        """Return a context in which workers can be started."""

    @abstractmethod
    def start(self, place: Workplace) -> AbstractWorker:
        """Start a worker."""
