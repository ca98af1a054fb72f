"""The cost of training runs, estimated from stored stages or by training a few steps."""

import time
from dataclasses import dataclass

from harness.core.history import History
from harness.data import TaskData
from harness.growth.rules import TriggerMonitor
from harness.staging.network import build_network
from harness.staging.plan import Plan
from harness.staging.run import RunConfig
from harness.staging.snapshot import write_snapshot
from harness.staging.store import Store
from harness.training.evaluation import evaluate
from harness.training.loop import train_stage
from harness.training.output_specs import output_specs
from harness.training.state import fresh_state

__all__ = ["StepCost", "measured_cost", "stored_cost"]

WARM_UP, STEPS = 5, 20


@dataclass(frozen=True)
class StepCost:
    """The cost of one optimizer update, and of one snapshot.

    Attributes:
        seconds_per_step: including evaluations.
        snapshot_bytes: of one snapshot.
        bytes_per_step: of the metrics.
    """

    seconds_per_step: float
    snapshot_bytes: float
    bytes_per_step: float

    def seconds(self, plan: Plan) -> float:
        """Return the seconds that one worker needs for the steps that are not stored."""
        return (plan.distinct_steps - plan.stored_steps) * self.seconds_per_step

    def disk_bytes(self, plan: Plan) -> float:
        """Return the bytes that all stages of `plan` take in the store."""
        snapshots = sum(len(stage.ends) for stage in plan.stages.values())
        # A snapshot inside a stage comes with all metrics since the stage began.
        steps = sum(end - stage.start for stage in plan.stages.values() for end in stage.ends)
        return snapshots * self.snapshot_bytes + steps * self.bytes_per_step


def stored_cost(plan: Plan, store: Store) -> StepCost | None:
    """Return the cost of the stages of `plan` that are stored; None if none is."""
    entries = [
        entry
        for key in plan.stages
        for entry in store.entries(key)[-1:]  # the last one has all metrics since the stage began
        if entry.address.step > entry.start
    ]
    steps = sum(entry.address.step - entry.start for entry in entries)
    if not steps:
        return None
    snapshots = [entry.snapshot_bytes for entry in entries if not entry.evicted]
    return StepCost(
        seconds_per_step=sum(entry.seconds for entry in entries) / steps,
        snapshot_bytes=sum(snapshots) / max(len(snapshots), 1),
        bytes_per_step=sum(entry.metrics_bytes for entry in entries) / steps,
    )


def measured_cost(config: RunConfig, data: TaskData) -> StepCost:
    """Train a few steps of a run, without storing them, and return their cost; it is that before the first growth.

    Args:
        config: with device and precision resolved.
        data: on that device.
    """
    training, model = config.with_length.training, build_network(config, data)
    state = fresh_state(
        model, training.optimizer, seed=config.seed, precision=config.precision, average=training.average
    )
    history = History()
    rarely = training.model_copy(update={"evaluate_every": WARM_UP + STEPS + 1, "compile": False})
    train_stage(state, WARM_UP, config=rarely, data=data, monitor=TriggerMonitor(()), history=history)
    began = time.perf_counter()
    train_stage(state, WARM_UP + STEPS, config=rarely, data=data, monitor=TriggerMonitor(()), history=history)
    trained = time.perf_counter()
    evaluate(state, data.validation, training, output_specs(state.model, (), (), data))
    evaluated = time.perf_counter()
    return StepCost(
        seconds_per_step=(trained - began) / STEPS + (evaluated - trained) / training.evaluate_every,
        snapshot_bytes=len(write_snapshot(state)),
        bytes_per_step=len(history.to_bytes()) / state.step,
    )
