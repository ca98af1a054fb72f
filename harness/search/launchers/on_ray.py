"""Workers that Ray places: on this machine, or wherever a cluster has room.

Ray starts them and notices when they or their machines are lost. What they do, and that it is done once, is the
business of the stage store's leases and the ledger, as for every other worker.
"""

import logging
import os
import queue
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayError

from harness.core.errors import HarnessError, InputError, InterruptedRunError
from harness.search.errand import IDLE, LOOK_AGAIN_S, Errand, Pulse, Workplace, do_errands
from harness.search.launchers._base import AbstractLauncher, AbstractWorker

__all__ = ["LOCAL", "OnRay"]

log = logging.getLogger(__name__)

LOCAL = "local"
# Ray reports to its makers unless told not to; and hides the GPUs from who asks for none of them.
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@final
class OnRay(AbstractLauncher):
    """Starts actors on a Ray cluster.

    Args:
        address: of the cluster, or `local` for a Ray of its own on this machine, which ends with the launch.
        cpus: that Ray sets aside for each worker.
        gpus: likewise; a fraction lets workers share one.
    """

    def __init__(self, address: str = LOCAL, *, cpus: float = 1.0, gpus: float = 0.0) -> None:
        self._address = address
        self._share = {"CPU": cpus, "GPU": gpus}

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Connect for the block.

        Raises:
            InputError: there is no such cluster, or this machine has no room for a single worker.
        """
        os.environ.update(SETTINGS)
        asked_to_stop = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(self._address, include_dashboard=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())
            raise InputError(f"expected a Ray cluster at {self._address!r}, found none to use: {said}") from None
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, asked_to_stop)  # for which Ray has its own idea
        try:
            self._check_room()
            yield
        finally:
            ray.shutdown()

    def start(self, place: Workplace) -> AbstractWorker:
        """Start an actor as soon as Ray has room for it."""
        made: Any = ray.remote(_Actor)
        return _OnRay(made.options(num_cpus=self._share["CPU"], num_gpus=self._share["GPU"]).remote(place))

    def _check_room(self) -> None:
        has = ray.cluster_resources()
        for kind, share in self._share.items():
            if share > has.get(kind, 0):
                found = f"expected {share:g} {kind} for each worker, Ray at {self._address!r} has {has.get(kind, 0):g}"
                if self._address == LOCAL:
                    raise InputError(f"{found}; ask for less with --{kind.lower()}s-per-worker")
                log.warning("%s; workers wait until a machine with so many joins it", found)


@final
class _OnRay(AbstractWorker):
    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._answer = actor.look.remote()
        self._pulse = IDLE
        self._death = ""
        self._complaint: HarnessError | None = None
        self._ended = False

    def take(self, errand: Errand) -> None:
        self._actor.take.remote(errand)

    def pulse(self) -> Pulse:
        self._look()
        return self._pulse

    def death(self) -> str:
        self._look()
        return self._death

    def complaint(self) -> HarnessError | None:
        self._look()
        return self._complaint

    def ask_to_stop(self) -> None:
        self._actor.ask_to_stop.remote()

    def kill(self) -> None:
        self._ended = True
        ray.kill(self._actor)

    def join(self) -> None:
        if not self._ended:
            try:
                ray.get(self._actor.wait.remote())
            except RayError:  # it is gone already
                return
            self.kill()

    def _look(self) -> None:
        """Take the actor's answer, if it has come, and ask again."""
        if self._ended or not ray.wait([self._answer], timeout=0)[0]:
            return
        try:
            self._pulse, self._complaint, over = ray.get(self._answer)
        except ActorUnavailableError:  # for a moment: nothing was heard of it
            over = False
        except (RayActorError, OutOfMemoryError) as error:
            self._death, self._ended = _said_of(error), True
            return
        if over:
            self.kill()  # or it would keep its place
        else:
            self._answer = self._actor.look.remote()


class _Actor:
    """What Ray runs: the work in a thread of its own, so that questions are answered meanwhile."""

    def __init__(self, place: Workplace) -> None:
        self._cells = list(IDLE)
        self._errands = queue.SimpleQueue[Errand]()
        self._asked = threading.Event()
        self._complaint: HarnessError | None = None
        self._thread = threading.Thread(target=self._work, args=(place,), name="worker", daemon=True)
        self._thread.start()

    def take(self, errand: Errand) -> None:
        self._errands.put(errand)

    def look(self) -> tuple[Pulse, HarnessError | None, bool]:
        """Return the pulse, the complaint, and whether the work is over."""
        over = not self._thread.is_alive()  # first: what it said at last is then heard
        return Pulse(*self._cells), self._complaint, over

    def ask_to_stop(self) -> None:
        self._asked.set()

    def wait(self) -> None:
        self._thread.join()

    def _arrived(self) -> Errand | None:
        try:
            return self._errands.get(timeout=LOOK_AGAIN_S)
        except queue.Empty:
            return None

    def _work(self, place: Workplace) -> None:
        try:
            do_errands(place, self._arrived, self._cells, self._asked.is_set)
        except InterruptedRunError:
            pass
        except HarnessError as error:
            self._complaint = error
        except BaseException:  # noqa: BLE001  # as a process would: it ends, and another takes its place
            traceback.print_exc()
            os._exit(1)


def _said_of(error: RayError) -> str:
    if isinstance(error, OutOfMemoryError):
        return "killed by Ray, since the memory of its machine ran out"
    first = next(iter(str(error).strip().splitlines()), "")
    return f"lost with its process or its machine ({type(error).__name__}: {first})"
