"""Losses: components by name, each with a weight."""

import functools
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from pydantic import NonNegativeFloat
from torch import Tensor
from torch.nn import functional

from harness.core.inputs import Inputs, map_inputs
from harness.core.output_specs import OutputSpecs
from harness.core.spec import LeafSpec
from harness.losses._state import Learned, LossState, Move

__all__ = [
    "AbstractLoss",
    "AbstractOutputLoss",
    "AbstractWeight",
    "Batch",
    "Weight",
    "cast_up",
    "cross_entropies",
    "mean_over",
    "total",
]


SHORT = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Batch:
    """All that a loss can be computed from, for one batch.

    Values in 16 bits are cast to 32 bits: their softmax, square or mean would lose digits, or overflow.

    Attributes:
        outputs: what the model returned, by name.
        inputs: `[B, ...]`, or such tensors by name.
        labels: `[B]` classes, all of them visible.
        targets: other targets of the examples, by name.
        specs: what the outputs predict.
        features: the outputs of the modules at the taps that losses read.
        teacher: the outputs of the model's teacher; None if it has none.
        teacher_features: the outputs of the same modules of the teacher.
        states: what losses keep between steps, by their names in the configuration.
        parameters: by stable id, if a loss keeps a state.
        stored: what the network answered to the examples from a memory when they were stored, by output, `[B, C]`
            each; NaN for other examples, and in columns that are newer than the answer.
        new: the number of examples that do not come from a memory, which are the first; None if none does.
    """

    outputs: Mapping[str, Tensor]
    inputs: Inputs
    labels: Tensor
    specs: OutputSpecs
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    features: Mapping[str, Tensor] = field(default_factory=dict)
    teacher: Mapping[str, Tensor] | None = None
    teacher_features: Mapping[str, Tensor] = field(default_factory=dict)
    states: Mapping[str, LossState] = field(default_factory=dict)
    parameters: Mapping[str, Tensor] = field(default_factory=dict)
    stored: Mapping[str, Tensor] = field(default_factory=dict)
    new: int | None = None

    def __post_init__(self) -> None:
        for name in ("outputs", "features", "teacher", "teacher_features"):
            if (tensors := getattr(self, name)) and any(map(_is_short, tensors.values())):
                object.__setattr__(self, name, {key: cast_up(value) for key, value in tensors.items()})

    @property
    def answers(self) -> OutputSpecs:
        """`specs` by the name that it has in losses of study files written before version 0.2."""
        return self.specs

    def target(self, output: str) -> Tensor:
        """Return the target of `output`: classes `[B]`, or numbers `[B, D]`; of the only head, columns of its logits.

        Raises:
            SpecError: `output` is one of several heads, or the task says nothing of it.
        """
        return self.specs.target(output, self.inputs, self.labels, self.targets)

    def rows(self, rows: slice) -> "Batch":
        """Return some of the examples, as a batch that tells new ones from others no more; scalars are kept."""

        def part(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: value[rows] if value.dim() else value for name, value in tensors.items()}

        return Batch(
            outputs=part(self.outputs),
            inputs=map_inputs(lambda tensor: tensor[rows], self.inputs),
            labels=self.labels[rows],
            specs=self.specs,
            targets=part(self.targets),
            features=part(self.features),
            teacher=None if self.teacher is None else part(self.teacher),
            teacher_features=part(self.teacher_features),
        )


def _is_short(value: object) -> bool:
    return getattr(value, "dtype", None) in SHORT


def cast_up(value: Tensor) -> Tensor:
    """Return `value` in 32 bits if it has fewer."""
    # A model of another library may return anything.
    return value.float() if isinstance(value, Tensor) and value.dtype in SHORT else value


class AbstractWeight(LeafSpec):
    """A factor of a loss component."""

    @abstractmethod
    def at(self, step: int) -> float:
        """Return the factor at `step`, counted from the start of the run."""

    @abstractmethod
    def since(self, step: int) -> "AbstractWeight":
        """Return the same weight with its time counted from `step`."""

    @property
    def is_learned(self) -> bool:
        """Whether a part of the factor is learned, as a log-variance that the network holds; not by default."""
        return False

    def precision(self, log_variance: Tensor) -> Tensor:
        """Return the learned part of the factor, a scalar; 1 unless overridden."""
        return torch.ones_like(log_variance)


Weight = NonNegativeFloat | AbstractWeight


class AbstractLoss(LeafSpec):
    """Named loss terms of one batch.

    Attributes:
        weight: of all components; it is multiplied by the weight that a growth gave them.
    """

    weight: Weight = 1.0

    @property
    def learned_weight(self) -> AbstractWeight | None:
        """The weight, if a part of it is learned."""
        return self.weight if isinstance(self.weight, AbstractWeight) and self.weight.is_learned else None

    @abstractmethod
    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return scalars by name, unweighted; none while the output of the loss does not exist.

        `name` is the name of the loss in the configuration, and of its component if it has only one.
        """

    def counts(self, name: str, batch: Batch) -> Mapping[str, Tensor]:  # noqa: ARG002
        """Return for components how much `batch` counts in them: the weights of its examples, added up.

        By them, the components of parts of a batch are averaged to those of the whole. A component that is left out is
        a mean over all examples. Of outputs, no more than the number of columns may be read.
        """
        return {}

    def speaks_of(self, name: str) -> str | None:
        """Return the one output that the loss called `name` is about, or None if it is about several or none."""
        del name
        return None

    @property
    def taps(self) -> tuple[str, ...]:
        """The module paths whose features it reads."""
        return ()

    @property
    def classes(self) -> frozenset[int]:
        """The classes that it names, which must be the task's."""
        return frozenset()

    @property
    def needs_teacher(self) -> bool:
        """Whether it reads what the model's teacher computes."""
        return False

    @property
    def is_penalty(self) -> bool:
        """Whether it compares no outputs with targets; by default, if it reads a teacher instead."""
        return self.needs_teacher

    @property
    def classifies(self) -> bool:
        """Whether it is the negative log-likelihood of classes, whose logits are its predictions."""
        return False

    @property
    def needs_logits(self) -> bool:
        """Whether it needs another loss that classifies."""
        return False

    def predictions(self, name: str, batch: Batch) -> Tensor | None:  # noqa: ARG002
        """Return what of the outputs `[N, D]` is compared with the target of the only example in `batch`, if known."""
        return None

    @property
    def keeps_state(self) -> bool:
        """Whether it keeps a state of its own between steps, which is saved with the run."""
        return False

    @property
    def follows_updates(self) -> bool:
        """Whether `after_update` is to be called."""
        return False

    def begin(self, state: LossState, values: Mapping[str, Tensor]) -> LossState:  # noqa: ARG002
        """Return the state with which a stage begins, given the parameters' values by stable id.

        At the start of a run `state` is empty. A stage that goes on begins again, which must change nothing.
        """
        return state

    def after_update(self, state: LossState, move: Move) -> LossState:  # noqa: ARG002
        """Return the state after an update; nothing may be read that a GPU would be waited for."""
        return state

    def before_arrival(self, state: LossState, learned: Learned) -> LossState:  # noqa: ARG002
        """Return the state from the moment on at which a growth is about to bring classes or outputs."""
        return state

    @property
    def needs_memory(self) -> bool:
        """Whether it tells examples that come from a memory from new ones."""
        return False

    @property
    def before_growth(self) -> "AbstractLoss | None":
        """What does the same before the first growth, if that is something simpler; None for no component at all."""
        return self


class AbstractOutputLoss(AbstractLoss):
    """A loss of one output against its target.

    Attributes:
        output: its name; the loss's own name by default. While it does not exist or is off, there is no component.
    """

    output: str | None = None

    def speaks_of(self, name: str) -> str:
        """Return the output."""
        return self.output or name

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none."""
        output = self.speaks_of(name)
        return {name: self.value(batch, output)} if output in batch.outputs else {}

    def predictions(self, name: str, batch: Batch) -> Tensor | None:
        """Return the output, or nothing while it does not exist."""
        output = self.speaks_of(name)
        return batch.outputs[output].flatten(1) if output in batch.outputs else None

    @abstractmethod
    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the loss of `output`, which exists, as a scalar."""


def cross_entropies(logits: Tensor, classes: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return -log softmax of the true class for each example `[B]`, for logits `[B, C]` and classes `[B]`."""
    if label_smoothing or not torch._C._functorch.is_batchedtensor(logits):  # noqa: SLF001
        return functional.cross_entropy(logits, classes, reduction="none", label_smoothing=label_smoothing)
    # The same to the bit; of several networks at once, the other one is computed network by network.
    chosen = functional.log_softmax(logits, dim=1).gather(1, classes.unsqueeze(1))
    return -chosen.squeeze(1)


def mean_over(losses: Tensor, chosen: Tensor) -> Tensor:
    """Return the mean of `losses` `[B]` where `chosen` `[B]` is true; 0 if it is true nowhere."""
    # A sum over a mask, unlike indexing with it, does not make a GPU wait.
    return (losses * chosen).sum() / chosen.sum().clamp(min=1)


def total(components: Mapping[str, Tensor], weights: Mapping[str, float | Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the weighted sum of the components, and each weighted component; a weight not given is 1."""
    # Products with 1 and sums of one term are skipped: in a small network they would cost noticeable time.
    factors = {name: weights.get(name, 1.0) for name in components}
    weighted = {n: value if _is_one(factors[n]) else factors[n] * value for n, value in components.items()}
    return functools.reduce(torch.add, weighted.values()), weighted


def _is_one(factor: float | Tensor) -> bool:
    return not isinstance(factor, Tensor) and factor == 1
