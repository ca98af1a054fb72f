"""Executing runs in this process, beside other processes that execute runs of the same study."""

import functools
import gc
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.errors import InterruptedRunError, StageBusyError
from harness.core.history import History
from harness.search.execution import WAITING, OnRunEnd, recorded_end, run_record
from harness.search.failure import failure_reason
from harness.search.observer import Observer
from harness.search.run_request import RunRequest
from harness.staging.ledger import RunRecord
from harness.staging.plan import Plan
from harness.staging.results import growths_in
from harness.staging.run import run_id
from harness.staging.runner import Runner
from harness.staging.signals import SignalWatch
from harness.tracking.live.feed import NO_FEED, AbstractFeed
from harness.training.loop import StageLoop, Training
from harness.training.machine import machine
from harness.training.packing import Packs

__all__ = ["LocalExecutor"]

POLL_S = 0.2  # while other processes train the next stage of every run that is left
MOST = 96  # runs that have begun and not ended

Forks = Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class LocalExecutor:
    """Executes runs in this process.

    Attributes:
        stop: asked between runs whether to stop.
        feed: receives what runs measure while they train.
        commit: that is checked out around the study's file, as in `RunRecord`.
        packs: trains runs together; None to train one after the other, as for a runner without packing.
    """

    runner: Runner
    observer: Observer
    stop: Callable[[], bool] = lambda: False
    feed: AbstractFeed = NO_FEED
    commit: str = ""
    packs: Packs | None = field(default_factory=Packs)

    def __post_init__(self) -> None:
        if not self.runner.packing:
            object.__setattr__(self, "packs", None)

    def execute(self, runs: Sequence[RunRequest], plan: Plan, on_run_end: OnRunEnd) -> None:
        """Execute each run, as `ExecuteRuns` says."""
        self.execute_with(plan.forks, runs, on_run_end)

    def execute_with(self, forks: Forks, runs: Sequence[RunRequest], on_run_end: OnRunEnd, *, workers: int = 1) -> None:
        """Execute each run that no other process executed.

        A run whose next stage is being trained already is put off while others can be executed.

        Args:
            forks: those of the plan.
            runs: to be executed.
            on_run_end: called with the record of each.
            workers: processes that execute the same runs; none begins more at a time than its share.

        Raises:
            InterruptedRunError: this process was asked to stop.
        """
        _pass_over_what_was_imported()
        _Execution(self, forks, on_run_end, most=min(MOST, math.ceil(len(runs) / workers))).finish(runs)

    def training(self, run: RunRequest, forks: Forks, signals: SignalWatch) -> Training[RunRecord]:
        """Train the run to its end, or to its rung, and record what came of it; yield loops, as `Runner.training`."""
        name, ledger = run_id(run.config), self.runner.store.ledger
        self.observer.on_run_begin(run.name, run.config.steps)
        self.runner.check_data(run.study, run.config)
        record = functools.partial(run_record, run, commit=self.commit, machine=machine(run.config.device))
        self.feed.begin(record("running"))
        try:
            result = yield from self.runner.training(
                run.config if run.until is None else run.config.up_to(run.until),
                functools.partial(self.observer.on_evaluation, run.name),
                signals=functools.partial(signals.sent_to, name),
                forks=forks,
                on_history=functools.partial(self._measured, run.name, name),
                test=run.test and run.until is None,
            )
        except GeneratorExit:  # it was put aside
            raise
        except BaseException as error:  # a study's own code may raise anything, and call sys.exit
            reason = failure_reason(error)
            if reason is None:
                raise
            ended = record("failed", reason=reason)
        else:
            outcome = {"stages": result.stages, "growths": result.growths, "metrics": result.metrics}
            if run.until is not None:
                rung = record(WAITING, **outcome)
                ledger.save_rung(rung, run.until)
                return rung
            ended = record("completed", **outcome)
        # A run that waits for another process, or was interrupted, has not ended.
        self.feed.end(name)  # first: whoever finds the run in the ledger finds its whole feed
        ledger.save_run(ended)
        return ended

    def _measured(self, name: str, run_id: str, part: History) -> None:
        self.feed.append(run_id, part)
        for step, metrics in growths_in(part).items():
            self.observer.on_growth(name, step, metrics)


@dataclass
class _Begun:
    """A run that has begun, with the loop that is to be trained next."""

    run: RunRequest
    training: Training[RunRecord]
    loop: StageLoop


@dataclass
class _Execution:
    """Brings runs to their ends, several at a time.

    Attributes:
        most: runs that have begun and not ended.
        begun: those.
        put_off: runs whose next stage is being trained already, with its key and the time at which they were put off.
        signals: that were sent, by study.
    """

    executor: LocalExecutor
    forks: Forks
    on_run_end: OnRunEnd
    most: int
    begun: list[_Begun] = field(default_factory=list)
    put_off: list[tuple[RunRequest, str, float]] = field(default_factory=list)
    signals: dict[str, SignalWatch] = field(default_factory=dict)

    def finish(self, runs: Sequence[RunRequest]) -> None:
        """Execute all runs."""
        left = list(runs)
        try:
            while left or self.begun or self.put_off:
                if self.executor.stop():
                    self._interrupt()
                left = self._begin(self._due() + left)
                if self.begun:
                    self._train()
                elif self.put_off and not left:
                    time.sleep(POLL_S)
        finally:
            for one in self.begun:
                one.training.close()

    def _signals_of(self, study: str) -> SignalWatch:
        if study not in self.signals:
            self.signals[study] = SignalWatch(self.executor.runner.store.ledger.database, study)
        return self.signals[study]

    def _due(self) -> list[RunRequest]:
        """Return the runs that were put off and may go on now."""
        held, now = self.executor.runner.holds, time.monotonic()
        waits = [(held(key) or (self.begun and now - since < POLL_S)) for _, key, since in self.put_off]
        due = [run for (run, _, _), waiting in zip(self.put_off, waits, strict=True) if not waiting]
        self.put_off = [one for one, waiting in zip(self.put_off, waits, strict=True) if waiting]
        return due

    def _begin(self, runs: Sequence[RunRequest]) -> list[RunRequest]:
        """Begin as many of `runs` as can be trained together; return the others."""
        packs = self.executor.packs
        for index, run in enumerate(runs):
            loops = [one.loop for one in self.begun]
            if loops and (packs is None or len(loops) >= self.most or not packs.has_room(loops)):
                return list(runs[index:])
            if self.executor.stop():
                self._interrupt()
            if ended := recorded_end(self.executor.runner.store.ledger, run):
                self.on_run_end(ended)
            else:
                self._go_on(run, self.executor.training(run, self.forks, self._signals_of(run.study)))
        return []

    def _train(self) -> None:
        """Train some runs until the loop of one has ended, and let that one go on."""
        loops = [one.loop for one in self.begun]
        packs = self.executor.packs or Packs(largest=1)
        chosen = packs.choose(loops)
        self.executor.observer.on_training([one.run.name for one in self.begun if one.loop in chosen])
        packs.train(chosen)
        ended = [one for one in self.begun if one.loop.ended]
        self.begun = [one for one in self.begun if not one.loop.ended]
        for index, one in enumerate(ended):
            try:
                self._go_on(one.run, one.training, one.loop.error)
            except BaseException as error:
                self.begun += ended[index + 1 :]
                if isinstance(error, InterruptedRunError):  # it is stored; so is what the others have trained
                    self._interrupt()
                raise

    def _go_on(self, run: RunRequest, training: Training[RunRecord], error: BaseException | None = None) -> None:
        """Let a run go on up to its next loop, or to its end."""
        try:
            loop = _resume(training, error)
        except StopIteration as end:
            self.on_run_end(end.value)
        except StageBusyError as busy:
            self.put_off.append((run, busy.key, time.monotonic()))
        else:
            self.begun.append(_Begun(run, training, loop))

    def _interrupt(self) -> None:
        """Store what was trained.

        Raises:
            InterruptedRunError: in any case.
        """
        begun, self.begun = self.begun, []
        for one in begun:
            if one.loop.stepped:
                try:
                    _resume(one.training, one.loop.error)
                except (InterruptedRunError, StopIteration):
                    continue
            one.training.close()
        raise InterruptedRunError("stopped between two steps; everything is stored")


@functools.cache
def _pass_over_what_was_imported() -> None:
    """Tell the garbage collector that it is no garbage: to look through it again costs a tenth of small steps."""
    gc.freeze()


def _resume(training: Training[RunRecord], error: BaseException | None) -> StageLoop:
    return next(training) if error is None else training.throw(error)
