"""Workers, each of which is replaced when it dies or makes no step any more."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.search.errand import IDLE, Errand, Pulse, Workplace
from harness.search.launchers import AbstractLauncher, AbstractWorker

__all__ = ["STARTING", "Crew", "crew_of"]

log = logging.getLogger(__name__)

STARTING = 10  # times as long may a run take until it reports something: its data may have to be downloaded
MOST_A_LOOK_S = 1.0


@dataclass
class _Member:
    """A worker, what it was sent for, and for how long it gave no sign of life."""

    worker: AbstractWorker
    errand: Errand | None = None
    sent: int = 0
    heard: Pulse = IDLE
    silent_s: float = 0.0

    def send(self, errand: Errand) -> None:
        """Send it for `errand`, unless it was sent before or is not ready yet."""
        if self.errand is not errand and self.worker.pulse().ready > self.sent:
            self.worker.take(errand)
            self.errand, self.sent = errand, self.sent + 1

    def listen(self, since_s: float) -> None:
        heard = self.worker.pulse()
        # What is counted is time of looking on: a launch that was itself suspended has heard nobody meanwhile.
        self.silent_s = self.silent_s + min(since_s, MOST_A_LOOK_S) if heard == self.heard else 0.0
        self.heard = heard

    def hangs(self, timeout_s: float) -> bool:
        allowed = timeout_s * STARTING if self.heard.starting else timeout_s
        return self.heard.run >= 0 and self.silent_s > allowed


class Crew:
    """Workers that are sent for the same errands.

    Args:
        timeout_s: how long a run may make no step; None for ever.

    Attributes:
        deaths: how workers died, by the index, among the runs of the errand, of the one that they did.
    """

    def __init__(self, launcher: AbstractLauncher, place: Workplace, timeout_s: float | None) -> None:
        self.deaths: dict[int, list[str]] = {}
        self._launcher = launcher
        self._place = place
        self._timeout_s = timeout_s
        self._errand: Errand | None = None
        self._members: list[_Member] = []
        self._looked = time.monotonic()

    def send(self, errand: Errand, size: int) -> None:
        """Send everybody, and at least `size` workers, for `errand`, as soon as they are ready."""
        self._errand, self.deaths = errand, {}
        self._members += [self._started() for _ in range(size - len(self._members))]
        self._looked = time.monotonic()

    def _started(self) -> _Member:
        return _Member(self._launcher.start(self._place))

    def look(self) -> list[int]:
        """Send who is ready, put another in place of each that hangs; return the indices of the runs that they did."""
        now = time.monotonic()
        for member in self._members:
            if self._errand:
                member.send(self._errand)
            member.listen(now - self._looked)
        self._looked = now
        if self._timeout_s is None:
            return []
        hung = {index: member for index, member in enumerate(self._members) if member.hangs(self._timeout_s)}
        for index, member in hung.items():
            member.worker.kill()
            member.worker.join()
            log.warning("worker %d made no step for %g s; another takes its place", index, self._timeout_s)
            self._members[index] = self._started()
        return [member.heard.run for member in hung.values() if member.errand is self._errand]

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
                if member.errand is self._errand:
                    self.deaths.setdefault(member.worker.pulse().run, []).append(death)
                log.warning("worker %d was %s; another takes its place", index, death)
                self._members[index] = self._started()
        return deaths

    def stop(self) -> None:
        """Ask all to store what they train, and wait until they have ended; Ctrl-C meanwhile kills them."""
        try:
            for member in self._members:
                member.worker.ask_to_stop()
            for member in self._members:
                member.worker.join()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End all of them at once."""
        for member in self._members:
            member.worker.kill()
        for member in self._members:
            member.worker.join()


@contextmanager
def crew_of(launcher: AbstractLauncher, place: Workplace, timeout_s: float | None) -> Iterator[Crew]:
    """Give workers for the block, at whose end they are asked to stop; a second Ctrl-C kills them."""
    with launcher.opened():
        crew = Crew(launcher, place, timeout_s)
        try:
            yield crew
        except Exception:
            crew.stop()
            raise
        except BaseException:  # Ctrl-C once more
            crew.kill()
            raise
        crew.stop()
