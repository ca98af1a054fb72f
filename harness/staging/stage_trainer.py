"""Training of one stage under a lease: from its beginning or its latest snapshot to its end, committed on the way."""

import functools
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from harness.core.answers import Answers
from harness.core.errors import InterruptedRunError, KilledError, StageBusyError
from harness.core.history import History
from harness.data import Split, TaskData
from harness.growth.rules import Rule, TriggerMonitor, growth_of
from harness.losses import Batch
from harness.staging.leases import Lease
from harness.staging.ledger import StageAddress
from harness.staging.pending_stage import PendingStage, StageEnd
from harness.staging.run import RunConfig
from harness.staging.run_context import RunContext
from harness.staging.snapshot import capture_snapshot
from harness.staging.stage_writer import PendingCommits
from harness.staging.store import Stage, StageMetrics
from harness.staging.stored_stages import StoredStages, is_evaluated
from harness.training.answers import answers_of
from harness.training.evaluation import evaluate, evaluated
from harness.training.forward import needs_of
from harness.training.loop import StageLoop, Training
from harness.training.nondeterminism import explained_nondeterminism
from harness.training.output_specs import output_specs
from harness.training.rehearsal import nearest_mean
from harness.training.state import TrainState

__all__ = ["MAX_DEATHS", "MOST_OF_THE_TIME", "StageTrainer"]

MAX_DEATHS = 4  # of processes in one stage, with nothing stored in between
MOST_OF_THE_TIME = 0.03  # that snapshots inside a stage may cost


@dataclass
class _StageTraining:
    """A stage that is being trained.

    Attributes:
        monitor: the rules; their triggers have observed every step so far.
        seconds: training time since the stage began.
        rule: the one that fired at this step, if any did.
        reported: how many points of each series `on_history` has been called with.
    """

    stage: PendingStage
    lease: Lease
    state: TrainState
    history: History
    monitor: TriggerMonitor
    seconds: float
    rule: Rule | None = None
    reported: dict[str, int] = field(default_factory=dict)


class StageTrainer:
    """Trains stages of the run `config`, whose task has the data `data`.

    Attributes:
        steps_trained: so far.
    """

    def __init__(
        self, config: RunConfig, data: TaskData, context: RunContext, stored: StoredStages, commits: PendingCommits
    ) -> None:
        self._config = config
        self._data = data
        self._context = context
        self._stored = stored
        self._commits = commits
        self.steps_trained = 0

    def train(self, stage: PendingStage) -> Training[StageEnd]:
        """Train a stage to its end, and have it committed; yield each loop that is to be trained meanwhile.

        Raises:
            StageBusyError: another process, or another run of this one, is training the stage.
            InterruptedRunError: training was asked to stop; what was trained is stored.
            KilledError: the stage has killed every process that trained it.
            StoreError: what was committed before could not be written.
        """
        with ExitStack() as until_committed:
            lease = until_committed.enter_context(self._context.leases.hold(stage.key))
            if lease is None:
                raise StageBusyError(f"another process is training the stage {stage.key[:8]}", stage.key)
            if end := self._stored.end(stage):  # the process that held the lease before has trained it
                return end
            if lease.deaths >= MAX_DEATHS:
                raise KilledError(f"{lease.deaths} processes died in the stage that begins at step {stage.start}")
            training = self._begin(stage, lease)
            with explained_nondeterminism(training.state.model):
                while not (yield from self._advance(training)):
                    self._commit(training, self._metrics(training, final=self._is_fork(training)))
                    if self._context.stop():
                        self._commits.wait()
                        raise InterruptedRunError(f"stopped after step {training.state.step}, which is stored")
                metrics = self._metrics(training, final=True)
            self._commit(training, metrics)
            self._commits.afterwards(until_committed.pop_all().close)
            self._context.on_history(training.history.since(training.reported).then(metrics.final_evaluation))
            state, address = training.state, self._address(training)
            return StageEnd(address, training.seconds, metrics, growth_of(training.rule), lambda: state)

    def _begin(self, stage: PendingStage, lease: Lease) -> _StageTraining:
        """Return the stage at its latest snapshot, or at its beginning if there is none."""
        entries = self._stored.entries(stage)
        firing = self._stored.firing(stage, entries)
        passed = [entry for step, entry in entries.items() if firing is None or step <= firing[0]]
        with_snapshot = [entry for entry in passed if not entry.evicted]
        monitor = TriggerMonitor(self._config.monitored(stage.rules))
        if not with_snapshot:
            state, history = stage.begin()
            return _StageTraining(stage, lease, state, history, monitor, seconds=0.0)
        latest = with_snapshot[-1]
        history = self._context.store.metrics(latest).history
        fired = monitor.replay(history, start=stage.start, until=latest.address.step)
        rule = fired[1] if fired else None
        return _StageTraining(stage, lease, self._stored.restore(latest), history, monitor, latest.seconds, rule)

    def _advance(self, training: _StageTraining) -> Training[bool]:
        """Train until something is to be stored; return whether the stage has ended."""
        state, end = training.state, self._config.steps
        if training.rule is None and state.step < end:
            forks_ahead = [step for step in self._forks(training) if step > state.step]
            first_step = state.step
            loop = StageLoop(
                state,
                min([*forks_ahead, end]),
                config=self._config.training,
                data=self._data,
                monitor=training.monitor,
                history=training.history,
                on_evaluation=functools.partial(self._report, training),
                signals=self._context.signals,
                features=self._context.features,
                pause=lambda: self._context.stop() or loop.elapsed_s > self._snapshot_every_s,
                # Whoever killed the processes in which it was trained before may be another run of the same pack.
                alone=training.lease.deaths > 0,
            )
            yield loop
            training.rule = loop.rule
            training.seconds += loop.seconds
            self.steps_trained += state.step - first_step
        return training.rule is not None or state.step >= end

    def _report(self, training: _StageTraining, step: int, metrics: Mapping[str, float]) -> None:
        self._context.on_history(training.history.since(training.reported))  # first: a growth comes before it
        self._context.on_evaluation(step, metrics)

    def _forks(self, training: _StageTraining) -> frozenset[int]:
        return self._context.forks.get(training.stage.key, frozenset())

    def _is_fork(self, training: _StageTraining) -> bool:
        return training.state.step in self._forks(training)

    @property
    def _snapshot_every_s(self) -> float:
        asked = self._context.snapshot_every_s
        return max(asked, self._context.writer.cost_s / MOST_OF_THE_TIME) if asked else 0.0

    @staticmethod
    def _address(training: _StageTraining) -> StageAddress:
        return StageAddress(training.stage.key, training.state.step)

    def _commit(self, training: _StageTraining, metrics: StageMetrics) -> None:
        def make_stage() -> Stage:
            return Stage(
                address=self._address(training),
                start=training.stage.start,
                parent=training.stage.parent,
                snapshot=capture_snapshot(training.state),
                metrics=metrics,
                seconds=training.seconds,
            )

        self._commits.add(make_stage, training.lease)

    def _metrics(self, training: _StageTraining, *, final: bool) -> StageMetrics:
        """Return what was measured in the stage.

        If `final`, the splits are evaluated that are evaluated only where training may stop; a run that goes on does
        not do that.
        """
        history = training.history.then(History())  # it is written while training may go on
        evaluation, answers = History(), b""
        if final and not is_evaluated(training.history, "val", training.state.step):
            self._evaluate(training.state, "val", self._data.validation, evaluation)
        if final and self._context.test:
            answers = self._test(training.state, evaluation).to_bytes()
        return StageMetrics(history, evaluation, answers)

    def _test(self, state: TrainState, evaluation: History) -> Answers:
        """Record the metrics on test data in `evaluation`; return the answers to its examples."""
        blocks: list[Answers] = []
        self._evaluate(state, "test", self._data.test, evaluation, lambda batch: blocks.append(answers_of(batch)))
        groups = self._data.groups
        return Answers.joined(blocks, None if groups is None else groups.cpu().numpy())

    def _evaluate(
        self,
        state: TrainState,
        name: str,
        split: Split,
        evaluation: History,
        on_block: Callable[[Batch], None] = lambda _batch: None,
    ) -> None:
        """Record the metrics of a split in `evaluation`; call `on_block` with the network's outputs for each block."""
        state = evaluated(state, self._config.training)
        specs = output_specs(state.model, state.lineage, state.effects, self._data)
        cache = self._context.features
        answers = nearest_mean(state, self._data, self._config.training, specs)
        read = bool(answers or needs_of(self._config.training.losses.values()).taps)  # of the whole network
        seen, forward = (split, None) if cache is None or read else cache.of_split(state, split)
        metrics = evaluate(
            state, seen, self._config.training, specs, forward=forward, answers=answers, on_block=on_block
        )
        evaluation.record(state.step, {f"{name}/{key}": value for key, value in metrics.items()})
