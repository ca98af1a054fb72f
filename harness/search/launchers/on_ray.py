"""Workers that Ray places: on this machine, or wherever a cluster has room.

Ray starts them and notices when they or their machines are lost. Leases and the ledger see to it that each run is
executed once, as for every other worker.
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
from harness.core.instruction_sets import PINS
from harness.search.heartbeat import IDLE, POLL_S, Heartbeat
from harness.search.launchers._base import AbstractLauncher, AbstractWorker
from harness.search.worker import WorkerConfig, WorkItem, run_worker

__all__ = ["LOCAL", "OnRay"]

log = logging.getLogger(__name__)

LOCAL = "local"
# By default Ray reports usage to its makers, and hides all GPUs from workers that ask for none.
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
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(self._address, include_dashboard=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            message = " ".join(str(error).split())
            raise InputError(f"expected a Ray cluster at {self._address!r}, found none to use: {message}") from None
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, on_sigterm)  # which Ray has replaced
        try:
            self._check_room()
            yield
        finally:
            ray.shutdown()

    def start(self, config: WorkerConfig) -> AbstractWorker:
        """Start an actor as soon as Ray has room for it."""
        actor_class: Any = ray.remote(_Actor)
        options: dict[str, Any] = {"num_cpus": self._share["CPU"], "num_gpus": self._share["GPU"]}
        if config.pinned:
            options["runtime_env"] = {"env_vars": PINS}  # before the actor's process loads torch
        return _OnRay(actor_class.options(**options).remote(config))

    def _check_room(self) -> None:
        resources = ray.cluster_resources()
        for kind, share in self._share.items():
            if share > (available := resources.get(kind, 0)):
                shortage = f"expected {share:g} {kind} for each worker, Ray at {self._address!r} has {available:g}"
                if self._address == LOCAL:
                    raise InputError(f"{shortage}; ask for less with --{kind.lower()}s-per-worker")
                log.warning("%s; workers wait until a machine with so many joins it", shortage)


@final
class _OnRay(AbstractWorker):
    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._status = actor.poll.remote()
        self._heartbeat = IDLE
        self._exit_reason = ""
        self._error: HarnessError | None = None
        self._ended = False

    def submit(self, item: WorkItem) -> None:
        self._actor.submit.remote(item)

    def heartbeat(self) -> Heartbeat:
        self._poll()
        return self._heartbeat

    def exit_reason(self) -> str:
        self._poll()
        return self._exit_reason

    def error(self) -> HarnessError | None:
        self._poll()
        return self._error

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

    def _poll(self) -> None:
        """Read the status that the actor was asked for, if it has come, and ask again."""
        if self._ended or not ray.wait([self._status], timeout=0)[0]:
            return
        try:
            self._heartbeat, self._error, over = ray.get(self._status)
        except ActorUnavailableError:  # for a moment: the actor may be alive
            over = False
        except (RayActorError, OutOfMemoryError) as error:
            self._exit_reason, self._ended = _exit_reason(error), True
            return
        if over:
            self.kill()  # or the actor would keep its resources
        else:
            self._status = self._actor.poll.remote()


class _Actor:
    """What Ray runs: the worker in a thread of its own, so that the actor answers calls meanwhile."""

    def __init__(self, config: WorkerConfig) -> None:
        self._heartbeat_values = list(IDLE)
        self._items = queue.SimpleQueue[WorkItem]()
        self._asked_to_stop = threading.Event()
        self._error: HarnessError | None = None
        self._thread = threading.Thread(target=self._work, args=(config,), name="worker", daemon=True)
        self._thread.start()

    def submit(self, item: WorkItem) -> None:
        self._items.put(item)

    def poll(self) -> tuple[Heartbeat, HarnessError | None, bool]:
        """Return the heartbeat, the error, and whether the worker has ended."""
        over = not self._thread.is_alive()  # first, so that what it wrote last is read after it
        return Heartbeat(*self._heartbeat_values), self._error, over

    def ask_to_stop(self) -> None:
        self._asked_to_stop.set()

    def wait(self) -> None:
        self._thread.join()

    def _receive(self) -> WorkItem | None:
        try:
            return self._items.get(timeout=POLL_S)
        except queue.Empty:
            return None

    def _work(self, config: WorkerConfig) -> None:
        try:
            run_worker(config, self._receive, self._heartbeat_values, self._asked_to_stop.is_set)
        except InterruptedRunError:
            pass
        except HarnessError as error:
            self._error = error
        except BaseException:  # noqa: BLE001  # as a process would: it ends, and another takes its place
            traceback.print_exc()
            os._exit(1)


def _exit_reason(error: RayError) -> str:
    if isinstance(error, OutOfMemoryError):
        return "killed by Ray, since the memory of its machine ran out"
    first = next(iter(str(error).strip().splitlines()), "")
    return f"lost with its process or its machine ({type(error).__name__}: {first})"
