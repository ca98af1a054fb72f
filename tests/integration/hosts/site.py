"""A launch host, two worker hosts and a database host, which share a folder of stages and train one study."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import harness
from harness.staging.ledger import Ledger
from tests.integration.hosts.database_host import DatabaseHost, database_host
from tests.integration.hosts.network import Host, Network, network
from tests.integration.kills.driver import numbers_of

__all__ = ["RUNS", "STUDY", "Site", "calm_numbers", "site"]

ROOT = Path(harness.__file__).parents[1]
UNREPORTED = Path(__file__).parents[1] / "unreported.py"
STUDY = "digits-late-classes"
SIZES = ["--trials", "1", "--seeds", "2", "--set", "steps=1500", "--set", "training.evaluate_every=150"]
STARTED_S = 900.0  # on a machine that has other things to do
RUNS = 1 * 2 * 3
Process = subprocess.Popen[bytes]


@final
class Site:
    """The hosts, and what runs on them.

    Attributes:
        began: the processes, by the name of their host; a later one takes the place of an earlier.
    """

    def __init__(self, net: Network, database: DatabaseHost, folder: Path) -> None:
        self.network = net
        self.database = database
        self.launch, self.one, self.two = (
            net.host(name, number) for number, name in enumerate(("launch", "one", "two"), start=3)
        )
        self.began: dict[str, Process] = {}
        self.ledger = Ledger(folder, database.watched)
        self.folder = folder
        self.storage = database.url
        self._seen: set[str] = set()

    def run(self, host: Host, *options: str) -> Process:
        """Begin `harness run` on a host."""
        return self._begin(host, "run", STUDY, *SIZES, "--no-tracking", *options)

    def begin(self, *options: str) -> None:
        """Launch the study, let both other hosts work on it, and return when all three do."""
        self.run(self.launch, *options)
        self.wait_for(self._is_begun, STARTED_S)
        for host in (self.one, self.two):
            self._begin(host, "worker", STUDY)
        self.wait_for(lambda: self._asked() >= {host.name for host in (self.launch, self.one, self.two)}, STARTED_S)

    def _asked(self) -> set[str]:
        """Return the hosts that have ended a transaction: from then on, they wait for a database that is away."""
        with self.ledger.database.transaction() as transaction:
            rows = transaction.rows("SELECT DISTINCT application_name FROM pg_stat_activity WHERE query = 'COMMIT'")
        self._seen |= {name for (name,) in rows}
        return self._seen

    @property
    def ended(self) -> bool:
        """Whether every process has ended."""
        return all(process.poll() is not None for process in self.began.values())

    def _is_begun(self) -> bool:
        with self.ledger.database.transaction() as transaction:
            if not transaction.has("leases") or not transaction.has("studies"):
                return False
        return bool(self.ledger.studies())

    def _begin(self, host: Host, *command: str) -> Process:
        place = ["--store", str(self.folder / "stages"), "--home", str(self.folder / host.name)]
        process = host.start(
            sys.executable,
            UNREPORTED,
            *command,
            *place,
            folder=ROOT,
            log=self.log(host),
            env={"PYTHONPATH": str(ROOT), "HARNESS_STORAGE": self.storage, "PGAPPNAME": host.name},
        )
        self.began[host.name] = process
        return process

    def log(self, host: Host) -> Path:
        """Return the file with what the processes of a host said."""
        return self.folder / f"{host.name}.log"

    def said(self) -> str:
        """Return the last that was said on every host."""
        return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in sorted(self.folder.glob("*.log")))

    def trains(self, host: Host) -> bool:
        """Return whether a process of the host holds the lease of a stage."""
        return any(json.loads(owner)[0] == host.name for name, owner in self.leases() if not name.startswith("prop"))

    def leases(self) -> list[tuple[str, str]]:
        """Return the name and owner of every lease that is neither released nor expired."""
        with self.ledger.database.transaction() as transaction:
            rows = transaction.rows("SELECT name, owner FROM leases WHERE expires > {now}")
        return [(name, owner) for name, owner in rows]

    def wait_for(self, condition: Callable[[], bool], longest_s: float) -> float:
        """Wait until something is so; return how long that took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < longest_s, f"not so after {longest_s} s\n{self.said()}"
            time.sleep(0.1)
        return time.monotonic() - began

    def finish(self, *hosts: Host, longest_s: float) -> float:
        """Wait until the processes of these hosts have ended; return how long that took."""
        took = self.wait_for(lambda: all(self.began[host.name].poll() is not None for host in hosts), longest_s)
        assert {host.name: self.began[host.name].returncode for host in hosts} == {host.name: 0 for host in hosts}, (
            self.said()
        )
        return took

    def numbers(self) -> dict[object, object]:
        """Return every number of every run that has ended."""
        return {run.key: numbers_of(run, self.folder / "stages") for run in self.ledger.runs(STUDY)}

    def figures(self, calm: dict[object, object]) -> dict[str, object]:
        """Return what was lost, done twice, is stuck or differs from a run of one process."""
        found, opened = self.numbers(), self.ledger.test_set_accesses(STUDY)
        return {
            "runs": len(found),
            "lost": RUNS - len(found),
            "twice": len(opened) - len({(access.trial, access.arm, access.seed) for access in opened}),
            "stuck": len(self.leases()),
            "unequal to the bit": sum(value != calm.get(key) for key, value in found.items()),
        }


NOTHING_WRONG: dict[str, object] = {"runs": RUNS, "lost": 0, "twice": 0, "stuck": 0, "unequal to the bit": 0}


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Open a site for the block."""
    with network(folder) as net, database_host(net) as database:
        opened = Site(net, database, folder)
        try:
            yield opened
        finally:
            opened.ledger.database.close()
            net.close()


def calm_numbers(folder: Path) -> dict[object, object]:
    """Return every number of the study, trained by one process that nothing disturbs."""
    command = [sys.executable, str(UNREPORTED), "run", STUDY, *SIZES, "--no-tracking", "--home", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return {run.key: numbers_of(run, folder / "store") for run in Ledger(folder).runs(STUDY)}
