"""The one training loop.

```
for each stage:  restore the longest stored prefix, then
    for each step:  batch, forward under autocast, components, backward, unscale, clip, update
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
from harness.growth.plan import GrowthRule, Watch
from harness.growth.triggers import Progress
from harness.training.answers import answers_of
from harness.training.config import TrainingConfig
from harness.training.contract import Contract
from harness.training.evaluation import evaluate
from harness.training.recorder import Recorder
from harness.training.state import TrainState
from harness.training.step import train_step

__all__ = ["OnEvaluation", "Signals", "train_stage"]

OnEvaluation = Callable[[int, Mapping[str, float]], None]
Signals = Callable[[], frozenset[str]]


def train_stage(
    state: TrainState,
    until: int,
    *,
    config: TrainingConfig,
    data: TaskData,
    watch: Watch,
    history: History,
    on_evaluation: OnEvaluation = lambda _step, _metrics: None,
    signals: Signals = frozenset,
) -> GrowthRule | None:
    """Train `state` in place until step `until`, or until the trigger of a rule fires.

    Args:
        state: between two steps of the stage, at its beginning or anywhere later.
        until: the step at which the run ends.
        config: settings.
        data: on the state's device.
        watch: the rules that have not acted yet; their triggers have seen every earlier step of the run.
        history: what was recorded in this stage so far; what is measured is appended.
        on_evaluation: called after each evaluation with the step and its metrics.
        signals: asked after each evaluation for the names of the signals that came from outside by now; the step at
            which one was first seen is recorded as `signal/<name>`.

    Returns:
        The rule that fired, or None at the end of the run.

    Raises:
        DivergedError: a loss became NaN or infinite.
        ContractError: a loss component is no scalar, has no gradient, or came or went without a growth.
    """
    answers = answers_of(state.model, state.lineage, state.effects, data)
    contract = Contract(history, start=state.step - state.age)
    batches = batches_of(state, data, config, answers.label_map)
    recorder = Recorder(history, config.on_divergence)
    thaws = state.lineage[-1].change.freeze.changes() if state.lineage else ()

    def evaluate_now() -> dict[str, float]:
        recorder.flush()
        metrics = {f"val/{k}": v for k, v in evaluate(state, data.validation, config, answers).items()}
        history.record(state.step, metrics)
        on_evaluation(state.step, metrics)
        return metrics

    metrics = evaluate_now() if state.age == 0 else latest_evaluation(history)
    heard = frozenset(name.removeprefix("signal/") for name in history if name.startswith("signal/"))
    state.set_train_mode()
    while state.step < until:
        if state.age in thaws:
            state.refreeze()
            state.set_train_mode()
        examples = data.train.take(batches.indices(state.age))
        measured = train_step(state, examples, config, answers, contract=contract)
        epoch = state.age // batches.per_epoch
        recorder.add(state.step, measured, {"epoch": epoch, **_learning_rates(state)})
        if evaluated := state.step % config.evaluate_every == 0:
            metrics = evaluate_now()
            new = signals() - heard
            history.record(state.step, {f"signal/{name}": 1.0 for name in new})
            heard |= new
        if rule := watch.observe(Progress(state.step, state.age, epoch, metrics, evaluated, heard)):
            break
    else:
        rule = None
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
