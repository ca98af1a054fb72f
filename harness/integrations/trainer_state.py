"""What a trainer's own checkpoint lacks of a network that has grown: its shape, and the groups of what trains it.

A trainer stores state dicts, and loads them into a network, optimizers and schedulers that it builds as for a first
step. Before it does, those get the shape that the saved ones had.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SnapshotError
from harness.growth.growth_state import own_state, unwrapped
from harness.growth.optimizer_state import group_names, regroup, repeat_functions, scheduler_functions
from harness.growth.probe import Probe
from harness.growth.restored import growth_tree, restore_growth

__all__ = ["restore_groups", "restore_network", "trainer_state"]


def trainer_state(
    model: nn.Module, optimizers: Sequence[Optimizer], schedulers: Sequence[Any], rules: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return, as JSON and tensors, what `restore_network` and `restore_groups` need; `rules` is kept with it."""
    network, tensors = unwrapped(model), dict[str, Tensor]()
    content = {
        "growth": growth_tree(network, tensors),
        "groups": [group_names(network, optimizer) for optimizer in optimizers],
        "functions": [scheduler_functions(scheduler) for scheduler in schedulers],
        "rules": rules,
    }
    return content, tensors


def restore_network(
    model: nn.Module, content: Mapping[str, Any], tensors: Mapping[str, Tensor], *, probe: Probe | None = None
) -> None:
    """Give a fresh `model` the shape of the saved one; one that has it already stays as it is.

    Raises:
        SnapshotError: it has grown otherwise.
    """
    own, number = own_state(unwrapped(model)), content["growth"]["number"]
    if own is None:
        restore_growth(model, content["growth"], tensors, probe=probe)
    elif [event.to_json() for event in own.lineage] != content["growth"]["lineage"]:
        raise SnapshotError(
            f"expected a fresh network or the checkpoint's own, whose last growth is {number}, found one with other "
            f"growths, whose last is {own.number}; build it anew"
        )


def restore_groups(
    model: nn.Module, optimizers: Sequence[Optimizer], schedulers: Sequence[Any], content: Mapping[str, Any]
) -> None:
    """Give fresh optimizers of the restored network the groups of the saved ones, and schedulers their functions.

    Raises:
        SnapshotError: there are more or fewer of them.
    """
    for what, given, saved in (
        ("optimizers", optimizers, content["groups"]),
        ("schedulers", schedulers, content["functions"]),
    ):
        if len(given) != len(saved):
            raise SnapshotError(f"expected {len(saved)} {what}, as in the checkpoint, found {len(given)}")
    for optimizer, names in zip(optimizers, content["groups"], strict=True):
        regroup(unwrapped(model), optimizer, names)
    for scheduler, functions in zip(schedulers, content["functions"], strict=True):
        repeat_functions(scheduler, functions)
