"""One growth, from a whole training state to a whole training state."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from harness.core.errors import SurgeryError
from harness.core.seeding import generator
from harness.growth.freeze import freeze
from harness.growth.freezing import AbstractFreezePolicy, NoFreezing
from harness.growth.identities import Identities
from harness.growth.lineage import operate_on
from harness.growth.operations import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth
from harness.growth.rollback import all_or_nothing
from harness.growth.surgery import check_coverage, check_supported, operate

__all__ = ["Grown", "grow"]


@dataclass(frozen=True)
class Grown:
    """What a growth did.

    Attributes:
        identities: the ids of all tensors that the network has now.
        frozen: the ids of those that are frozen from now on.
    """

    growth: Growth
    identities: Identities
    frozen: frozenset[str]


def grow(
    model: nn.Module,
    optimizer: Optimizer,
    operation: AbstractOperation,
    *,
    freeze_policy: AbstractFreezePolicy | None = None,
    identities: Identities | None = None,
    probe: Probe | None = None,
    average: AveragedModel | None = None,
    keep_teacher: bool = False,
    lr_factor: float = 1.0,
    group: dict[str, Any] | None = None,
    seed: int = 0,
    number: int = 1,
    step: int = 0,
) -> Grown:
    """Apply `operation` to `model` and let optimizer, average, ids and freezing follow: all of it, or nothing.

    Call it between two steps, outside autocast and never during an evaluation. A `GradScaler` needs no change, and a
    compiled model is compiled again at its next call. New values come from the stream (seed, "growth", number), so they
    do not depend on anything drawn before.

    Args:
        model: any module, compiled or not.
        optimizer: holds the trainable parameters; its state of a parameter must have the parameter's shape.
        operation: what changes.
        freeze_policy: what stays fixed from now on; nothing by default.
        identities: the ids of the network's tensors from an earlier growth; new ones by default.
        probe: examples, for operations that must know what a layer computes.
        average: an average of the model's weights, which grows with it and takes over its new values.
        keep_teacher: whether the network before the growth is kept as `model.teacher`.
        lr_factor: the new parameters' learning rate, in units of the first group's.
        group: other hyperparameters of the new parameters' group, such as `weight_decay`.
        seed: of the new values.
        number: 1 for the first growth of a network, then 2, ...
        step: optimizer updates so far, the birth of the new group.

    Raises:
        InputError: the operation cannot be done on this network.
        SurgeryError: the optimizer cannot follow, or a trainable parameter would be in no group, or in two.
    """
    model = _unwrapped(model)
    _check_outside_autocast(model)
    check_supported(optimizer)
    identities = identities.copy() if identities else Identities(model)
    with all_or_nothing(model, optimizer):
        optimizer.zero_grad(set_to_none=True)
        for name, parameter in identities.parameters().items():
            # What an earlier policy froze is thawed, or parameters that join a frozen layer would be born frozen.
            parameter.requires_grad_(identities[name].trainable)
        stream = generator(seed, "growth", number)
        growth = operate_on(model, operation, keep_teacher=keep_teacher, probe=probe, generator=stream)
        operate(optimizer, growth, step=step, lr_factor=lr_factor, group=group)
        identities.register(model, birth=number)
        frozen = freeze(model, identities, freeze_policy or NoFreezing(), growth=number)
        check_coverage(model, optimizer)
        if average is not None:
            operation.apply(average.module, probe=probe, generator=generator(seed, "growth", number))
    return Grown(growth, identities, frozen)


def _check_outside_autocast(model: nn.Module) -> None:
    devices = {parameter.device.type for parameter in model.parameters()}
    if any(torch.is_autocast_enabled(device) for device in devices):
        # Autocast keeps 16-bit copies of weights, which would be those from before the growth.
        raise SurgeryError("expected to grow outside autocast, found an autocast region; leave it before growing")


def _unwrapped(model: nn.Module) -> nn.Module:
    if isinstance(model, DistributedDataParallel):
        raise SurgeryError(
            "expected a module, found DistributedDataParallel, which would not synchronize what is new; grow "
            "model.module on every process, then wrap it again: model = DistributedDataParallel(model.module)"
        )
    original = getattr(model, "_orig_mod", None)
    if isinstance(original, nn.Module):
        torch.compiler.reset()  # or old graphs would count towards the limit after which nothing is compiled
        return original
    return model
