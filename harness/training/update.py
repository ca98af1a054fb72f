"""An optimizer's step without what its Python part looks up anew at every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, AdamW, Optimizer

__all__ = ["Update"]

KERNELS = {Adam: torch._fused_adam_, AdamW: torch._fused_adamw_}


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
        self._kernel: Any = KERNELS.get(type(optimizer)) if _is_plain(optimizer) else None
        self._groups: list[_Group] = []

    def __call__(self) -> None:
        """Update the parameters that have gradients."""
        gradients = self._gradients()
        if gradients is None:
            self._optimizer.step()
            return
        with torch.no_grad():
            for group, grads in zip(self._groups, gradients, strict=True):
                if grads:
                    self._call(group, grads)

    def _gradients(self) -> list[list[Tensor]] | None:
        """Return the gradients by group; None if the kernel cannot be called."""
        if self._kernel is None:
            return None
        gradients = [_gradients(group) for group in self._groups]
        if not gradients or None in gradients:  # the first step, or others have gradients than before
            self._groups = [_prepared(self._optimizer, group) for group in self._optimizer.param_groups]
            if not all(map(_is_uniform, self._groups)):
                self._kernel = None
                return None
            gradients = [_gradients(group) for group in self._groups]
        return [grads for grads in gradients if grads is not None]

    def _call(self, group: _Group, gradients: list[Tensor]) -> None:
        settings = group.settings
        beta1, beta2 = settings["betas"]
        torch._foreach_add_(group.steps, 1)
        self._kernel(
            *(group.moving, gradients, group.averages, group.squares, [], group.steps),
            amsgrad=False,
            lr=settings["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=settings["weight_decay"],
            eps=settings["eps"],
            maximize=settings["maximize"],
        )


def _is_plain(optimizer: Optimizer) -> bool:
    """Return whether `step` is the class's own, without hooks, and its groups ask for nothing unusual."""
    inside = vars(optimizer)
    hooked = any(inside.get(name) for name in ("step", "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks"))
    return not hooked and all(
        group.get("fused") and not (group.get("amsgrad") or group.get("differentiable") or group.get("capturable"))
        for group in optimizer.param_groups
    )


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
