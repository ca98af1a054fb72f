"""One run as a chain of stages: what the store has of each is restored, the rest is trained and committed."""

from torch import Tensor

from harness.core.history import History
from harness.core.output_specs import OutputSpecs
from harness.data import TaskData
from harness.growth import GrowthEvent, GrowthRule
from harness.growth.probe import Probe
from harness.staging.counts import count
from harness.staging.network import PROBE_SIZE, build_network, probe_for
from harness.staging.pending_stage import PendingStage, StageEnd
from harness.staging.results import PARAMETERS_ADDED, FinishedStage, RunResult, result_of
from harness.staging.run import RunConfig
from harness.staging.run_context import RunContext
from harness.staging.stage_key import next_key
from harness.staging.stage_trainer import StageTrainer
from harness.staging.stage_writer import PendingCommits
from harness.staging.stored_stages import StoredStages
from harness.staging.untrained import untrained_accuracy
from harness.training.arrival import before_arrival
from harness.training.evaluation import evaluated
from harness.training.forward import needs_of
from harness.training.held_out import held_out_probe
from harness.training.impact import OutputSnapshot, impact, snapshot_outputs
from harness.training.loop import Training
from harness.training.nondeterminism import explained_nondeterminism
from harness.training.output_specs import output_specs
from harness.training.probe_loss import TrainedLoss
from harness.training.rehearsal import filled, grown_memory, without_forgotten
from harness.training.state import TrainState, fresh_state

__all__ = ["Chain"]


class Chain:
    """One run, from its first stage, whose key is `first_key`, to its last."""

    def __init__(self, config: RunConfig, data: TaskData, first_key: str, context: RunContext) -> None:
        self._config = config
        self._data = data
        self._first_key = first_key
        self._features = context.features
        self._stored = StoredStages(config, data, context)
        self._commits = PendingCommits(context.writer)
        self._trainer = StageTrainer(config, data, context, self._stored, self._commits)

    @property
    def steps_trained(self) -> int:
        """The steps that were trained, not restored."""
        return self._trainer.steps_trained

    def finish(self) -> Training[RunResult]:
        """Bring the run to its end; yield each loop that is to be trained meanwhile.

        Raises:
            StageBusyError: another process is training the next stage.
            InterruptedRunError: training was asked to stop.
            SnapshotError: a stage was damaged and is set aside; call again.
            LeaseLostError: another process took over the stage; call again.
            KilledError: the next stage has killed every process that trained it.
            StoreError: a stage cannot be written.
        """
        with self._commits:
            result = yield from self._finish()
            self._commits.wait()
            return result

    def _finish(self) -> Training[RunResult]:
        stage = PendingStage(self._first_key, "", 0, self._config.growths, self._begin)
        finished: list[FinishedStage] = []
        lineage: list[GrowthEvent] = []
        while True:
            end = self._stored.end(stage) or (yield from self._trainer.train(stage))
            finished.append(FinishedStage(end.address, end.metrics, end.seconds))
            if end.rule is None:
                last = end.address.step
                del stage, end  # they hold the network; counting builds another one
                counts = count(self._config, self._data, lineage, last=last)
                return result_of(finished, first_head=next(iter(self._config.task.sizes)), counts=counts)
            lineage.append(GrowthEvent(step=end.address.step, change=end.rule.change))
            stage = self._after_growth(stage, end, end.rule)

    def _begin(self) -> tuple[TrainState, History]:
        config, model = self._config, build_network(self._config, self._data)
        training, seed, precision = config.training, config.seed, config.precision
        state = fresh_state(model, training.optimizer, seed=seed, precision=precision, average=training.average)
        return state, History()

    def _after_growth(self, stage: PendingStage, end: StageEnd, rule: GrowthRule) -> PendingStage:
        def begin() -> tuple[TrainState, History]:
            state = end.state()
            history = History()
            history.record(state.step, self._grow(state, rule))
            return state, history

        step = end.address.step
        remaining = tuple(other for other in stage.rules if other is not rule)
        key = next_key(stage.key, step, rule.change, self._config)
        return PendingStage(key, stage.key, step, remaining, begin)

    def _grow(self, state: TrainState, rule: GrowthRule) -> dict[str, float]:
        """Grow `state`; return what that did, measured on examples of the classes that were known before."""
        training = self._config.training
        specs = self._output_specs(evaluated(state, training))
        known = specs.label_map.known(self._data.validation.labels).nonzero().squeeze(1)[:PROBE_SIZE]
        before = self._outputs(state, known)
        data = without_forgotten(state, self._data, training, specs)
        with explained_nondeterminism(state.model):
            memory = filled(state, self._data, training, specs)
            if rule.change.is_arrival:
                before_arrival(state, training, self._data, self._output_specs(state))
            growth = state.grow(rule.change, probe=self._probe(state, rule, data))
        state.memory = grown_memory(state, memory, self._data, self._output_specs(state))
        after = self._outputs(state, known)
        untrained = untrained_accuracy(self._config, self._data, state.lineage) if training.record_untrained else {}
        return {PARAMETERS_ADDED: float(growth.parameters_added), **untrained, **impact(before, after)}

    def _probe(self, state: TrainState, rule: GrowthRule, data: TaskData) -> Probe:
        if rule.operation.reads_held_out:
            return held_out_probe(state, self._data, self._config.training, self._output_specs(state))
        return probe_for(rule.change, data, lambda: self._loss(state))

    def _outputs(self, state: TrainState, rows: Tensor) -> OutputSnapshot:
        """Return what the network computes for the validation examples at `rows`."""
        training, split, cache = self._config.training, self._data.validation, self._features
        shown = evaluated(state, training)
        read = bool(needs_of(training.losses.values()).taps)  # of the whole network
        batch, forward = (split.take(rows), None) if cache is None or read else cache.of_rows(shown, split, rows)
        return snapshot_outputs(shown, batch, training, self._output_specs(shown), forward)

    def _loss(self, state: TrainState) -> TrainedLoss:
        losses, specs = self._config.training.losses, self._output_specs(state)
        return TrainedLoss(state.model, losses, specs, state.step, state.loss_weights)

    def _output_specs(self, state: TrainState) -> OutputSpecs:
        return output_specs(state.model, state.lineage, state.effects, self._data)
