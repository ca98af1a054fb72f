"""The one training loop.

```
for each stage:  restore the longest stored prefix, then
    for each step:  batch, augmented; for each part of it: forward under autocast, components, backward
                    unscale, clip, update, average the weights
                    record component losses, learning rates, skipped steps
        every n:    evaluate the network or its average, record
                    observe: each rule's trigger sees the progress; the first that fires ends the stage, or the run
    snapshot, commit
    grow:           operation -> surgery -> freeze policy -> lineage
```

This module is the middle of it: the steps of one stage. Restoring, committing and growing belong to the caller.
`packing` makes the same steps of several stages at once.
"""

import time
from collections.abc import Callable, Generator, Hashable, Mapping
from typing import Any, TypeVar

from torch import Tensor

from harness.core.history import History
from harness.core.label_map import LabelMap
from harness.data import BatchOrder, ReplayedOrder, Split, TaskData
from harness.data.augment import augmented
from harness.data.reading_ahead import TrainingBatches
from harness.growth.rules import Rule, TriggerMonitor
from harness.growth.triggers import NEVER, Progress
from harness.training.compiled import CompiledForward
from harness.training.config import TrainingConfig
from harness.training.contract import Contract
from harness.training.drift import drift
from harness.training.evaluation import evaluate, evaluated
from harness.training.exemplars import held_among
from harness.training.expansion_scores import expansion_scores
from harness.training.features import FeatureCache, Feed
from harness.training.forward import needs_of
from harness.training.held_out import held_out
from harness.training.output_specs import output_specs
from harness.training.packing.signature import signature_of
from harness.training.process_settings import ProcessSettings
from harness.training.recorder import Recorder
from harness.training.rehearsal import Recall, nearest_mean
from harness.training.state import TrainState
from harness.training.step import TrainingStep

__all__ = ["OnEvaluation", "Pause", "Signals", "StageLoop", "Training", "batches_of", "finish", "train_stage"]

OnEvaluation = Callable[[int, Mapping[str, float]], None]
Signals = Callable[[], frozenset[str]]
Pause = Callable[[], bool]

T = TypeVar("T")
Training = Generator["StageLoop", None, T]  # yields loops, which whoever drives it trains; returns what comes of them

UNKNOWN = object()


class StageLoop:
    """Trains `state` in place, step by step, until step `until`, or until the trigger of a rule fires.

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
        pause: called after each step; whether to stop before `until`. A later loop continues exactly.
        features: a cache for features of a frozen lower part; without it, or with augmented inputs, they are computed
            at every step.
        alone: whether it is never packed.

    Attributes:
        state: as given, as are `config` and `data`.
        specs: what the network's outputs predict.
        feed: the data and the forward pass, while nothing is frozen or thawed.
        batches: the order in which examples are seen.
        recall: adds to a batch what is stored of its examples; None if no loss reads that, or there is nothing.
        step: updates the state on one batch.
        recorder: writes what steps measure into the history.
        rule: the one that fired at the state's step, or None.
        ended: whether the loop has come to `until`, to a rule, to a pause, or to an error.
        error: the one that ended it while it was trained with others.
        seconds: spent on it; of what was spent on a pack, its share.

    Raises:
        DivergedError: a loss became NaN or infinite.
        ContractError: a loss component is no scalar, has no gradient, or came or went without a growth; or the code of
            the study has changed a setting of the process, such as torch's default type.
    """

    def __init__(
        self,
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
        alone: bool = False,
    ) -> None:
        self.state, self.config, self.data = state, config, data
        self._process = ProcessSettings()
        self.specs = output_specs(state.model, state.lineage, state.effects, data)
        shown = evaluated(state, config).model
        same = shown is state.model
        self._evaluated_specs = self.specs if same else output_specs(shown, state.lineage, state.effects, data)
        self.batches = batches_of(state, data, config, self.specs.label_map)
        self.needs = needs_of(config.losses.values())
        self.recall = self._recall()
        contract = Contract(history, start=state.step - state.age)
        self.step = TrainingStep(state, config, self.specs, contract=contract, needs=self.needs)
        self.recorder = Recorder(history, config.on_divergence)
        self.rule: Rule | None = None
        self._until, self._monitor, self._history, self._features = until, monitor, history, features
        self._on_evaluation, self._arrived, self._pause = on_evaluation, signals, pause
        self._reading: TrainingBatches | None = None
        self._thaws = state.lineage[-1].change.freeze.changes() if state.lineage else ()
        self._signaled = frozenset(name.removeprefix("signal/") for name in history if name.startswith("signal/"))
        self.feed = self._feed_now()
        self._signature: Hashable | None = None if alone else UNKNOWN
        self._metrics = self._evaluate() if state.age == 0 else latest_evaluation(history)
        self.ended = state.step >= until
        self._firing = monitor.next_firing_step(state.step - state.age)
        self.error: BaseException | None = None
        self.seconds = 0.0
        self._began_at: float | None = None

    @property
    def signature(self) -> Hashable | None:
        """What it has in common with the loops that it can be packed with; None if it trains alone."""
        if self._signature is UNKNOWN:
            self._signature = signature_of(self)
        return self._signature

    @property
    def thaws(self) -> bool:
        """Whether the next step begins with freezing or thawing a part."""
        return self.state.age in self._thaws

    @property
    def steps_to_thaw(self) -> int:
        """How many steps are made before the next one that begins with freezing or thawing a part."""
        return min((age - self.state.age for age in self._thaws if age > self.state.age), default=NEVER)

    @property
    def is_due(self) -> bool:
        """Whether the state is to be evaluated at the step to which it has come."""
        state, config = self.state, self.config
        watched = bool(state.lineage) and state.age <= config.evaluate_after_growth
        return watched or state.step % config.evaluate_every == 0

    @property
    def quiet_steps(self) -> int:
        """How many steps may be made before `follow_up` has something to do; at least 1."""
        state, config = self.state, self.config
        if self._firing is None or (state.lineage and state.age < config.evaluate_after_growth):
            return 1
        evaluated = config.evaluate_every - state.step % config.evaluate_every
        return max(1, min(evaluated, self._firing[0] - state.step, self._until - state.step))

    @property
    def is_paused(self) -> bool:
        """Whether it is asked to stop."""
        return self._pause()

    def advance(self) -> None:
        """Make one step, and what belongs to it."""
        if self.thaws:
            self.state.refreeze()
            self.feed = self._feed_now()
            self._close()  # what is read next may be features
            self._signature = self._signature and UNKNOWN
        self.record(self.step(self.next_batch(), self.feed.forward))
        self._began_at = self._began_at or time.monotonic()
        self.follow_up()

    def next_batch(self) -> Split:
        """Return the examples of the next step, augmented."""
        batch = self._stored_batch() if self.recall is None else self.recall(self._stored_batch(), self.state.age)
        return augmented(batch, self.config.augment, seed=self.state.seed, step=self.state.step)

    @property
    def stepped(self) -> bool:
        """Whether it has made a step."""
        return self._began_at is not None

    @property
    def elapsed_s(self) -> float:
        """Seconds since its first step."""
        return 0.0 if self._began_at is None else time.monotonic() - self._began_at

    def attempt(self, part: Callable[..., object], *arguments: object) -> None:
        """Call a part of the loop, unless an error has ended it; an error that the part raises is kept, and ends it."""
        if self.error is None:
            try:
                part(*arguments)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a study's own code may raise anything, and exit
                self.error, self.ended = error, True
                self._close()

    def finish(self) -> Rule | None:
        """Make all steps up to the end; return the rule that fired there, if any."""
        began = time.monotonic()
        try:
            while not self.ended:
                self.advance()
        finally:
            self._close()
        self.recorder.flush()
        self.seconds += time.monotonic() - began
        return self.rule

    def record(self, measured: Mapping[str, Tensor]) -> None:
        """Keep what the last step measured."""
        self.recorder.add(self.state.step, measured, self.settings())

    def settings(self) -> dict[str, float]:
        """Return the epoch of the last step, and its learning rates."""
        rates = {f"lr/group_{index}": group["lr"] for index, group in enumerate(self.state.optimizer.param_groups)}
        return {"epoch": self._epoch, **rates}

    @property
    def has_constant_rates(self) -> bool:
        """Whether learning rates are the same at all steps to come."""
        state = self.state
        warming_up = any(state.step - group["born"] <= group["warm_up"] for group in state.optimizer.param_groups)
        return self.config.schedule.is_constant and not warming_up

    def follow_up(self, results: Mapping[str, float] | None = None) -> None:
        """Evaluate if that is due, show triggers the progress, and see whether the loop has ended.

        Args:
            results: of the evaluation, if it was made with those of other loops.
        """
        state = self.state
        if evaluated := self.is_due:
            self._metrics = self._evaluate(results)
            new = self._arrived() - self._signaled
            self._history.record(state.step, {f"signal/{name}": 1.0 for name in new})
            self._signaled |= new
        progress = Progress(state.step, state.age, self._epoch, self._metrics, evaluated, self._signaled)
        self.rule = self._monitor.observe(progress)
        paused = self._pause()
        self.ended = paused or self.rule is not None or state.step >= self._until

    def _stored_batch(self) -> Split:
        """Return the examples of the next step; those that are not in memory are read ahead."""
        state, train = self.state, self.feed.data.train
        if train.source is None or train.source.in_memory or train.features:
            return train.take(self.batches.indices(state.age))
        if self._reading is None:
            ages, start = range(state.age, state.age + self._until - state.step), state.step - state.age
            self._reading = TrainingBatches(train, self.batches, seed=state.seed, start=start, ages=ages)
        return self._reading.at(state.age)

    def _recall(self) -> Recall | None:
        memory, order = self.state.memory, self.batches
        if memory is None or not self.needs.memory or not isinstance(order, ReplayedOrder):
            return None
        return Recall(memory, order, self.state.device) if order.size > order.new_size else None

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.close()
        self._reading = None

    @property
    def _epoch(self) -> int:
        return self.state.age // self.batches.per_epoch

    def _feed_now(self) -> Feed:
        state, batches = self.state, self.batches
        state.set_train_mode()
        if self.config.compile:
            return Feed(state.model, self.data, compiled=CompiledForward(state.model))
        # Augmented inputs differ at every step, and so do their features.
        if self._features is None or self.config.augment or self.needs.taps:
            return Feed(state.model, self.data)
        size, unequal = divmod(batches.size, min(self.config.accumulate, batches.size))
        if unequal:  # features would be computed in batches of another size than that of some parts
            return Feed(state.model, self.data)
        seen = batches.within(state.age, self._until - state.step)
        return self._features.feed(state, self.data, seen, batch_size=size)

    def _evaluate(self, results: Mapping[str, float] | None = None) -> dict[str, float]:
        self.recorder.flush()
        config = self.config
        state = evaluated(self.state, config)
        if results is None:
            # Features of a frozen part are those of the network; its average computes its own.
            answers = nearest_mean(state, self.data, config, self._evaluated_specs)
            seen, forward = self.feed.data.validation, self.feed.forward_part if state is self.state else None
            if answers is not None:  # from features that may lie in the frozen part
                seen, forward = self.data.validation, None
            results = evaluate(state, seen, config, self._evaluated_specs, forward=forward, answers=answers)
        scores = expansion_scores(self.state, self.data, config, self.specs)
        metrics = {f"val/{name}": value for name, value in {**results, **scores}.items()}
        self._history.record(state.step, metrics)
        if config.record_drift:
            self._history.record(state.step, drift(state, self.data.validation, self.specs.label_map))
        self._process.expect()
        self._on_evaluation(state.step, metrics)
        return metrics


def train_stage(state: TrainState, until: int, **settings: Any) -> Rule | None:
    """Train to the end of a loop; return the rule that fired there, if any. Settings are those of `StageLoop`."""
    return StageLoop(state, until, **settings).finish()


def finish(training: Training[T]) -> T:
    """Train every loop of `training` alone; return what comes of them."""
    error: BaseException | None = None
    try:
        while True:
            loop = next(training) if error is None else training.throw(error)
            error = None
            try:
                loop.finish()
            except BaseException as raised:  # noqa: BLE001  # the training knows what is to be released
                error = raised
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def batches_of(
    state: TrainState, data: TaskData, config: TrainingConfig, label_map: LabelMap
) -> BatchOrder | ReplayedOrder:
    """Return the order of batches until the next growth."""
    arrival, growths = label_map.arrival_of(data.train.labels), len(state.lineage)
    if data.train.source is not None and not data.train.source.in_memory:
        arrival = arrival.cpu()  # where examples are read
    newest = label_map.arrivals[-1] if label_map.arrivals else 0
    new, old = arrival == newest, (arrival >= 0) & (arrival < newest)
    if config.memory is not None and config.memory.held_out:
        trained = ~held_out(state, data.train.labels, config, label_map).to(new.device)
        new, old = new & trained, old & trained
    fraction, added = config.replay, 0
    if config.memory is not None:
        fraction, added = config.memory.fraction, config.memory.per_batch or 0
        old &= held_among(state.memory, old)
    if not newest or (fraction is None and not added):
        return BatchOrder(_places(new | old), config.batch_size, seed=state.seed, growths=growths)
    return ReplayedOrder(
        new=_places(new),
        old=_places(old),
        size=config.batch_size,
        fraction=fraction or 0.0,
        added=added,
        seed=state.seed,
        growths=growths,
    )


def _places(chosen: Tensor) -> Tensor:
    return chosen.nonzero().squeeze(1)


def latest_evaluation(history: History) -> dict[str, float]:
    """Return the last validation metrics in `history`."""
    return {name: value for name, value in history.latest().items() if name.startswith("val/")}
