"""Different learning rates for parameters of one group."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from harness.growth.surgery.groups import HELD

__all__ = ["scale_rates"]


def scale_rates(optimizer: Optimizer, factors: Mapping[nn.Parameter, float]) -> None:
    """Let each parameter learn at its group's rate times its factor, which is 1 if it is not named.

    A group whose parameters have different factors is divided. The factor becomes the group's `lr_scale`.
    """
    for group in list(optimizer.param_groups):
        indices: dict[float, list[int]] = {}
        for index, parameter in enumerate(group["params"]):
            indices.setdefault(factors.get(parameter, 1.0), []).append(index)
        held = {key: group[key] for key in HELD if key in group}
        settings = {key: value for key, value in group.items() if key not in HELD}
        for number, (factor, own) in enumerate(indices.items()):
            lists = {key: [values[index] for index in own] for key, values in held.items()}
            part: dict[str, Any] = {**settings, **lists, "lr_scale": factor}
            if number == 0:
                group.update(part)
            else:
                optimizer.param_groups.append(part)
