"""Every trainable parameter is in one optimizer group."""

from collections import Counter
from collections.abc import Sequence

from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.surgery.wrapped import bare

__all__ = ["check_coverage"]


def check_coverage(model: nn.Module, optimizers: Optimizer | Sequence[Optimizer]) -> None:
    """Check by identity that every trainable parameter is in one group, and that no frozen one has a gradient.

    Raises:
        SurgeryError: a parameter is in no group or in two, a group holds one that is not the model's, or a frozen
            parameter has a gradient; the message names it.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = [group for optimizer in bare(optimizers) for group in optimizer.param_groups]
    held = [parameter for group in groups for parameter in group["params"]]
    times = Counter(map(id, held))
    for parameter in model.parameters():
        name, count = names[id(parameter)], times[id(parameter)]
        if parameter.requires_grad and count != 1:
            advice = "leave it in one" if count else "add it to one, or freeze it by hand: requires_grad_(False)"
            raise SurgeryError(f"expected {name!r} in one optimizer group, found it in {count}; {advice}")
        if not parameter.requires_grad and parameter.grad is not None:
            raise SurgeryError(f"expected no gradient on the frozen {name!r}, found one")
    orphans = [tuple(parameter.shape) for parameter in held if id(parameter) not in names]
    if orphans:
        raise SurgeryError(f"expected only the model's parameters in the optimizer, found others of shape {orphans}")
