"""The configuration of a run, which names it completely."""

from typing import ClassVar

import torch
from pydantic import NonNegativeInt, PositiveInt, model_validator

from harness.core.digest import digest
from harness.core.errors import InputError
from harness.core.spec import Spec, with_changes
from harness.data import AbstractTask
from harness.growth import AbstractOperation, GrowthRule
from harness.growth.rules import Rule, StopRule
from harness.growth.triggers import AbstractTrigger
from harness.models import AbstractModel
from harness.training.config import TrainingConfig
from harness.training.named_metrics import measured_outputs
from harness.training.precision import DeviceName, Precision, resolve_device, resolve_precision

__all__ = ["RunConfig", "resolved", "run_id"]


class RunConfig(Spec):
    """Everything that decides the numbers of a run, once `resolved`.

    Attributes:
        steps: optimizer updates in all.
        start: operations that are applied to the network before the first step, such as the heads that exist from the
            start, on or off; what they add has the same birth as the rest.
        growths: what happens when; every rule acts at most once, in the order in which the triggers fire.
        early_stopping: ends the run when it fires, such as a `Plateau` of a validation metric; it is asked from the
            last growth on, so that no growth that is still to come is left out. The state at which it fires is that of
            the results, and a schedule goes by `steps`.
        seed: of all random streams.
        device: `auto` is CUDA where there is one.
        precision: `auto` is fp32 on a CPU, and what a GPU prefers on a GPU.
    """

    later: ClassVar[tuple[str, ...]] = ("early_stopping",)

    task: AbstractTask
    model: AbstractModel
    steps: PositiveInt
    start: tuple[AbstractOperation, ...] = ()
    growths: tuple[GrowthRule, ...] = ()
    training: TrainingConfig = TrainingConfig()
    seed: NonNegativeInt = 0
    device: DeviceName = "auto"
    precision: Precision = "auto"
    early_stopping: AbstractTrigger | None = None

    def monitored(self, growths: tuple[GrowthRule, ...]) -> tuple[Rule, ...]:
        """Return the rules that are asked while `growths` have not happened yet."""
        if growths or self.early_stopping is None:
            return growths
        return (StopRule(trigger=self.early_stopping),)

    @property
    def with_length(self) -> "RunConfig":
        """The run with a schedule that knows its number of steps."""
        schedule = self.training.schedule.lasting(self.steps)
        if schedule == self.training.schedule:
            return self
        return self.model_copy(update={"training": self.training.model_copy(update={"schedule": schedule})})

    def up_to(self, step: int) -> "RunConfig":
        """Return the beginning of the run, in which its schedule is that of all its steps."""
        return with_changes(self.with_length, {"steps": step})

    @model_validator(mode="after")
    def _growths_can_happen(self) -> "RunConfig":
        taken: dict[int, int] = {}
        for index, rule in enumerate(self.growths):
            if rule.trigger.only_step is not None:
                self._check_step(index, rule.trigger.only_step, taken)
            self._check_operation(f"growths.{index}.operation", rule.operation)
        for index, operation in enumerate(self.start):
            self._check_operation(f"start.{index}", operation)
        return self

    @model_validator(mode="after")
    def _every_output_has_a_loss(self) -> "RunConfig":
        with_loss = {loss.speaks_of(name) for name, loss in self.training.losses.items()}
        for name in self.task.outputs:
            if name not in with_loss:
                raise ValueError(
                    f"training.losses: expected a loss of the output {name!r}, found losses of "
                    f"{', '.join(sorted(filter(None, with_loss))) or 'no single output'}; add one under that name"
                )
        return self

    @model_validator(mode="after")
    def _metrics_measure_something(self) -> "RunConfig":
        for name, metric in self.training.metrics.items():
            if not measured_outputs(self.task, metric):
                outputs = [*(["all"] if self.task.classes else []), *self.task.outputs]
                of = f"the output {metric.output!r}" if metric.output else "any output"
                raise ValueError(
                    f"training.metrics.{name}: {metric.kind} is computed from outputs of {' or '.join(metric.reads)}, "
                    f"and cannot be of {of} of the task, which has {', '.join(outputs)}; see its output"
                )
        return self

    @model_validator(mode="after")
    def _drift_has_something_to_start_from(self) -> "RunConfig":
        has_teacher = any(rule.keep_teacher or rule.operation.keeps_teacher for rule in self.growths)
        if self.training.record_drift and self.growths and not has_teacher:
            raise ValueError(
                "training.record_drift: expected a growth that keeps the network as it was, found none; set "
                "keep_teacher of a growth"
            )
        return self

    @model_validator(mode="after")
    def _examples_are_held_out(self) -> "RunConfig":
        readers = {f"start.{index}": operation for index, operation in enumerate(self.start)}
        readers |= {f"growths.{index}.operation": rule.operation for index, rule in enumerate(self.growths)}
        for where, operation in readers.items():
            if operation.reads_held_out and (where.startswith("start") or not self._holds_out):
                raise ValueError(
                    f"{where}: expected examples that are held out, which {operation.kind!r} looks at, found none; let "
                    "a training.memory hold out a part, such as held_out=0.1, and operate after an arrival"
                )
        return self

    @property
    def _holds_out(self) -> bool:
        return self.training.memory is not None and self.training.memory.held_out > 0

    def _check_step(self, index: int, step: int, taken: dict[int, int]) -> None:
        where = f"growths.{index}.trigger.step"
        if step >= self.steps:
            raise ValueError(f"{where}: expected a step before the end at {self.steps}, found {step}")
        if (other := taken.setdefault(step, index)) != index:
            raise ValueError(f"{where}: expected one growth a step, found {step} in growths.{other}; use {step + 1}")

    def _check_operation(self, where: str, operation: AbstractOperation) -> None:
        sizes = self.task.sizes
        late = list(sizes)[1:]
        for name, columns in operation.new_outputs().items():
            if name not in late:
                raise ValueError(f"{where}.name: expected one of the task's late heads {late}, found {name!r}")
            if columns != sizes[name]:
                raise ValueError(
                    f"{where}.outputs: expected {sizes[name]}, one per class or column of the head {name!r}; "
                    f"found {columns}"
                )


def resolved(config: RunConfig) -> RunConfig:
    """Return `config` with device and precision as they are on this machine, instead of `auto`.

    Raises:
        InputError: CUDA is asked for, and there is none.
    """
    device = resolve_device(config.device)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("expected a CUDA device, found none on this machine; use --device cpu")
    precision = resolve_precision(config.precision, device)
    return config.model_copy(update={"device": device, "precision": precision})


def run_id(config: RunConfig) -> str:
    """Return the run's name: 16 hexadecimal digits of the digest of its configuration."""
    return digest(config.to_json())[:16]
