"""Learning rates of single layers in anyone's loop, where the rate of a group is its `lr`.

In our own loop the factors are read at each step (`rates`). Elsewhere a schedule or the user sets `lr` group by group,
so parameters with a factor get a group of their own, whose rates are multiplied once; schedulers are told of it as of
any new group. The group that they come from stays where it is, perhaps without parameters, until they come back.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from harness.growth.surgery.groups import HELD, RATES, AddedGroup, Home
from harness.growth.surgery.trial import copied

__all__ = ["follow_factors"]

FACTOR, ORIGIN = "lr_factor", "lr_factor_of"


def follow_factors(optimizers: Sequence[Optimizer], factors: Mapping[nn.Parameter, float]) -> list[AddedGroup]:
    """Let each parameter learn at the rate that it would have without factors, times its own; 1 if it is not named.

    Returns:
        The groups that were added.
    """
    added = []
    for optimizer in optimizers:
        for number, group in enumerate(list(optimizer.param_groups)):
            wanted = dict.fromkeys(factors.get(parameter, 1.0) for parameter in group["params"])
            for factor in wanted.keys() - {group.get(FACTOR, 1.0)}:
                origin = group.get(ORIGIN, number)
                target = _group(optimizer, origin, factor)
                if target is None:
                    added.append(_divided(optimizer, origin, factor))
                    target = added[-1].group
                _move(group, target, {id(p) for p in group["params"] if factors.get(p, 1.0) == factor})
    return added


def _group(optimizer: Optimizer, origin: int, factor: float) -> dict[str, Any] | None:
    """Return the group for parameters of the group number `origin` with `factor`, if there is one."""
    groups = optimizer.param_groups
    scaled = (group for group in groups if group.get(ORIGIN) == origin and group[FACTOR] == factor)
    return groups[origin] if factor == 1 else next(scaled, None)


def _divided(optimizer: Optimizer, origin: int, factor: float) -> AddedGroup:
    home = Home(optimizer, optimizer.param_groups[origin])
    settings = {key: copied(value) for key, value in home.group.items() if key not in HELD}
    rates = {key: settings[key] * factor for key in RATES if key in settings}
    held: dict[str, list[Any]] = {key: [] for key in HELD if key in home.group}
    # Not by `add_param_group`: what the group has counted is true of those that come from it.
    optimizer.param_groups.append({**settings, **rates, FACTOR: factor, ORIGIN: origin, **held})
    return AddedGroup(home, optimizer.param_groups[-1], factor, rate_is_given=False)


def _move(group: dict[str, Any], target: dict[str, Any], moving: set[int]) -> None:
    stays = [id(parameter) not in moving for parameter in group["params"]]
    for key in (key for key in HELD if key in group):
        target[key] = [*target[key], *_selected(group[key], stays, False)]
        group[key] = [*_selected(group[key], stays, True)]


def _selected(values: list[Any], stays: list[bool], kept: bool) -> Iterator[Any]:
    return (value for value, stay in zip(values, stays, strict=True) if stay == kept)
