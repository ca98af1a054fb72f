"""Plain layers in place of widened ones: for export, and for libraries that know the network's plain form."""

from collections.abc import Sequence
from dataclasses import replace

from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.distributed import check_whole, on_every_process
from harness.growth.frozen_modes import let_go
from harness.growth.growth_state import growth_state, keep_growth_state, unwrapped
from harness.growth.merged import merge
from harness.growth.plain_layers import Joined, make_plain
from harness.growth.recipe import Reshaping
from harness.growth.rollback import all_or_nothing
from harness.growth.surgery import bare, check_coverage

__all__ = ["consolidate"]


def consolidate(model: nn.Module, optimizer: Optimizer | Sequence[Optimizer] | None = None) -> tuple[str, ...]:
    """Make every widened layer of `model` one plain layer under its old name; outputs stay the same but for rounding.

    The state dict then fits the plain network of that size. The layer that was first widened holds all rows: it is the
    same object with the same hooks. In `optimizer` its parameters stay in their group, and moments are carried. Rows
    that had a group of their own, with another learning rate, learn from then on like the first ones. Heads and
    inserted layers stay what they are.

    Args:
        model: any module that has grown; one that has not stays as it is.
        optimizer: what trains it, one or several. Without, the network is meant for export: do not train on.

    Returns:
        The names of the layers, as in `named_modules`.

    Raises:
        ModulePathError: another layer uses a tensor of the widened one, or the network is itself a widened layer.
        SurgeryError: some rows are frozen and others are not, or moments cannot be merged; nothing was changed.
    """
    optimizers = bare(optimizer or ())
    network = unwrapped(model)
    check_whole(model, optimizers)
    with all_or_nothing(network, optimizers), on_every_process(model):
        names, joined = make_plain(network)
        for item in joined if optimizers else ():
            _check_alike(item)
            for each in optimizers:
                merge(each, item.old, item.new, item.name)
        if names:
            _remember(network)
        if optimizers:
            check_coverage(network, optimizers)
        else:
            let_go(network)  # or TorchScript would have to compile hooks
    return names


def _check_alike(item: Joined) -> None:
    if len({parameter.requires_grad for parameter in item.old}) > 1:
        raise SurgeryError(
            f"expected all rows of {item.name!r} frozen or none, found some that are; a plain layer cannot tell them "
            "apart: thaw them first, or consolidate for export: consolidate(model)"
        )


def _remember(model: nn.Module) -> None:
    state = growth_state(model).updated(model)
    frozen = frozenset(
        name for name in state.frozen & state.identities.keys() if not state.identities[name].tensor.requires_grad
    )
    keep_growth_state(model, replace(state, frozen=frozen, recipe=(*state.recipe, Reshaping(None))).now())
