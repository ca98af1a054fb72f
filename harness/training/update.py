"""An optimizer's step without what its Python part looks up anew at every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim import optimizer as optimizers

__all__ = ["Update"]

HOOKS = ("step", "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")  # the first is what schedulers wrap


@dataclass(frozen=True)
class _Group:
    """A group's tensors, as the kernel takes them.

    Attributes:
        settings: the optimizer's own dict, whose learning rate changes.
        idle: parameters of the group that had no gradient.
    """

    settings: Mapping[str, Any]
    moving: list[Tensor]
    idle: list[Tensor]
    averages: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]


class Update:
    """Calls `optimizer.step()`, or the kernel that it would call, with the same result to the bit.

    The kernel is called for Adam and AdamW where `step` would call it with all tensors of a group at once: fused, on
    the CPU, in one dtype, without hooks. In a small network, the rest of `step` costs as much as the backward pass.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._direct = type(optimizer) in (Adam, AdamW) and all(map(_is_usual, optimizer.param_groups))
        self._state: object = None
        self._groups: list[_Group] = []

    def __call__(self) -> None:
        """Update the parameters that have gradients."""
        gradients = self._gradients() if self._direct and not _is_hooked(self._optimizer) else None
        if gradients is None:
            _complete_momentum(self._optimizer)
            self._optimizer.step()
            return
        with torch.no_grad():
            for group, grads in zip(self._groups, gradients, strict=True):
                if grads:
                    _call(group, grads)

    def _gradients(self) -> list[list[Tensor]] | None:
        """Return the gradients by group; None if the kernel cannot be called."""
        gradients = [_gradients(group) for group in self._groups]
        if self._optimizer.state is not self._state or len(gradients) < len(self._optimizer.param_groups):
            gradients = [None]  # the first step, a loaded state, or a group that was added
        if None in gradients:
            self._state = self._optimizer.state
            self._groups = [_prepared(self._optimizer, group) for group in self._optimizer.param_groups]
            self._direct = all(map(_is_uniform, self._groups))
            gradients = [_gradients(group) for group in self._groups]
        return [grads for grads in gradients if grads is not None] if self._direct else None


def _call(group: _Group, gradients: list[Tensor]) -> None:
    settings = group.settings
    beta1, beta2 = settings["betas"]
    torch._foreach_add_(group.steps, 1)
    kernel: Any = torch._fused_adamw_ if settings.get("decoupled_weight_decay") else torch._fused_adam_
    kernel(
        *(group.moving, gradients, group.averages, group.squares, [], group.steps),
        amsgrad=False,
        lr=settings["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=settings["weight_decay"],
        eps=settings["eps"],
        maximize=settings["maximize"],
    )


def _is_usual(group: Mapping[str, Any]) -> bool:
    """Return whether a group is updated by the fused kernel, and asks for nothing that it is not called with here."""
    return bool(group.get("fused")) and not any(map(group.get, ("amsgrad", "differentiable", "capturable")))


def _is_hooked(optimizer: Optimizer) -> bool:
    """Return whether somebody wants to know of each `step`."""
    everywhere = optimizers._global_optimizer_pre_hooks or optimizers._global_optimizer_post_hooks  # noqa: SLF001
    inside = vars(optimizer)
    return bool(everywhere) or any(inside.get(name) for name in HOOKS)


def _complete_momentum(optimizer: Optimizer) -> None:
    """Give parameters whose gradients came late the momentum of those that never moved, zero.

    The fused kernel of SGD wants all of a group or none; a first step from zero is the one that it makes by itself.
    """
    for group in optimizer.param_groups if type(optimizer) is SGD else ():
        if group["fused"] and group["momentum"] and not group["dampening"]:
            moving = [parameter for parameter in group["params"] if parameter.grad is not None]
            late = [parameter for parameter in moving if optimizer.state[parameter].get("momentum_buffer") is None]
            for parameter in late if len(late) < len(moving) else ():
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


def _prepared(optimizer: Optimizer, group: Mapping[str, Any]) -> _Group:
    """Return the tensors of a group, once what is missing of the optimizer's state is made."""
    moving, gradients, averages, squares, maxima, steps = ([] for _ in range(6))  # type: ignore[var-annotated]
    optimizer._init_group(group, moving, gradients, averages, squares, maxima, steps)  # type: ignore[attr-defined]  # noqa: SLF001
    idle = [parameter for parameter in group["params"] if parameter.grad is None]
    return _Group(group, moving, idle, averages, squares, steps)


def _is_uniform(group: _Group) -> bool:
    """Return whether the tensors of a group are real, dense, on the CPU and of one dtype."""
    dtypes = {parameter.dtype for parameter in group.moving}
    return len(dtypes) <= 1 and all(
        parameter.device.type == "cpu" and not parameter.is_complex() and not parameter.is_sparse
        for parameter in group.moving
    )


def _gradients(group: _Group) -> list[Tensor] | None:
    """Return the gradients of the moving parameters; None if other parameters have gradients than before."""
    gradients = [parameter.grad for parameter in group.moving]
    changed = any(gradient is None for gradient in gradients) or any(one.grad is not None for one in group.idle)
    return None if changed else gradients  # type: ignore[return-value]
