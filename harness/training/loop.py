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
from harness.data import BatchOrder, TaskData
from harness.growth.plan import GrowthRule, Watch
from harness.growth.triggers import Progress
from harness.training.config import TrainingConfig
from harness.training.evaluation import evaluate
from harness.training.recorder import Recorder
from harness.training.state import TrainState
from harness.training.step import train_step

__all__ = ["OnEvaluation", "Pause", "Signals", "label_map_of", "train_stage"]

OnEvaluation = Callable[[int, Mapping[str, float]], None]
Signals = Callable[[], frozenset[str]]
Pause = Callable[[], bool]


def label_map_of(state: TrainState, data: TaskData) -> LabelMap:
    """Return the map of the classes that the network's heads answer for now: those that exist and are on."""
    heads = {next(iter(data.classes)), *state.model.heads} - state.model.off
    live = [name for name in data.classes if name in heads]
    return LabelMap.of({name: data.classes[name] for name in live}, device=state.device)


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
    pause: Pause = lambda: False,
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
        pause: asked after each step whether to return before `until`; nothing is lost by going on later.

    Returns:
        The rule that fired at the state's step, or None.

    Raises:
        DivergedError: a loss became NaN or infinite.
    """
    label_map = label_map_of(state, data)
    seen = label_map.known(data.train.labels).nonzero().squeeze(1)
    batches = BatchOrder(seen, config.batch_size, seed=state.seed, growths=len(state.lineage))
    recorder = Recorder(history)
    thaws = state.lineage[-1].change.freeze.changes() if state.lineage else ()

    def evaluate_now() -> dict[str, float]:
        recorder.flush()
        metrics = {f"val/{k}": v for k, v in evaluate(state, data.validation, config, label_map).items()}
        history.record(state.step, metrics)
        on_evaluation(state.step, metrics)
        return metrics

    metrics = evaluate_now() if state.age == 0 else latest_evaluation(history)
    heard = frozenset(name.removeprefix("signal/") for name in history if name.startswith("signal/"))
    state.set_train_mode()
    rule, paused = None, False
    while state.step < until and not (rule or paused):
        if state.age in thaws:
            state.refreeze()
            state.set_train_mode()
        measured = train_step(state, data.train.take(batches.indices(state.age)), config, label_map)
        epoch = state.age // batches.per_epoch
        recorder.add(state.step, measured, {"epoch": epoch, **_learning_rates(state)})
        if evaluated := state.step % config.evaluate_every == 0:
            metrics = evaluate_now()
            new = signals() - heard
            history.record(state.step, {f"signal/{name}": 1.0 for name in new})
            heard |= new
        rule = watch.observe(Progress(state.step, state.age, epoch, metrics, evaluated, heard))
        paused = pause()
    recorder.flush()
    return rule


def latest_evaluation(history: History) -> dict[str, float]:
    """Return the last validation metrics in `history`."""
    return {name: value for name, value in history.latest().items() if name.startswith("val/")}


def _learning_rates(state: TrainState) -> dict[str, float]:
    return {f"lr/group_{index}": group["lr"] for index, group in enumerate(state.optimizer.param_groups)}
