"""What the store has of the stages that a run passes through."""

from collections.abc import Mapping

from harness.core.history import History
from harness.data import TaskData
from harness.growth.rules import Rule, TriggerMonitor, growth_of
from harness.staging.catalog import StageEntry
from harness.staging.network import build_network, probe_for
from harness.staging.pending_stage import PendingStage, StageEnd
from harness.staging.run import RunConfig
from harness.staging.run_context import RunContext
from harness.staging.snapshot import read_snapshot
from harness.staging.store import StageMetrics
from harness.training.state import TrainState

__all__ = ["StoredStages", "is_evaluated"]


class StoredStages:
    """The stored stages of the run `config`, whose task has the data `data`."""

    def __init__(self, config: RunConfig, data: TaskData, context: RunContext) -> None:
        self._config = config
        self._data = data
        self._context = context

    def entries(self, stage: PendingStage) -> dict[int, StageEntry]:
        """Return the entries of a stage by step, up to the last step of the run."""
        entries = self._context.store.entries(stage.key)
        return {entry.address.step: entry for entry in entries if entry.address.step <= self._config.steps}

    def firing(self, stage: PendingStage, entries: Mapping[int, StageEntry]) -> tuple[int, Rule | None] | None:
        """Return the step at which a rule fires, and the rule; None if `entries` do not decide that yet."""
        rules = self._config.monitored(stage.rules)
        if known := TriggerMonitor(rules).next_firing_step(stage.start):
            return known
        if not entries:
            return None
        last = max(entries)
        history = self._context.store.metrics(entries[last]).history
        return TriggerMonitor(rules).replay(history, start=stage.start, until=last)

    def end(self, stage: PendingStage) -> StageEnd | None:
        """Return the end of a stage if it is stored with every evaluation that this run needs there."""
        entries = self.entries(stage)
        step, rule = self.firing(stage, entries) or (self._config.steps, None)
        step, rule = (step, rule) if step <= self._config.steps else (self._config.steps, None)
        if step not in entries:
            return None
        metrics = self._context.store.metrics(entries[step])
        if not self._is_complete(metrics, step):
            return None
        if not self._context.test:  # another run may have been evaluated on test data here
            metrics = metrics.without_test
        self._context.on_history(metrics.whole)
        self._context.on_evaluation(step, metrics.history.latest())
        entry = entries[step]
        return StageEnd(entry.address, entry.seconds, metrics, growth_of(rule), lambda: self.restore(entry))

    def restore(self, entry: StageEntry) -> TrainState:
        """Return the training state of a stored snapshot.

        Raises:
            SnapshotError: the snapshot is damaged or was evicted.
        """
        config = self._config
        return read_snapshot(
            self._context.store.snapshot(entry),
            build_network(config, self._data),
            config.training.optimizer,
            probe=lambda change: probe_for(change, self._data),
            seed=config.seed,
            precision=config.precision,
            average=config.training.average,
        )

    def _is_complete(self, metrics: StageMetrics, step: int) -> bool:
        """Return whether all splits of this run were evaluated at `step`; an earlier run may have left out test."""
        splits = ("val", "test") if self._context.test else ("val",)
        return all(is_evaluated(metrics.whole, split, step) for split in splits)


def is_evaluated(history: History, split: str, step: int) -> bool:
    """Return whether the last evaluation of `split` in `history` was made at `step`."""
    total = f"{split}/loss/total"
    return total in history and history[total].steps[-1] == step
