"""The state of a run between two steps: all that training needs to continue exactly."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SpecError
from harness.core.seeding import generator, seeded_global_stream
from harness.growth.freeze import factors_by_parameter, freeze
from harness.growth.frozen_modes import set_train_mode
from harness.growth.grow import grow_network
from harness.growth.identities import Identities
from harness.growth.lineage import Change, Effect, GrowthEvent
from harness.growth.probe import Probe
from harness.growth.record import Growth
from harness.growth.rollback import all_or_nothing
from harness.growth.surgery import scale_rates
from harness.losses import LossState, Weight
from harness.models import AbstractModel, GrowableModel
from harness.training.average import EMA, WeightAverage
from harness.training.exemplars import Exemplars
from harness.training.loss_states import carried_over, learnable
from harness.training.optimizers import AbstractOptimizer
from harness.training.precision import Precision, grad_scaler

__all__ = ["TrainState", "build_model", "fresh_state"]


@dataclass
class TrainState:
    """The state of a run between two steps.

    No generator is part of it: every random number is a function of `seed` and `step`.

    Attributes:
        step: optimizer updates so far.
        lineage: the growths so far.
        effects: their effects on the outputs.
        loss_weights: weights of the components that growths added, by output.
        frozen: ids of the tensors that the last growth's policy freezes.
        average: of the weights, if one is kept.
        loss_states: what losses keep between steps, by their names in the configuration.
        memory: the examples that stay when others arrive; None before the first were stored.
    """

    model: GrowableModel
    identities: Identities
    optimizer: Optimizer
    scaler: torch.amp.GradScaler
    seed: int
    precision: Precision
    step: int = 0
    lineage: tuple[GrowthEvent, ...] = ()
    effects: tuple[Effect, ...] = ()
    loss_weights: dict[str, Weight] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    average: WeightAverage | None = None
    loss_states: dict[str, LossState] = field(default_factory=dict)
    memory: Exemplars | None = None

    @cached_property
    def device(self) -> torch.device:
        """The device that the network is on."""
        return next(self.model.parameters()).device

    @property
    def age(self) -> int:
        """Optimizer updates since the last growth, or since the start."""
        return self.step - (self.lineage[-1].step if self.lineage else 0)

    @cached_property
    def trainable(self) -> list[nn.Parameter]:
        """The parameters that are not frozen."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    @property
    def learnable(self) -> dict[str, nn.Parameter]:
        """The parameters that may ever be trained, by stable id; frozen ones, too."""
        return learnable(self.model, self.identities)

    def _forget_trainable(self) -> None:
        vars(self).pop("trainable", None)  # walking all modules at every step would cost as much as a small layer

    def grow(self, change: Change, *, probe: Probe) -> Growth:
        """Grow the network and everything that follows it; the operation may read `probe`."""
        average, number, before = self.average, len(self.lineage) + 1, self.identities.parameters()
        whole = self.model if average is None else nn.ModuleList([self.model, average.model])
        with all_or_nothing(whole, self.optimizer):
            self.optimizer.zero_grad(set_to_none=True)
            grown = grow_network(
                self.model,
                (self.optimizer,),
                change.operation,
                freeze_policy=change.freeze,
                identities=self.identities,
                probe=probe,
                keep_teacher=change.keep_teacher,
                lr_factor=change.lr_factor,
                group=change.group(),
                like=0,  # a change's factor is in units of the run's own rate, whichever layer it extends
                seed=self.seed,
                number=number,
                step=self.step,
            )
            change = change.done(grown.growth)
            if average is not None:
                stream = generator(self.seed, "growth", number)
                average.grow(change, grown.identities, grown.frozen, number=number, probe=probe, generator=stream)
        self.lineage += (GrowthEvent(step=self.step, change=change),)
        self.effects += (Effect.of(grown.growth),)
        self.loss_weights |= change.weights(grown.growth.outputs, self.step)
        self.identities, self.frozen = grown.identities, grown.frozen
        self.loss_states = carried_over(self.loss_states, before, grown.growth, grown.identities.parameters())
        self._forget_trainable()
        self._scale_rates()
        return grown.growth

    def refreeze(self) -> None:
        """Freeze what the last growth's policy freezes at this age, and thaw the rest."""
        if self.lineage:
            policy = self.lineage[-1].change.freeze
            self.frozen = freeze(self.model, self.identities, policy, growth=len(self.lineage), age=self.age)
            if self.average is not None:
                self.average.follow(self.identities, self.frozen)
            self._forget_trainable()
            self._scale_rates()

    def _scale_rates(self) -> None:
        policy, growth = self.lineage[-1].change.freeze, len(self.lineage)
        scale_rates(
            self.optimizer, factors_by_parameter(self.model, self.identities, policy, growth=growth, age=self.age)
        )

    @property
    def averaged(self) -> "TrainState":
        """The same state with the average of the weights as its network; itself if none is kept."""
        if self.average is None:
            return self
        return replace(self, model=self.average.model, identities=self.average.identities, average=None)

    def set_train_mode(self) -> None:
        """Put trained modules into train mode and frozen ones into eval mode.

        Raises:
            SpecError: nothing is trained.
        """
        if not self.trainable:
            raise SpecError(f"expected something to train at step {self.step}, found everything frozen; thaw a part")
        norm = self.lineage[-1].change.freeze.frozen_norm if self.lineage else "eval"
        set_train_mode(self.model, self.identities, self.frozen, frozen_norm=norm)


def build_model(spec: AbstractModel, *, output: str, outputs: int, seed: int, device: torch.device) -> GrowableModel:
    """Build the network of a run at step 0, with one output named `output`; its values come from (seed, "model")."""
    with seeded_global_stream(seed, "model"):
        backbone: object = spec.build(outputs)
    if not isinstance(backbone, nn.Module):
        found = f"the class {backbone.__name__}" if isinstance(backbone, type) else type(backbone).__name__
        raise SpecError(f"expected build() of the model {spec.kind!r} to return a network of torch, found {found}")
    return GrowableModel(backbone, output).to(device)


def fresh_state(
    model: GrowableModel,
    optimizer: AbstractOptimizer,
    *,
    seed: int,
    precision: Precision,
    average: EMA | None = None,
) -> TrainState:
    """Return the state of a run at step 0."""
    learned = list(model.log_variances.values())
    apart = {id(parameter) for parameter in learned}
    parameters = [p for p in model.parameters() if p.requires_grad and id(p) not in apart]
    started = optimizer.start(parameters)
    if learned:  # weight decay would pull the weights of losses towards 1
        first = {key: value for key, value in started.param_groups[0].items() if key != "params"}
        started.add_param_group({**first, "weight_decay": 0.0, "params": learned})
    scaler = grad_scaler(precision, next(model.parameters()).device)
    if scaler.is_enabled():
        # A fused kernel would decide itself which updates to skip, and less exactly than the scaler.
        vars(started)["_step_supports_amp_scaling"] = False
    identities = Identities(model)
    kept = None if average is None else WeightAverage(average, model, identities)
    return TrainState(model, identities, started, scaler, seed, precision, average=kept)
