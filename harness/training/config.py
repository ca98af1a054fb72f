"""How a network is trained, independent of the network and of the task."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator

from harness.core.spec import Spec
from harness.data.augment import AbstractAugmentation
from harness.losses import AbstractLoss, JointCrossEntropy
from harness.metrics import OF_CLASS, AbstractMetric
from harness.training.average import EMA
from harness.training.memory import AbstractMemory
from harness.training.natural_expansion import NaturalExpansion
from harness.training.optimizers import AbstractOptimizer, AdamW
from harness.training.schedules import AbstractSchedule, ConstantRate

__all__ = ["TrainingConfig"]


# A name of a loss or a metric is part of the names of results and of the dotted paths of fields.
NAME = re.compile(r"\w[\w -]*")


def _part_of_names(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"expected a name of letters, digits, _, - and spaces, found {name!r}")
    return name


PartOfNames = Annotated[str, AfterValidator(_part_of_names)]
# Families of results that every run may have.
TAKEN = (
    *("accuracy", "accuracy_by_arrival", "accuracy_of_class", "accuracy_within", "answered_by", "mae", "rmse"),
    *("loss", "loss_weighted", "forgetting", "known_after_growth", "known_before_growth"),
)


class TrainingConfig(Spec):
    """Settings of the loop.

    Attributes:
        batch_size: examples per optimizer update.
        accumulate: the number of parts in which the network sees the examples of an update, so that a batch fits into
            memory; their gradients are added up, weighted so that they are those of the whole batch. What layers
            compute over a batch or draw for it, such as batch norm and dropout, they do for each part.
        losses: by name; a component's weight is that of its loss times that of the growth that added its output. A
            scalar that the model returns under a name ending in `_loss` or `_reg` need not be listed.
        metrics: what evaluations measure beside losses, accuracies and errors, by name. A metric called `f1` is given
            as `f1/all` of the heads, and as `f1/<output>` of each other output that it can be computed from.
        augment: random changes of the inputs of training batches, in this order; evaluations see unchanged inputs.
        replay: after a growth that added classes, the fraction of each batch that is of earlier classes, or None for
            batches of all classes alike; with 0, earlier classes are never trained again.
        memory: which examples of earlier classes stay, instead of all of them, and how batches draw from them.
        nearest_mean: the path of a module of the backbone, such as `hidden.1`. Evaluations then answer with the class
            whose remembered examples have the nearest mean of its outputs, and not by the heads' logits.
        on_divergence: what happens when a loss becomes NaN or infinite: the run stops, or the update is skipped and
            counted in `train/skipped_steps`. Running statistics have seen the batch by then.
        record_gradients_every: steps between measurements of each component's gradient on the backbone; None: never.
        record_classes: whether evaluations measure each class: how often it is classified correctly, and with which
            growth the predicted classes arrived.
        record_untrained: whether at each growth that brings classes an untrained network is grown alike and asked for
            them, which forward transfer compares with.
        record_expansions: growths that are tried at each evaluation and undone, by name: by how much more the loss
            could fall at once. Triggers see the scores as `val/expansion/<name>`.
        record_drift: whether evaluations after a growth that kept a teacher measure, layer by layer, how far features
            have moved from the teacher's.
        clip_norm: the largest norm of all gradients together, after unscaling; None clips nothing.
        evaluate_every: steps between evaluations on the validation split.
        evaluate_after_growth: the number of steps after each growth that are all evaluated, to see losses that recover
            before the next regular evaluation. Triggers see these evaluations like all others.
        average: of the weights, which is kept beside the network, grows along with it and is stored with it.
        evaluate_average: whether the average is evaluated, if one is kept, in place of the network that is trained:
            on validation and test data, by triggers and before and after growths.
        compile: whether training steps are compiled by `torch.compile`: the same function, with other last bits. Each
            stage is compiled anew, which takes seconds; a machine without a C++ compiler refuses.
        flush_denormals: whether updates set values below 1.2e-38 to 0. Adam's averages of parameters that no longer
            have a gradient come to such values, with which many processors are ten times as slow.
    """

    later: ClassVar[tuple[str, ...]] = (
        *("metrics", "accumulate", "average", "compile", "evaluate_average", "memory", "nearest_mean"),
        *("record_expansions", "record_untrained", "flush_denormals"),
    )

    batch_size: PositiveInt = 64
    optimizer: AbstractOptimizer = AdamW()
    schedule: AbstractSchedule = ConstantRate()
    losses: Annotated[Mapping[PartOfNames, AbstractLoss], Field(min_length=1)] = {"classes": JointCrossEntropy()}
    metrics: Mapping[PartOfNames, AbstractMetric] = {}
    augment: tuple[AbstractAugmentation, ...] = ()
    replay: Annotated[float, Field(ge=0, lt=1)] | None = None
    on_divergence: Literal["stop", "skip"] = "stop"
    record_gradients_every: PositiveInt | None = None
    record_classes: bool = False
    record_drift: bool = False
    clip_norm: PositiveFloat | None = None
    evaluate_every: PositiveInt = 25
    evaluate_after_growth: NonNegativeInt = 0
    accumulate: PositiveInt = 1
    average: EMA | None = None
    evaluate_average: bool = True
    compile: bool = False
    flush_denormals: bool = False
    memory: AbstractMemory | None = None
    nearest_mean: str | None = None
    record_untrained: bool = False
    record_expansions: Mapping[PartOfNames, NaturalExpansion] = {}

    @property
    def before_growth(self) -> "TrainingConfig":
        """The settings that have an effect before the first growth: not the memory, nor what is learned from it."""
        losses = {name: loss.before_growth for name, loss in self.losses.items()}
        memory = self.memory if self.nearest_mean else None  # evaluations ask it from the start
        simpler = {"memory": memory, "losses": {n: loss for n, loss in losses.items() if loss}}
        return self.model_copy(update={**simpler, "record_untrained": False})

    @property
    def memory_taps(self) -> tuple[str, ...]:
        """The module paths whose features a memory reads, or answers from it."""
        return (*(self.memory.taps if self.memory else ()), *([self.nearest_mean] if self.nearest_mean else ()))

    @model_validator(mode="after")
    def _one_thing_is_remembered(self) -> "TrainingConfig":
        if self.memory is not None and self.replay is not None:
            raise ValueError(
                f"memory: expected a memory or replay={self.replay}, found both; give the fraction to the memory"
            )
        if self.memory is None and self.nearest_mean is not None:
            raise ValueError(
                f"nearest_mean: expected a memory whose examples have means at {self.nearest_mean!r}, found none; see "
                "training.memory"
            )
        return self

    @model_validator(mode="after")
    def _what_is_told_apart_is_drawn_apart(self) -> "TrainingConfig":
        readers = [name for name, loss in self.losses.items() if loss.needs_memory]
        if readers and (self.memory is None or not self.memory.is_apart):
            found = "none" if self.memory is None else f"{self.memory.kind!r} without either"
            raise ValueError(
                f"memory: expected one with a fraction or per_batch, from which the loss {readers[0]!r} reads, found "
                f"{found}; see training.memory"
            )
        return self

    @model_validator(mode="after")
    def _what_is_compiled_has_no_taps(self) -> "TrainingConfig":
        readers = [name for name, loss in self.losses.items() if loss.taps]
        if self.compile and readers:
            raise ValueError(
                f"compile: expected losses of outputs alone, found {readers[0]!r}, which reads features inside of the "
                "network; train with compile=False"
            )
        return self

    @model_validator(mode="after")
    def _what_needs_logits_has_them(self) -> "TrainingConfig":
        readers = [name for name, loss in self.losses.items() if loss.needs_logits]
        if readers and not any(loss.classifies for loss in self.losses.values()):
            raise ValueError(
                f"losses: expected one that classifies, whose exact Fisher information {readers[0]!r} asks for, found "
                "none; set its fisher='empirical'"
            )
        return self

    @model_validator(mode="after")
    def _parts_have_examples(self) -> "TrainingConfig":
        if self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate: expected at most {self.batch_size} parts of a batch of {self.batch_size} examples, "
                f"found {self.accumulate}"
            )
        return self

    @field_validator("metrics")
    @classmethod
    def _have_names_of_their_own(cls, metrics: Mapping[str, AbstractMetric]) -> Mapping[str, AbstractMetric]:
        names = {*TAKEN, *(f"{name}{OF_CLASS}" for name in metrics)}
        if taken := sorted(names & metrics.keys()):
            raise ValueError(f"expected a name that no other metric has, found {taken[0]!r}; call it otherwise")
        return metrics
