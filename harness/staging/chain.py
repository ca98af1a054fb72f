"""One run as a chain of stages: what is stored of each is restored, the rest is trained and committed."""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.core.errors import InterruptedRunError, KilledError, StageBusyError
from harness.core.history import History
from harness.core.output_specs import OutputSpecs
from harness.data import TaskData
from harness.growth import GrowthEvent, GrowthRule
from harness.growth.rules import TriggerMonitor
from harness.staging.catalog import StageEntry
from harness.staging.counts import count
from harness.staging.leases import Lease, Leases
from harness.staging.ledger import StageAddress
from harness.staging.network import PROBE_SIZE, build_network, probe_for
from harness.staging.results import PARAMETERS_ADDED, FinishedStage, RunResult, result_of
from harness.staging.run import RunConfig
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.staging.stage_key import next_key
from harness.staging.store import Stage, StageMetrics, Store
from harness.training.evaluation import evaluate
from harness.training.features import FeatureCache
from harness.training.impact import impact, snapshot_outputs
from harness.training.loop import OnEvaluation, Pause, Signals, train_stage
from harness.training.output_specs import output_specs
from harness.training.state import TrainState, fresh_state

__all__ = ["MOST_DEATHS", "Chain", "OnHistory", "Surroundings"]

OnHistory = Callable[[History], None]

MOST_DEATHS = 4  # in one stage, with nothing stored in between


@dataclass(frozen=True)
class Surroundings:
    """What a run is trained with and does not depend on.

    Attributes:
        leases: by which one process at a time trains a stage.
        forks: steps, by stage key, at which other runs will leave the stage: snapshots are made there in passing.
        on_evaluation: called after each evaluation.
        on_history: called with what was measured, each value once, as it becomes known.
        signals: asked for the signals that came by then.
        stop: asked after each step whether to stop there.
        snapshot_every_s: seconds of training between snapshots inside a long stage.
        features: where features of a frozen lower part are kept, or None to compute them at every step.
        test: whether the network is evaluated on test data where a stage ends.
    """

    store: Store
    leases: Leases
    forks: Mapping[str, frozenset[int]]
    on_evaluation: OnEvaluation
    on_history: OnHistory
    signals: Signals
    stop: Pause
    snapshot_every_s: float
    features: FeatureCache | None
    test: bool


@dataclass(frozen=True)
class _Leg:
    """What is ahead at the beginning of a stage.

    Attributes:
        key: of the stage.
        parent: the key of the stage before, or an empty string.
        start: the step at which it begins.
        rules: those that have not acted yet.
        begin: makes the state at `start`, and the history of the stage so far.
    """

    key: str
    parent: str
    start: int
    rules: tuple[GrowthRule, ...]
    begin: Callable[[], tuple[TrainState, History]]


@dataclass
class _Training:
    """A stage that is being trained.

    Attributes:
        monitor: the rules, which have seen every step up to here.
        seconds: training time since the stage began.
        rule: the one that fired here, if any did.
        told: how many points of each series whoever looks on has been told.
    """

    leg: _Leg
    lease: Lease
    state: TrainState
    history: History
    monitor: TriggerMonitor
    seconds: float
    rule: GrowthRule | None = None
    told: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _End:
    """The end of a stage: what was measured, the rule that fired, and the state, if it was trained here."""

    entry: StageEntry
    measured: StageMetrics
    rule: GrowthRule | None
    live: TrainState | None = None


class Chain:
    """One run, from its first stage, whose key is `first`, to its last."""

    def __init__(self, config: RunConfig, data: TaskData, first: str, around: Surroundings) -> None:
        self._config = config
        self._data = data
        self._first = first
        self._around = around
        self.steps_trained = 0

    def finish(self) -> RunResult:
        """Bring the run to its end.

        Raises:
            StageBusyError: another process is training the next stage.
            InterruptedRunError: training was asked to stop.
            SnapshotError: a stage was damaged and is set aside; to be called again.
            LeaseLostError: another process took over the stage; to be called again.
            KilledError: the next stage has killed whoever trained it.
        """
        leg = _Leg(self._first, "", 0, self._config.growths, self._fresh)
        stages: list[FinishedStage] = []
        lineage: list[GrowthEvent] = []
        while True:
            end = self._stored_end(leg) or self._trained_end(leg)
            stages.append(FinishedStage(end.entry.address, end.measured, end.entry.seconds))
            if end.rule is None:
                del leg, end  # and with them the network, which is built once more
                counts = count(self._config, self._data, lineage)
                return result_of(stages, first_head=next(iter(self._config.task.sizes)), counts=counts)
            lineage.append(GrowthEvent(step=end.entry.address.step, change=end.rule.change))
            leg = self._after_growth(leg, end, end.rule)

    def _fresh(self) -> tuple[TrainState, History]:
        config, model = self._config, build_network(self._config, self._data)
        return fresh_state(model, config.training.optimizer, seed=config.seed, precision=config.precision), History()

    def _after_growth(self, leg: _Leg, end: _End, rule: GrowthRule) -> _Leg:
        def grown() -> tuple[TrainState, History]:
            state = end.live or self._restored(end.entry)
            history = History()
            history.record(state.step, self._grow(state, rule))
            return state, history

        step = end.entry.address.step
        rest = tuple(other for other in leg.rules if other is not rule)
        return _Leg(next_key(leg.key, step, rule.change), leg.key, step, rest, grown)

    def _grow(self, state: TrainState, rule: GrowthRule) -> dict[str, float]:
        """Grow `state`; return what that did, measured on examples of the classes that were known before."""
        training, specs = self._config.training, self._output_specs(state)
        known = specs.label_map.known(self._data.validation.labels).nonzero().squeeze(1)
        batch = self._data.validation.take(known[:PROBE_SIZE])
        before = snapshot_outputs(state, batch, training, specs)
        growth = state.grow(rule.change, probe=probe_for(rule.change, self._data))
        after = snapshot_outputs(state, batch, training, self._output_specs(state))
        return {PARAMETERS_ADDED: float(growth.parameters_added), **impact(before, after)}

    def _output_specs(self, state: TrainState) -> OutputSpecs:
        return output_specs(state.model, state.lineage, state.effects, self._data)

    def _entries(self, leg: _Leg) -> dict[int, StageEntry]:
        """Return what is stored of the stage, by step, as far as this run passes through it."""
        found = {entry.address.step: entry for entry in self._around.store.entries(leg.key)}
        return {step: entry for step, entry in found.items() if step <= self._config.steps}

    def _fired(self, leg: _Leg, entries: Mapping[int, StageEntry]) -> tuple[int, GrowthRule | None] | None:
        """Return the step at which a rule fires, and the rule, if that is known by now."""
        if known := TriggerMonitor(leg.rules).next_firing_step(leg.start):
            return known
        if not entries:
            return None
        last = max(entries)
        history = self._around.store.measured(entries[last]).history
        return TriggerMonitor(leg.rules).replay(history, start=leg.start, until=last)

    def _stored_end(self, leg: _Leg) -> _End | None:
        """Return the end of the stage if it is stored with all that is measured there."""
        entries = self._entries(leg)
        step, rule = self._fired(leg, entries) or (self._config.steps, None)
        step, rule = (step, rule) if step <= self._config.steps else (self._config.steps, None)
        if step not in entries:
            return None
        measured = self._around.store.measured(entries[step])
        if not self._has_all(measured, step):
            return None
        if not self._around.test:  # another run may have opened them here
            measured = StageMetrics(measured.history, measured.ending.without("test/"))
        self._around.on_evaluation(step, measured.history.latest())
        self._around.on_history(measured.history.then(measured.ending))
        return _End(entries[step], measured, rule)

    def _has_all(self, measured: StageMetrics, step: int) -> bool:
        """Return whether what this run asks for was evaluated at `step`; a run before may have asked for less."""
        splits = ("val", "test") if self._around.test else ("val",)
        return all(_is_evaluated(measured.history.then(measured.ending), split, step) for split in splits)

    def _trained_end(self, leg: _Leg) -> _End:
        with self._around.leases.hold(leg.key) as lease:
            if lease is None:
                raise StageBusyError(f"another process is training the stage {leg.key[:8]}")
            if end := self._stored_end(leg):  # by the process that held the lease before
                return end
            if lease.deaths >= MOST_DEATHS:
                raise KilledError(f"{lease.deaths} processes died in the stage that begins at step {leg.start}")
            training = self._begun(leg, lease)
            while not self._train_on(training):
                ending = self._ending(training) if self._is_fork(training) else History()
                self._commit(training, ending)
                if self._around.stop():
                    raise InterruptedRunError(f"stopped after step {training.state.step}, which is stored")
            ending = self._ending(training)
            entry = self._commit(training, ending)
            self._around.on_history(training.history.news(training.told).then(ending))
            return _End(entry, StageMetrics(training.history, ending), training.rule, training.state)

    def _begun(self, leg: _Leg, lease: Lease) -> _Training:
        """Return the stage where it was left, or at its beginning."""
        entries = self._entries(leg)
        fired = self._fired(leg, entries)
        passed = [step for step in entries if fired is None or step <= fired[0]]
        kept = [entries[step] for step in passed if not entries[step].evicted]
        monitor = TriggerMonitor(leg.rules)
        if not kept:
            state, history = leg.begin()
            return _Training(leg, lease, state, history, monitor, seconds=0.0)
        nearest = kept[-1]
        history = self._around.store.measured(nearest).history
        here = monitor.replay(history, start=leg.start, until=nearest.address.step)
        rule = here[1] if here else None
        return _Training(leg, lease, self._restored(nearest), history, monitor, nearest.seconds, rule)

    def _train_on(self, training: _Training) -> bool:
        """Train until something is to be stored; return whether the stage has ended."""
        state, end = training.state, self._config.steps
        if training.rule is None and state.step < end:
            ahead = [fork for fork in self._around.forks.get(training.leg.key, ()) if fork > state.step]
            began, before = time.monotonic(), state.step
            training.rule = train_stage(
                state,
                min([*ahead, end]),
                config=self._config.training,
                data=self._data,
                monitor=training.monitor,
                history=training.history,
                on_evaluation=functools.partial(self._evaluated, training),
                signals=self._around.signals,
                features=self._around.features,
                pause=lambda: self._around.stop() or time.monotonic() - began > self._around.snapshot_every_s,
            )
            training.seconds += time.monotonic() - began
            self.steps_trained += state.step - before
        return training.rule is not None or state.step >= end

    def _evaluated(self, training: _Training, step: int, metrics: Mapping[str, float]) -> None:
        self._around.on_evaluation(step, metrics)
        self._around.on_history(training.history.news(training.told))

    def _is_fork(self, training: _Training) -> bool:
        return training.state.step in self._around.forks.get(training.leg.key, ())

    def _commit(self, training: _Training, ending: History) -> StageEntry:
        leg, state = training.leg, training.state
        stage = Stage(
            address=StageAddress(leg.key, state.step),
            start=leg.start,
            parent=leg.parent,
            state=write_snapshot(state),
            measured=StageMetrics(training.history, ending),
            seconds=training.seconds,
        )
        return self._around.store.commit(stage, training.lease)

    def _ending(self, training: _Training) -> History:
        """Evaluate where training may stop, which a run that goes on does not do."""
        state, specs = training.state, self._output_specs(training.state)
        splits = {} if _is_evaluated(training.history, "val", state.step) else {"val": self._data.validation}
        if self._around.test:
            splits["test"] = self._data.test
        ending = History()
        for name, split in splits.items():
            metrics = evaluate(state, split, self._config.training, specs)
            ending.record(state.step, {f"{name}/{key}": value for key, value in metrics.items()})
        return ending

    def _restored(self, entry: StageEntry) -> TrainState:
        config = self._config
        return read_snapshot(
            self._around.store.snapshot(entry),
            build_network(config, self._data),
            config.training.optimizer,
            probe=lambda change: probe_for(change, self._data),
            seed=config.seed,
            precision=config.precision,
        )


def _is_evaluated(history: History, split: str, step: int) -> bool:
    total = f"{split}/loss/total"
    return total in history and history[total].steps[-1] == step
