"""Running a run: the longest stored prefix of each stage is restored, the rest is trained and committed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from harness.core.answers import Answers
from harness.core.errors import SnapshotError
from harness.core.history import History
from harness.data import AbstractTask, TaskData, load_task
from harness.growth import GrowthEvent, GrowthRule
from harness.growth.freeze import candidates
from harness.growth.identities import Identities
from harness.growth.lineage import Effect, operate_on
from harness.growth.plan import Watch
from harness.staging.ledger import StageAddress
from harness.staging.network import PROBE_SIZE, build_network, probe_for
from harness.staging.results import PARAMETERS_ADDED, RunResult, result_of
from harness.staging.run import RunConfig, resolved
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.staging.stage_key import first_key, next_key
from harness.staging.store import Store, StoredStage
from harness.training.answers import answers_of
from harness.training.evaluation import evaluate
from harness.training.impact import appearance, impact
from harness.training.loop import OnEvaluation, Signals, train_stage
from harness.training.state import TrainState, fresh_state

__all__ = ["Runner"]


class Runner:
    """Runs runs in one process, from one store.

    Args:
        store: where stages are restored from and committed to.
        data_folder: looked into before data is downloaded.
    """

    def __init__(self, store: Store, data_folder: Path | None = None) -> None:
        self._store = store
        self._data_folder = data_folder
        self._data: dict[str, TaskData] = {}

    def run(
        self,
        config: RunConfig,
        on_evaluation: OnEvaluation = lambda _step, _metrics: None,
        signals: Signals = frozenset,
    ) -> RunResult:
        """Train what the store does not have of `config`, and return the results of the whole run.

        `on_evaluation` is called after each evaluation; `signals` is asked for the signals that came by then.

        Raises:
            DivergedError: a loss became NaN or infinite.
            InputError: the configuration cannot be run, for example for an impossible tap.
        """
        config = resolved(config)
        data = self._load(config.task, config.device)
        while True:
            try:
                return _Run(config, self._store, data, on_evaluation, signals).finish()
            except SnapshotError:
                continue  # the damaged stage was set aside, and is now trained again

    def check(self, config: RunConfig) -> None:
        """Apply the growths of `config` to a fresh network and ask their freeze policies, without training.

        Raises:
            InputError: one of them cannot be applied, for example for an impossible tap.
        """
        config = resolved(config)
        data = self._load(config.task, config.device)
        model = build_network(config, data)
        identities = Identities(model)
        lineage: tuple[GrowthEvent, ...] = ()
        effects: tuple[Effect, ...] = ()
        for number, rule in enumerate(config.growths, start=1):
            growth = operate_on(
                model,
                rule.operation,
                keep_teacher=rule.keep_teacher,
                probe=probe_for(rule.change, data),
                generator=torch.Generator(),
            )
            identities.register(model, birth=number)
            lineage += (GrowthEvent(step=number, change=rule.change),)
            effects += (Effect.of(growth),)
            answers_of(model, lineage, effects, data)
            rule.freeze.frozen(candidates(model, identities), growth=number, age=0)

    def _load(self, task: AbstractTask, device: str) -> TaskData:
        name = f"{device} {task.to_json()}"
        if name not in self._data:
            self._data[name] = load_task(task, self._data_folder).to(torch.device(device))
        return self._data[name]


@dataclass(frozen=True)
class _Leg:
    """What is ahead at the beginning of a stage.

    Attributes:
        key: of the stage.
        start: the step at which it begins.
        rules: those that have not acted yet.
        begin: makes the state at `start`, and the history of the stage so far.
    """

    key: str
    start: int
    rules: tuple[GrowthRule, ...]
    begin: Callable[[], tuple[TrainState, History]]


@dataclass(frozen=True)
class _Reached:
    """The end of a stage, or a stored step within it.

    Attributes:
        rule: the one that fired here, if any did.
        watch: the rules, which have seen every step up to here.
        live: the state, if it was trained and not restored.
    """

    address: StageAddress
    stage: StoredStage
    rule: GrowthRule | None
    watch: Watch
    live: TrainState | None = None


class _Run:
    """One run, from its first stage to its last."""

    def __init__(
        self,
        config: RunConfig,
        store: Store,
        data: TaskData,
        on_evaluation: OnEvaluation = lambda _step, _metrics: None,
        signals: Signals = frozenset,
    ) -> None:
        self._config = config
        self._store = store
        self._data = data
        self._on_evaluation = on_evaluation
        self._signals = signals

    def finish(self) -> RunResult:
        """Bring the run to its end."""
        leg = _Leg(first_key(self._config), 0, self._config.growths, self._fresh)
        stages = []
        while True:
            reached = self._end_of(leg)
            stages.append((reached.address, reached.stage))
            if reached.rule is None:
                return result_of(stages, first_head=next(iter(self._config.task.sizes)))
            leg = self._after_growth(leg, reached, reached.rule)

    def _fresh(self) -> tuple[TrainState, History]:
        optimizer = self._config.training.optimizer
        model = build_network(self._config, self._data)
        state = fresh_state(model, optimizer, seed=self._config.seed, precision=self._config.precision)
        return state, History()

    def _after_growth(self, leg: _Leg, reached: _Reached, rule: GrowthRule) -> _Leg:
        def grown() -> tuple[TrainState, History]:
            state = reached.live or self._restored(reached.stage)
            history = History()
            history.record(state.step, self._grow(state, rule))
            return state, history

        step = reached.address.step
        rest = tuple(other for other in leg.rules if other is not rule)
        return _Leg(next_key(leg.key, step, rule.change), step, rest, grown)

    def _grow(self, state: TrainState, rule: GrowthRule) -> dict[str, float]:
        """Grow `state`; return what that did, measured on examples of the classes that were known before."""
        training, answers = self._config.training, self._answers(state)
        known = answers.label_map.known(self._data.validation.labels).nonzero().squeeze(1)
        batch = self._data.validation.take(known[:PROBE_SIZE])
        before = appearance(state, batch, training, answers)
        growth = state.grow(rule.change, probe=probe_for(rule.change, self._data))
        after = appearance(state, batch, training, self._answers(state))
        return {PARAMETERS_ADDED: float(growth.parameters_added), **impact(before, after)}

    def _answers(self, state: TrainState) -> Answers:
        return answers_of(state.model, state.lineage, state.effects, self._data)

    def _end_of(self, leg: _Leg) -> _Reached:
        """Return the end of the stage, from the store if it is there."""
        prefix = self._longest_prefix(leg)
        if prefix and (prefix.rule or prefix.address.step == self._config.steps):
            self._on_evaluation(prefix.address.step, prefix.stage.history.latest())
            return prefix
        if prefix is None:
            (state, history), seconds, watch = leg.begin(), 0.0, Watch(leg.rules)
        else:
            state, seconds, watch = self._restored(prefix.stage), prefix.stage.seconds, prefix.watch
            history = prefix.stage.history
        began = time.monotonic()
        rule = self._train(state, watch, history)
        seconds += time.monotonic() - began
        address = StageAddress(leg.key, state.step)
        stage = StoredStage(write_snapshot(state), history, self._ending(state, history), seconds)
        self._store.commit(address, stage)
        return _Reached(address, stage, rule, watch, state)

    def _train(self, state: TrainState, watch: Watch, history: History) -> GrowthRule | None:
        return train_stage(
            state,
            self._config.steps,
            config=self._config.training,
            data=self._data,
            watch=watch,
            history=history,
            on_evaluation=self._on_evaluation,
            signals=self._signals,
        )

    def _ending(self, state: TrainState, history: History) -> History:
        """Evaluate where training stopped, which a run that goes on does not do."""
        answers = self._answers(state)
        evaluated = "val/loss/total" in history and history["val/loss/total"].steps[-1] == state.step
        splits = {"test": self._data.test} if evaluated else {"val": self._data.validation, "test": self._data.test}
        ending = History()
        for name, split in splits.items():
            metrics = evaluate(state, split, self._config.training, answers)
            ending.record(state.step, {f"{name}/{key}": value for key, value in metrics.items()})
        return ending

    def _restored(self, stage: StoredStage) -> TrainState:
        config = self._config
        return read_snapshot(
            stage.state,
            build_network(config, self._data),
            config.training.optimizer,
            probe=lambda change: probe_for(change, self._data),
            seed=config.seed,
            precision=config.precision,
        )

    def _longest_prefix(self, leg: _Leg) -> _Reached | None:
        """Return the last stored step of the stage that this run passes through, or None."""
        steps = [step for step in self._store.steps(leg.key) if step <= self._config.steps]
        if not steps:
            return None
        last = self._store.read(StageAddress(leg.key, steps[-1]))
        fired = Watch(leg.rules).replay(last.history, start=leg.start, until=steps[-1])
        passed = [step for step in steps if fired is None or step <= fired[0]]
        if not passed:
            return None
        address = StageAddress(leg.key, passed[-1])
        stage = last if address.step == steps[-1] else self._store.read(address)
        watch = Watch(leg.rules)
        here = watch.replay(stage.history, start=leg.start, until=address.step)
        return _Reached(address, stage, here[1] if here else None, watch)
