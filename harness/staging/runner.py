"""Executing runs in one process, with one store."""

from collections.abc import Mapping

import torch

from harness.core.errors import LeaseLostError, SnapshotError
from harness.core.output_specs import OutputSpecs
from harness.data import AbstractTask, TaskData, load_task
from harness.data.shared_inputs import SharedInputs
from harness.growth import GrowthEvent
from harness.growth.freeze import candidates, check_added, sizes_of
from harness.growth.identities import Identities
from harness.growth.lineage import Effect, operate_on
from harness.staging.chain import Chain
from harness.staging.check_classes import check_classes
from harness.staging.check_metrics import check_metrics
from harness.staging.check_model import check_model, compiler_check
from harness.staging.check_training import check_training, what_is_tried
from harness.staging.data_digests import check_data
from harness.staging.in_words import in_words
from harness.staging.leases import Leases
from harness.staging.network import build_network, probe_for
from harness.staging.results import RunResult
from harness.staging.run import RunConfig, resolved
from harness.staging.run_context import OnHistory, RunContext
from harness.staging.stage_key import first_key
from harness.staging.stage_writer import StageWriter
from harness.staging.store import Store
from harness.staging.workspace import Workspace
from harness.training.features import FeatureCache
from harness.training.loop import OnEvaluation, Pause, Signals, Training, finish
from harness.training.output_specs import output_specs
from harness.training.probe_loss import TrainedLoss
from harness.training.process_settings import ProcessSettings

__all__ = ["SNAPSHOT_EVERY_S", "Runner"]

SNAPSHOT_EVERY_S = 60.0


class Runner:
    """Executes runs in one process, with one store.

    Args:
        workspace: whose store stages are restored from and committed to.
        alone: whether every run is trained alone, sharing no stage with another run.
        stop: asked after each step whether to stop there.
        snapshot_every_s: seconds of training between snapshots inside a long stage, or more where that would cost more
            than 3 % of the time; 0 for one after every step.
        cache_features: whether features of a frozen lower part are computed once, and kept beside the stages.
        packing: whether whoever executes several runs may train them together.

    Attributes:
        workspace: as given, as are `alone`, `stop` and `packing`.
        features: the cache, or None to compute features at every step.
        steps_trained: by all runs so far.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        alone: bool = False,
        stop: Pause = lambda: False,
        snapshot_every_s: float = SNAPSHOT_EVERY_S,
        cache_features: bool = False,
        packing: bool = True,
    ) -> None:
        self.steps_trained = 0
        self.workspace = workspace
        self.alone = alone
        self.stop = stop
        self.packing = packing
        self._snapshot_every_s = snapshot_every_s
        self.features = FeatureCache(folder=workspace.stages / "features") if cache_features else None
        self._writer = StageWriter(workspace.store)
        self._leases = Leases(workspace.ledger.database)
        self._data: dict[str, TaskData] = {}
        self._inputs = SharedInputs()
        self._checked: set[tuple[str, str]] = set()  # studies and tasks whose data are what they were
        self._tried: set[str] = set()  # what a step was computed of

    @property
    def store(self) -> Store:
        """The workspace's store."""
        return self.workspace.store

    def run(
        self,
        config: RunConfig,
        on_evaluation: OnEvaluation = lambda _step, _metrics: None,
        signals: Signals = frozenset,
        forks: Mapping[str, frozenset[int]] | None = None,
        on_history: OnHistory = lambda _part: None,
        *,
        test: bool = True,
    ) -> RunResult:
        """Train the stages of `config` that are not stored, one by one, and return the results of the whole run.

        Arguments and errors are those of `training`.
        """
        return finish(self.training(config, on_evaluation, signals, forks, on_history, test=test))

    def training(
        self,
        config: RunConfig,
        on_evaluation: OnEvaluation = lambda _step, _metrics: None,
        signals: Signals = frozenset,
        forks: Mapping[str, frozenset[int]] | None = None,
        on_history: OnHistory = lambda _part: None,
        *,
        test: bool = True,
    ) -> Training[RunResult]:
        """Train the stages of `config` that are not stored; yield each loop to be trained, and return the results.

        `on_evaluation`, `signals`, `forks` and `on_history` are as in `RunContext`. Without `test` the network is not
        evaluated on test data, and the results have no metrics of it.

        Raises:
            StageBusyError: another process is training a stage that this run needs; what was trained so far is stored.
            InterruptedRunError: training was asked to stop; what was trained is stored.
            DivergedError: a loss became NaN or infinite.
            KilledError: a stage of the run has killed whoever trained it.
            InputError: the configuration cannot be run, for example for an impossible tap.
        """
        config = resolved(config).with_length
        context = RunContext(
            writer=self._writer,
            leases=self._leases,
            forks=forks or {},
            on_evaluation=on_evaluation,
            on_history=on_history,
            signals=signals,
            stop=self.stop,
            snapshot_every_s=self._snapshot_every_s,
            features=self.features,
            test=test,
        )
        while True:
            key = first_key(config, alone=self.alone, data=self.data_digest(config))
            chain = Chain(config, self._load(config.task, config.device), key, context)
            try:
                return (yield from chain.finish())
            except (SnapshotError, LeaseLostError):
                continue  # the damaged stage was set aside, or another process has trained it
            finally:
                self.steps_trained += chain.steps_trained

    def holds(self, key: str) -> bool:
        """Return whether this process is training the stage `key`."""
        return self._leases.is_held_here(key)

    def check(self, config: RunConfig, *, trained: bool = True) -> None:
        """Apply the growths of `config` to a fresh network and ask their freeze policies.

        Before, see whether data, classes and network fit together, and afterwards, whether the code of the study has
        left the settings of the process as they were. If it is to be `trained`, an update is tried at the start, and a
        gradient computed after each growth, once for all runs that differ in neither.

        Raises:
            InputError: one of them cannot be applied, for example for an impossible tap.
        """
        config, settings = resolved(config), ProcessSettings(signals=True)
        data = self._load(config.task, config.device)
        check_classes(config, data)
        check_metrics(config, data)
        check_model(config.model_copy(update={"start": (), "growths": ()}), data)
        model = build_network(config, data)
        follow = compiler_check(config, data)
        follow(model)
        identities = Identities(model)
        lineage: tuple[GrowthEvent, ...] = ()
        effects: tuple[Effect, ...] = ()

        def loss() -> TrainedLoss:
            return TrainedLoss(model, config.training.losses, output_specs(model, lineage, effects, data))

        def try_training(specs: OutputSpecs) -> None:
            if trained and (name := what_is_tried(config, len(lineage))) not in self._tried:
                check_training(config, model, specs, data, updated=not lineage)
                self._tried.add(name)

        try_training(output_specs(model, lineage, effects, data))
        for number, rule in enumerate(config.growths, start=1):
            sizes = sizes_of(identities)
            with in_words(f"growths.{number - 1}.operation: {rule.operation.kind!r}"):
                growth = operate_on(
                    model,
                    rule.operation,
                    keep_teacher=rule.keep_teacher,
                    probe=probe_for(rule.change, data, loss),
                    generator=torch.Generator(),
                )
            identities.register(model, birth=number)
            lineage += (GrowthEvent(step=number, change=rule.change),)
            effects += (Effect.of(growth),)
            try_training(output_specs(model, lineage, effects, data))
            follow(model)
            frozen = rule.freeze.frozen(candidates(model, identities), growth=number, age=0)
            check_added(model, identities, frozen, sizes, rule.freeze)
        settings.expect()

    def data(self, config: RunConfig) -> TaskData:
        """Return the data of a run, on its device; they are loaded once."""
        config = resolved(config)
        return self._load(config.task, config.device)

    def data_digest(self, config: RunConfig) -> str:
        """Return the digest of a run's data, unless their task's spec says it all; they are loaded for that."""
        return "" if config.task.says_all else self.data(config).digest

    def check_data(self, study: str, config: RunConfig) -> None:
        """Refuse data that are others than when `study` read those of the same task first.

        Raises:
            DataError: they are others.
        """
        known = (study, f"{config.task.to_json()}")
        if known not in self._checked and (digest := self.data_digest(config)):
            check_data(self.workspace.ledger.database, study, config.task, digest)
        self._checked.add(known)

    def _load(self, task: AbstractTask, device: str) -> TaskData:
        name = f"{device} {task.to_json()}"
        if name not in self._data:
            data = load_task(task, self.workspace.data_folder).to(torch.device(device))
            self._data[name] = self._inputs.of(data)
        return self._data[name]
