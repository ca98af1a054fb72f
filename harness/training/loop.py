"""The one training loop.

```
for each stage:  restore the longest stored prefix, then
    for each step:  batch, augmented, forward under autocast, components, backward, unscale, clip, update
                    record component losses, learning rates, skipped steps
        every n:    evaluate, record
                    observe: each rule's trigger sees the progress; the first that fires ends the stage
    snapshot, commit
    grow:           operation -> surgery -> freeze policy -> lineage
```

This module is the middle of it: the steps of one stage. Restoring, committing and growing belong to the caller.
"""

from collections.abc import Callable, Mapping

from harness.core.history import History
from harness.core.label_map import LabelMap
from harness.data import BatchOrder, ReplayedOrder, TaskData
from harness.data.augment import augmented
from harness.growth.rules import GrowthRule, TriggerMonitor
from harness.growth.triggers import Progress
from harness.training.config import TrainingConfig
from harness.training.contract import Contract
from harness.training.drift import drift
from harness.training.evaluation import evaluate
from harness.training.features import FeatureCache, Feed
from harness.training.forward import needs_of
from harness.training.output_specs import output_specs
from harness.training.recorder import Recorder
from harness.training.state import TrainState
from harness.training.step import TrainingStep

__all__ = ["OnEvaluation", "Pause", "Signals", "batches_of", "train_stage"]

OnEvaluation = Callable[[int, Mapping[str, float]], None]
Signals = Callable[[], frozenset[str]]
Pause = Callable[[], bool]


def train_stage(
    state: TrainState,
    until: int,
    *,
    config: TrainingConfig,
    data: TaskData,
    monitor: TriggerMonitor,
    history: History,
    on_evaluation: OnEvaluation = lambda _step, _metrics: None,
    signals: Signals = frozenset,
    pause: Pause = lambda: False,
    features: FeatureCache | None = None,
) -> GrowthRule | None:
    """Train `state` in place until step `until`, or until the trigger of a rule fires.

    Args:
        state: between two steps of the stage, at its beginning or anywhere later.
        until: the step at which the run ends.
        config: settings.
        data: on the state's device.
        monitor: the rules that have not acted yet; their triggers have seen every earlier step of the run.
        history: the metrics of this stage so far; new ones are appended.
        on_evaluation: called after each evaluation with the step and its metrics.
        signals: called after each evaluation; returns the names of the signals that have arrived from outside so far.
            The step at which one was first seen is recorded as `signal/<name>`.
        pause: called after each step; whether to return before `until`. A later call continues exactly.
        features: a cache for features of a frozen lower part; without it, or with augmented inputs, they are computed
            at every step.

    Returns:
        The rule that fired at the state's step, or None.

    Raises:
        DivergedError: a loss became NaN or infinite.
        ContractError: a loss component is no scalar, has no gradient, or came or went without a growth.
    """
    specs = output_specs(state.model, state.lineage, state.effects, data)
    contract = Contract(history, start=state.step - state.age)
    batches = batches_of(state, data, config, specs.label_map)
    needs = needs_of(config.losses.values())
    step = TrainingStep(state, config, specs, contract=contract, needs=needs)
    recorder = Recorder(history, config.on_divergence)
    thaws = state.lineage[-1].change.freeze.changes() if state.lineage else ()

    def feed_now() -> Feed:
        state.set_train_mode()
        # Augmented inputs differ at every step, and so do their features.
        if features is None or config.augment or needs.taps:
            return Feed(state.model, data)
        return features.feed(state, data, batches.within(state.age, until - state.step), batch_size=batches.size)

    def evaluate_now() -> dict[str, float]:
        recorder.flush()
        results = evaluate(state, feed.data.validation, config, specs, forward=feed.forward_part)
        metrics = {f"val/{name}": value for name, value in results.items()}
        history.record(state.step, metrics)
        if config.record_drift:
            history.record(state.step, drift(state, data.validation, specs.label_map))
        on_evaluation(state.step, metrics)
        return metrics

    feed = feed_now()
    metrics = evaluate_now() if state.age == 0 else latest_evaluation(history)
    signaled = frozenset(name.removeprefix("signal/") for name in history if name.startswith("signal/"))
    rule, paused = None, False
    while state.step < until and not (rule or paused):
        if state.age in thaws:
            state.refreeze()
            feed = feed_now()
        examples = feed.data.train.take(batches.indices(state.age))
        examples = augmented(examples, config.augment, seed=state.seed, step=state.step)
        measured = step(examples, feed.forward)
        epoch = state.age // batches.per_epoch
        recorder.add(state.step, measured, {"epoch": epoch, **_learning_rates(state)})
        watched = bool(state.lineage) and state.age <= config.evaluate_after_growth
        if evaluated := watched or state.step % config.evaluate_every == 0:
            metrics = evaluate_now()
            new = signals() - signaled
            history.record(state.step, {f"signal/{name}": 1.0 for name in new})
            signaled |= new
        rule = monitor.observe(Progress(state.step, state.age, epoch, metrics, evaluated, signaled))
        paused = pause()
    recorder.flush()
    return rule


def batches_of(
    state: TrainState, data: TaskData, config: TrainingConfig, label_map: LabelMap
) -> BatchOrder | ReplayedOrder:
    """Return the order of batches until the next growth."""
    arrival, growths = label_map.arrival_of(data.train.labels), len(state.lineage)
    newest = label_map.arrivals[-1] if label_map.arrivals else 0
    if config.replay is None or not newest:
        seen = (arrival >= 0).nonzero().squeeze(1)
        return BatchOrder(seen, config.batch_size, seed=state.seed, growths=growths)
    return ReplayedOrder(
        new=(arrival == newest).nonzero().squeeze(1),
        old=((arrival >= 0) & (arrival < newest)).nonzero().squeeze(1),
        size=config.batch_size,
        fraction=config.replay,
        seed=state.seed,
        growths=growths,
    )


def latest_evaluation(history: History) -> dict[str, float]:
    """Return the last validation metrics in `history`."""
    return {name: value for name, value in history.latest().items() if name.startswith("val/")}


def _learning_rates(state: TrainState) -> dict[str, float]:
    return {f"lr/group_{index}": group["lr"] for index, group in enumerate(state.optimizer.param_groups)}
