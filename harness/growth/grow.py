"""One growth, from a whole training state to a whole training state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from harness.core.seeding import generator
from harness.growth.check_arguments import check_arguments
from harness.growth.check_growable import check_growable
from harness.growth.declared_sizes import declared_sizes, follow_columns
from harness.growth.distributed import check_whole, on_every_process
from harness.growth.example import Example
from harness.growth.freeze import check_added, check_by_hand, factors_by_parameter, freeze, sizes_of
from harness.growth.freezing import AbstractFreezePolicy, NoFreezing
from harness.growth.frozen_modes import let_go, stay_in_eval_mode
from harness.growth.growth_state import GrowthState, growth_state, keep_growth_state, unwrapped
from harness.growth.identities import Identities
from harness.growth.inheritance import inherit
from harness.growth.lineage import Change, GrowthEvent, operate_on
from harness.growth.operations import AbstractOperation
from harness.growth.plain_forward import plain_forward
from harness.growth.probe import Probe
from harness.growth.probe_call import in_words_of_probe
from harness.growth.recipe import Reshaping
from harness.growth.record import Growth
from harness.growth.rollback import all_or_nothing
from harness.growth.stale_attributes import check_attributes
from harness.growth.surgery import (
    AddedGroup,
    ParameterNames,
    Schedules,
    bare,
    check_coverage,
    check_settings,
    check_still,
    follow_factors,
    named_home,
    operate,
)

__all__ = ["Grown", "grow", "grow_network"]


@dataclass(frozen=True)
class Grown:
    """What a growth did.

    Attributes:
        identities: the ids of all tensors that the network has now.
        frozen: the ids of those that are frozen from now on.
        groups: the groups that optimizers got.
        refreeze_at: the steps at which the freeze policy changes its answer, none for most policies. Such a policy, as
            `WarmUpThenThaw`, thaws nothing by itself: call `refreeze(model, optimizer, step=step)` before each step.
    """

    growth: Growth
    identities: Identities
    frozen: frozenset[str]
    groups: tuple[AddedGroup, ...] = ()
    refreeze_at: tuple[int, ...] = ()


def grow(
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    operation: AbstractOperation,
    *,
    freeze_policy: AbstractFreezePolicy | None = None,
    probe: Probe | None = None,
    average: AveragedModel | None = None,
    keep_teacher: bool = False,
    lr_factor: float = 1.0,
    group: Mapping[str, Any] | None = None,
    like: int | str | None = None,
    scheduler: LRScheduler | Sequence[LRScheduler] | None = None,
    seed: int = 0,
    number: int | None = None,
    step: int = 0,
) -> Grown:
    """Apply `operation` to `model` and let optimizer, average, ids and freezing follow: all of it, or nothing.

    Call it between two steps, outside autocast and inference mode. A `GradScaler` needs no change, and a compiled model
    is compiled again at its next call. Gradients that are being accumulated stay, and those of new entries begin with
    zeros. New values come from the stream (seed, "growth", number), so they do not depend on anything drawn before.

    The model remembers its growths (`growth_state`): the next one draws other values, thaws what this one's policy
    froze, and freezes by its own. What was frozen by hand in between is not trained by any policy.

    Lists of parameters that your own code made before hold tensors that the network no longer has, so make them anew:
    `clip_grad_norm_(model.parameters(), 1.0)` at each step, not of a list. Those in attributes of modules are seen, and
    refused.

    Args:
        model: any module, compiled or not. One in `DistributedDataParallel` grows on every process alike; the wrapper
            stays the same object, and afterwards all processes have the first one's values.
        optimizer: holds the trainable parameters; several, if each holds a part of them. New rows go to the one that
            holds the rows they lie beside, other new parameters to the largest group of one that can update them.
        operation: what changes.
        freeze_policy: what stays fixed from now on; nothing by default. One that changes with time, such as
            `WarmUpThenThaw`, needs `refreeze` before each later step, or what it freezes stays frozen.
        probe: examples, for operations that must know what a layer computes.
        average: an average of the model's weights, which grows with it and takes over its new values.
        keep_teacher: whether the network before the growth is kept as `model.teacher`.
        lr_factor: the new parameters' learning rate, in units of that of the group whose settings they take.
        group: other hyperparameters of the new parameters' group, such as `weight_decay`, by names that the optimizer
            knows.
        like: the group whose settings new parameters take: its number, or the path of a module or parameter in it. By
            default new rows take those of the layer that they extend or replace, others those of the largest group.
        scheduler: torch's learning-rate schedulers that are to go on with the new groups, which keep their factor.
        seed: of the new values.
        number: of the growth, above those of earlier ones; by default 1 for the first growth of a network, then 2, ...
        step: optimizer updates so far, the birth of the new group.

    Raises:
        InputError: the operation cannot be done on this network, or the policy would freeze what cannot be frozen.
        SurgeryError: the optimizer cannot follow, or a trainable parameter would be in no group, or in two.
    """
    check_arguments(
        optimizer,
        step,
        model=model,
        operation=operation,
        freeze_policy=freeze_policy,
        probe=probe,
        average=average,
    )
    optimizers = bare(optimizer)
    check_settings(optimizers, lr_factor, group)
    check_whole(model, optimizers)
    check_growable(model)
    _forget_graphs(model)
    given, model = model, unwrapped(model)
    before = growth_state(model)
    number = before.next_number(number)
    state = before.updated(model)
    policy, declared = freeze_policy or NoFreezing(), declared_sizes(model)
    schedules = Schedules(optimizer if isinstance(optimizer, Sequence) else (optimizer,), scheduler)
    whole = model if average is None else nn.ModuleList([model, average.module])
    explained, undone = in_words_of_probe(model, probe), all_or_nothing(whole, optimizers)
    with explained, undone, on_every_process(given, average) as done, plain_forward(model):
        let_go(model)
        follow_factors(optimizers, {})
        grown = grow_network(
            model,
            optimizers,
            operation,
            freeze_policy=policy,
            identities=state.identities,
            probe=probe,
            keep_teacher=keep_teacher,
            lr_factor=lr_factor,
            group=group,
            like=like,
            seed=seed,
            number=number,
            step=step,
        )
        factors = factors_by_parameter(model, grown.identities, policy, growth=number)
        groups = [*grown.groups, *follow_factors(optimizers, factors)]
        schedules.check(groups)
        if grown.frozen:
            check_still(optimizers)
        check_by_hand(model, grown.identities, grown.frozen & state.thawed, policy)
        stay_in_eval_mode(model, grown.identities, grown.frozen, frozen_norm=policy.frozen_norm)
        change = Change(operation=operation, freeze=policy, keep_teacher=keep_teacher).done(grown.growth)
        done.append(repr(change))
        lineage = (*state.lineage, GrowthEvent(step=step, change=change))
        recipe = (*state.recipe, Reshaping(change.operation, keep_teacher, Example.of(probe)))
        left = GrowthState(grown.identities, number, lineage, grown.frozen, recipe=recipe)
        keep_growth_state(model, left.now())
        if average is not None:
            let_go(average.module)
            known = growth_state(average.module).updated(average.module).identities
            # With a teacher as well: torch's averages take tensors from the model one by one, in order.
            again = generator(seed, "growth", number)
            operate_on(average.module, change.operation, keep_teacher=keep_teacher, probe=probe, generator=again)
            known.register(average.module, birth=number)
            keep_growth_state(average.module, replace(left, identities=known, frozen=frozenset()).now())
            follow_columns(average.module, grown.growth.columns, declared)
        follow_columns(model, grown.growth.columns, declared)
    schedules.extend(groups)
    return grown


def grow_network(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    operation: AbstractOperation,
    *,
    freeze_policy: AbstractFreezePolicy,
    identities: Identities,
    probe: Probe | None,
    keep_teacher: bool = False,
    lr_factor: float = 1.0,
    group: Mapping[str, Any] | None = None,
    like: int | str | None = None,
    seed: int,
    number: int,
    step: int,
) -> Grown:
    """Grow a network whose `identities` the caller keeps; otherwise as `grow`. What raises is not undone.

    What the network remembers of its growths is neither read nor written.
    """
    identities, home = identities.copy(), named_home(model, optimizers, like)
    names = ParameterNames(model, optimizers)
    for name, parameter in identities.parameters().items():
        # What an earlier policy froze is thawed, or parameters that join a frozen layer would be born frozen.
        parameter.requires_grad_(identities[name].trainable)
    sizes = sizes_of(identities)
    stream = generator(seed, "growth", number)
    growth = operate_on(model, operation, keep_teacher=keep_teacher, probe=probe, generator=stream)
    check_attributes(model, growth.gone)
    for item in growth.carried:
        inherit(item)
    groups = operate(optimizers, growth, step=step, lr_factor=lr_factor, group=group, like=home)
    names.update(growth)
    identities.register(model, birth=number)
    frozen = freeze(model, identities, freeze_policy, growth=number)
    check_added(model, identities, frozen, sizes, freeze_policy)
    check_coverage(model, optimizers)
    refreeze_at = tuple(step + age for age in freeze_policy.changes())
    return Grown(growth, identities, frozen, tuple(groups), refreeze_at)


def _forget_graphs(model: nn.Module) -> None:
    parts = (model, getattr(model, "module", None))
    if any(hasattr(part, "_orig_mod") or getattr(part, "_compiled_call_impl", None) for part in parts):
        torch.compiler.reset()  # or old graphs would count towards the limit after which nothing is compiled
