"""What one step does to each optimizer group: it shows how new and old parts learn after a growth."""

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

__all__ = ["GroupWatch"]


class GroupWatch:
    """Measures one step of `optimizer`; create it after the backward pass and before the step."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._groups = []
        for index, group in enumerate(optimizer.param_groups):
            moving = [parameter for parameter in group["params"] if parameter.grad is not None]
            if moving:
                norm = get_total_norm([parameter.grad for parameter in moving])
                before = [parameter.detach().clone() for parameter in moving]
                self._groups.append((index, group["lr"], norm, moving, before))

    def measured(self) -> dict[str, Tensor]:
        """Return `grad_norm/group_<n>` and `update_over_lr/group_<n>`; call it after the step."""
        metrics = {}
        for index, lr, norm, moving, before in self._groups:
            moved = [(now.detach() - then).abs().flatten() for now, then in zip(moving, before, strict=True)]
            metrics[f"grad_norm/group_{index}"] = norm
            metrics[f"update_over_lr/group_{index}"] = torch.cat(moved).mean() / lr
        return metrics
