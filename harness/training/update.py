"""An optimizer's step without what its Python part looks up anew at every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim import optimizer as optimizers

__all__ = ["KernelCall", "KernelGroup", "Update", "call_kernel"]

HOOKS = ("step", "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")  # the first is what schedulers wrap


class KernelCall(NamedTuple):
    """The settings of one call of the kernel."""

    lr: float
    betas: tuple[float, float]
    weight_decay: float
    eps: float
    maximize: bool
    decoupled: bool


@dataclass(frozen=True)
class KernelGroup:
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

    @property
    def call(self) -> KernelCall:
        """The settings with which the group is updated now."""
        values, decoupled = self.settings, bool(self.settings.get("decoupled_weight_decay"))
        return KernelCall(
            values["lr"], values["betas"], values["weight_decay"], values["eps"], values["maximize"], decoupled
        )


class Update:
    """Calls `optimizer.step()`, or the kernel that it would call, with the same result to the bit.

    The kernel is called for Adam and AdamW where `step` would call it with all tensors of a group at once: fused, on
    one device, in one dtype, without hooks. In a small network, the rest of `step` costs as much as the backward pass.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._direct = type(optimizer) in (Adam, AdamW) and all(map(_is_usual, optimizer.param_groups))
        self._state: object = None
        self._groups: list[KernelGroup] = []

    def __call__(self) -> None:
        """Update the parameters that have gradients."""
        calls = self.kernel_calls()
        if calls is None:
            _complete_momentum(self._optimizer)
            self._optimizer.step()
            return
        for group, gradients in calls:
            torch._foreach_add_(group.steps, 1)
            call_kernel(group.call, group.moving, gradients, group.averages, group.squares, group.steps)

    def unless(self, skipped: Tensor) -> bool:
        """Update the parameters if `skipped`, a scalar on their device, is 0, and not if it is 1; nobody reads it.

        Returns:
            False if the optimizer cannot do that; then nothing was done.
        """
        calls = self.kernel_calls()
        for group, gradients in calls or ():
            # As torch's own fused optimizers do for a loss scaler.
            torch._foreach_add_(group.steps, 1)
            call_kernel(group.call, group.moving, gradients, group.averages, group.squares, group.steps, skipped)
            torch._foreach_sub_(group.steps, [skipped] * len(group.steps))
        return calls is not None

    def kernel_calls(self) -> list[tuple[KernelGroup, list[Tensor]]] | None:
        """Return the groups to be updated, with their gradients; None if the kernel cannot be called."""
        if not self.is_direct:
            return None
        gradients = [_gradients(group) for group in self._groups]
        if self._optimizer.state is not self._state or len(gradients) < len(self._optimizer.param_groups):
            gradients = [None]  # the first step, a loaded state, or a group that was added
        if None in gradients:
            self._state = self._optimizer.state
            self._groups = [_prepared(self._optimizer, group) for group in self._optimizer.param_groups]
            self._direct = all(map(_is_uniform, self._groups))
            gradients = [_gradients(group) for group in self._groups]
        if not self._direct:
            return None
        return [(group, grads) for group, grads in zip(self._groups, gradients, strict=True) if grads]

    def forget(self) -> None:
        """Look up anew what the optimizer remembers; somebody has changed it."""
        self._state = None

    @property
    def is_direct(self) -> bool:
        """Whether the kernel may be called, as far as the optimizer's settings and hooks go."""
        return self._direct and not _is_hooked(self._optimizer)


def call_kernel(
    call: KernelCall,
    moving: list[Tensor],
    gradients: list[Tensor],
    averages: list[Tensor],
    squares: list[Tensor],
    steps: list[Tensor],
    skipped: Tensor | None = None,
) -> None:
    """Update tensors, whose counts of steps include this one; not if `skipped` is 1."""
    kernel: Any = torch._fused_adamw_ if call.decoupled else torch._fused_adam_
    with torch.no_grad():
        kernel(
            *(moving, gradients, averages, squares, [], steps),
            amsgrad=False,
            lr=call.lr,
            beta1=call.betas[0],
            beta2=call.betas[1],
            weight_decay=call.weight_decay,
            eps=call.eps,
            maximize=call.maximize,
            found_inf=skipped,
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


def _prepared(optimizer: Optimizer, group: Mapping[str, Any]) -> KernelGroup:
    """Return the tensors of a group, once what is missing of the optimizer's state is made."""
    moving, gradients, averages, squares, maxima, steps = ([] for _ in range(6))  # type: ignore[var-annotated]
    optimizer._init_group(group, moving, gradients, averages, squares, maxima, steps)  # type: ignore[attr-defined]  # noqa: SLF001
    idle = [parameter for parameter in group["params"] if parameter.grad is None]
    return KernelGroup(group, moving, idle, averages, squares, steps)


def _is_uniform(group: KernelGroup) -> bool:
    """Return whether the tensors of a group are real, dense, of one dtype and on one device, a CPU or a GPU."""
    kinds = {(parameter.dtype, parameter.device) for parameter in group.moving}
    return len(kinds) <= 1 and all(
        parameter.device.type in ("cpu", "cuda") and not parameter.is_complex() and not parameter.is_sparse
        for parameter in group.moving
    )


def _gradients(group: KernelGroup) -> list[Tensor] | None:
    """Return the gradients of the moving parameters; None if other parameters have gradients than before."""
    gradients = [parameter.grad for parameter in group.moving]
    changed = any(gradient is None for gradient in gradients) or any(one.grad is not None for one in group.idle)
    return None if changed else gradients  # type: ignore[return-value]
