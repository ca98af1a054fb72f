"""Whether optimizers leave parameters without a gradient as they are, as all that freezing does relies on."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.surgery.trial import Trial, TrialFailedError

__all__ = ["check_still"]


def check_still(optimizers: Sequence[Optimizer]) -> None:
    """Check that no frozen parameter in `optimizers` would be changed by a step. It is tried on a fresh optimizer.

    Raises:
        SurgeryError: one would, as by weight decay that asks for no gradient.
    """
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            frozen = next((p for p in group["params"] if not p.requires_grad), None)
            if frozen is not None and _moves(optimizer, group, frozen):
                raise SurgeryError(
                    f"expected an optimizer that leaves parameters without a gradient as they are, found "
                    f"{type(optimizer).__name__}, whose step changes them, so nothing stays frozen; let its step pass "
                    "over parameters whose grad is None, use SGD or AdamW, or a policy that freezes nothing"
                )


def _moves(optimizer: Optimizer, group: dict[str, Any], frozen: nn.Parameter) -> bool:
    small = frozen.new_ones([min(size, 2) for size in frozen.shape])
    try:
        trial = Trial(optimizer, (group, [small, small]), decays=True)
        trial.step(1.0)
        still = trial.parameters[0]
        before = still.detach().clone()
        trial.step(1.0, without=still)
    except TrialFailedError:
        return False  # how it is called is known to the caller alone
    return not torch.equal(before, still)
