"""A home with a study whose processes are killed: a launch, workers that it starts, one more worker, and the delivery.

All are forks of this process, which has imported everything: so a kill costs a second, not ten, and most hit what
matters rather than an import.
"""

import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.staging.ledger import Ledger
from harness.staging.process_identity import has_ended
from tests.in_process import exit_code
from tests.integration.kills.forks import DELIVERY, LAUNCH, WORKER, be_called

__all__ = ["Struck", "forked"]

SURPRISED = 70
IN_TRAINING = 0.7  # of the moments are counted from when a process trains, the others from a start
LONGEST_S = 3.0
PATIENCE_S, POLL_S = 300.0, 0.2
ALMOST_GIVEN_UP = 2  # deaths of a stage in a row; after four, it is given up
FURTHER = "further worker"
OF_STAGES = "name NOT LIKE 'proposals%'"  # of leases and deaths


def forked(arguments: Sequence[str], said: Path) -> int:
    """Return the id of a process that calls `harness`, and whose words are added to `said`."""
    if child := os.fork():
        return child
    be_called(LAUNCH if arguments[0] == "run" else FURTHER)
    code = SURPRISED
    with said.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    try:
        code = exit_code(arguments)
    except BaseException:  # noqa: BLE001  # the parent is told
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


@dataclass
class Struck:
    """The study in `home`.

    Attributes:
        options: of the launch.
        further: whether there is one more worker, as on another machine.
        trials: planned by now; a study that has ended gets one more.
        killed: how often which of its processes.
    """

    name: str
    home: Path
    storage: str
    options: tuple[str, ...]
    further: bool
    trials: int = 1
    killed: Counter[str] = field(default_factory=Counter)
    _running: dict[str, int] = field(default_factory=dict)
    _seen: set[psutil.Process] = field(default_factory=set)

    @property
    def place(self) -> tuple[str, ...]:
        """The arguments that say where it lies."""
        return ("--home", str(self.home), "--storage", self.storage)

    def strike(self, draws: random.Random) -> None:
        """Start what is missing, and kill something after a while, if there is still something."""
        in_training, wait_s, draw = draws.random() < IN_TRAINING, draws.uniform(0, LONGEST_S), draws.random()
        self._start()
        self._until(lambda: self._deaths() < ALMOST_GIVEN_UP)
        if in_training:
            self._until(self._trains)
        time.sleep(wait_s)
        self._reap()
        if victims := self._victims():
            role, victim = victims[int(draw * len(victims))]
            with suppress(psutil.NoSuchProcess):
                victim.kill()
                self.killed[role] += 1
                self._until(lambda: self._running.get(role) != victim.pid)

    def finish(self) -> list[str]:
        """Let it go on undisturbed to its end, and show what is not shown yet; return what does not end."""
        planned = self.trials
        self._start()
        in_time = self._until(lambda: not self._running)
        self.trials = planned
        self._running["sync"] = forked(["sync", self.name, *self.place], self.home.with_suffix(".txt"))
        in_time &= self._until(lambda: not self._running)
        _, alive = psutil.wait_procs(self._seen, timeout=60)
        return [*(() if in_time else ("a command",)), *(process.name() for process in alive)]

    def _start(self) -> None:
        said = self.home.with_suffix(".txt")
        if LAUNCH not in self._running:
            command = ["run", "study.py", "--trials", str(self.trials), *self.options, *self.place]
            self._running[LAUNCH] = forked(command, said)
        if self.further and FURTHER not in self._running and self._begun():
            self._running[FURTHER] = forked(["worker", self.name, *self.place], said)

    def _until(self, condition: Callable[[], bool]) -> bool:
        """Wait until something holds or nothing is left to wait for; return whether that was so in time."""
        began = time.monotonic()
        while self._running and not condition():
            if time.monotonic() - began > PATIENCE_S:
                return False
            time.sleep(POLL_S)
            self._victims()
            self._reap()
        return True

    def _victims(self) -> list[tuple[str, psutil.Process]]:
        found = [(role, psutil.Process(pid)) for role, pid in self._running.items()]
        for _, process in tuple(found):
            with suppress(psutil.Error):
                children = [child for child in process.children() if child.name() in (WORKER, DELIVERY)]
                found += [(child.name(), child) for child in children]
                self._seen |= set(children)
        return found

    def _reap(self) -> None:
        """Notice what has ended: it was killed, or has done all."""
        for role, pid in tuple(self._running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._running[role]
                code = os.waitstatus_to_exitcode(status)
                assert code in (0, -signal.SIGKILL), self.home.with_suffix(".txt").read_text()[-3000:]
                self.trials += code == 0 and role == LAUNCH

    def _begun(self) -> bool:
        return any(self._rows("SELECT 1 FROM studies"))

    def _trains(self) -> bool:
        held = self._rows(f"SELECT owner FROM leases WHERE expires > {{now}} AND {OF_STAGES}")
        return any(not has_ended(owner) for (owner,) in held)

    def _deaths(self) -> int:
        return max((count for (count,) in self._rows(f"SELECT count FROM deaths WHERE {OF_STAGES}")), default=0)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        ledger = Ledger(self.home, self.storage)
        if not ledger.exists:
            return []
        try:
            with ledger.database.transaction() as transaction:
                return transaction.rows(statement) if transaction.has("data_digests") else []
        finally:
            ledger.database.close()
