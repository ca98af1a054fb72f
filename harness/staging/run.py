"""A run, named completely."""

import torch
from pydantic import NonNegativeInt, PositiveInt, model_validator

from harness.core.digest import digest
from harness.core.errors import InputError
from harness.core.spec import Spec
from harness.data import AbstractTask
from harness.growth import AtStep, AttachHead, GrowthRule
from harness.models import AbstractModel
from harness.training.config import TrainingConfig
from harness.training.precision import DeviceName, Precision, resolve_device, resolve_precision

__all__ = ["RunConfig", "resolved", "run_id"]


class RunConfig(Spec):
    """Everything that decides the numbers of a run, once `resolved`.

    Attributes:
        steps: optimizer updates in all.
        growths: what happens when; every rule acts at most once, in the order in which the triggers fire.
        seed: of all random streams.
        device: `auto` is CUDA where there is one.
        precision: `auto` is fp32 on a CPU, and what a GPU prefers on a GPU.
    """

    task: AbstractTask
    model: AbstractModel
    steps: PositiveInt
    growths: tuple[GrowthRule, ...] = ()
    training: TrainingConfig = TrainingConfig()
    seed: NonNegativeInt = 0
    device: DeviceName = "auto"
    precision: Precision = "auto"

    @model_validator(mode="after")
    def _growths_can_happen(self) -> "RunConfig":
        for index, rule in enumerate(self.growths):
            if isinstance(rule.trigger, AtStep) and rule.trigger.step >= self.steps:
                raise ValueError(
                    f"growths.{index}.trigger.step: expected a step before the end at {self.steps}, "
                    f"found {rule.trigger.step}"
                )
            if isinstance(rule.operation, AttachHead):
                self._check_head(index, rule.operation)
        return self

    def _check_head(self, index: int, head: AttachHead) -> None:
        heads = list(self.task.classes)
        if head.name not in heads[1:]:
            raise ValueError(
                f"growths.{index}.operation.name: expected one of the task's late heads {heads[1:]}, "
                f"found {head.name!r}"
            )
        if head.outputs != len(self.task.classes[head.name]):
            raise ValueError(
                f"growths.{index}.operation.outputs: expected {len(self.task.classes[head.name])}, "
                f"one per class of the head {head.name!r}; found {head.outputs}"
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
