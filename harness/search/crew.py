"""Workers on one errand, each of which is replaced when it dies or makes no step any more."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.search.errand import IDLE, Errand, Pulse
from harness.search.launchers import AbstractLauncher, AbstractWorker

__all__ = ["STARTING", "Crew", "crew_of"]

log = logging.getLogger(__name__)

STARTING = 10  # times as long may a run take until it reports something: its data may have to be downloaded
MOST_A_LOOK_S = 1.0


@dataclass
class _Member:
    """A worker, and for how long it gave no sign of life."""

    worker: AbstractWorker
    heard: Pulse = IDLE
    silent_s: float = 0.0

    def listen(self, since_s: float) -> None:
        heard = self.worker.pulse()
        # What is counted is time of looking on: a launch that was itself suspended has heard nobody meanwhile.
        self.silent_s = self.silent_s + min(since_s, MOST_A_LOOK_S) if heard == self.heard else 0.0
        self.heard = heard

    def hangs(self, timeout_s: float) -> bool:
        allowed = timeout_s * STARTING if self.heard.starting else timeout_s
        return self.heard.run >= 0 and self.silent_s > allowed


@dataclass
class Crew:
    """Workers on one errand.

    Attributes:
        timeout_s: how long a run may make no step; None for ever.
        deaths: how workers died, by the index of the run that they did.
    """

    launcher: AbstractLauncher
    errand: Errand
    size: int
    timeout_s: float | None
    deaths: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._members = [self._started() for _ in range(self.size)]
        self._looked = time.monotonic()

    def _started(self) -> _Member:
        return _Member(self.launcher.start(self.errand))

    def replace_the_hung(self) -> list[int]:
        """Put another worker in place of each that hangs; return the indices of the runs that they did."""
        now = time.monotonic()
        for member in self._members:
            member.listen(now - self._looked)
        self._looked = now
        if self.timeout_s is None:
            return []
        hung = [index for index, member in enumerate(self._members) if member.hangs(self.timeout_s)]
        runs = [self._members[index].heard.run for index in hung]
        for index in hung:
            self._members[index].worker.kill()
            self._members[index].worker.join()
            log.warning("worker %d made no step for %g s; another takes its place", index, self.timeout_s)
            self._members[index] = self._started()
        return runs

    def replace_the_dead(self) -> int:
        """Put another worker in place of each that died; return how many did.

        Raises:
            HarnessError: one says why no other would do better.
        """
        deaths = 0
        for index, member in enumerate(self._members):
            if complaint := member.worker.complaint():
                raise complaint
            if death := member.worker.death():
                deaths += 1
                self.deaths.setdefault(member.worker.pulse().run, []).append(death)
                log.warning("worker %d was %s; another takes its place", index, death)
                self._members[index] = self._started()
        return deaths

    def stop(self) -> None:
        """Ask all to store what they train, and wait until they have ended."""
        for member in self._members:
            member.worker.ask_to_stop()
        for member in self._members:
            member.worker.join()

    def kill(self) -> None:
        """End all of them at once."""
        for member in self._members:
            member.worker.kill()
        for member in self._members:
            member.worker.join()


@contextmanager
def crew_of(launcher: AbstractLauncher, errand: Errand, size: int, timeout_s: float | None) -> Iterator[Crew]:
    """Start workers for the block, at whose end they are asked to stop; a second Ctrl-C kills them."""
    with launcher.opened():
        crew = Crew(launcher, errand, size, timeout_s)
        try:
            yield crew
            crew.stop()
        except Exception:
            crew.stop()
            raise
        except BaseException:  # Ctrl-C once more
            crew.kill()
            raise
