"""Policies that change with time, in anyone's loop."""

from collections.abc import Sequence
from dataclasses import replace

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from harness.core.errors import SpecError
from harness.growth.check_arguments import check_trained
from harness.growth.distributed import on_every_process
from harness.growth.freeze import factors_by_parameter, freeze
from harness.growth.frozen_modes import let_go, stay_in_eval_mode
from harness.growth.growth_state import keep_growth_state, own_state, unwrapped
from harness.growth.rollback import all_or_nothing
from harness.growth.surgery import Schedules, bare, check_coverage, check_still, follow_factors

__all__ = ["refreeze"]


def refreeze(
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    step: int,
    scheduler: LRScheduler | Sequence[LRScheduler] | None = None,
) -> frozenset[str]:
    """Freeze what the last growth's policy freezes after `step` optimizer updates, and thaw the rest.

    `WarmUpThenThaw` and `GradualThaw` need it: call it before each step. It does nothing unless the policy changes its
    answer. What was frozen or thawed by hand since the growth stays as it is.

    Args:
        model: has grown, or has not yet.
        optimizer: holds all that is trained, or several that do, as in `grow`.
        step: counted as the `step` of `grow` was.
        scheduler: as in `grow`, for policies that give layers rates of their own.

    Returns:
        The ids of what is frozen now.

    Raises:
        SpecError: `step` lies before the last growth.
        SurgeryError: the optimizer does not hold what has thawed; nothing was changed.
    """
    check_trained(model, optimizer)
    given, model = model, unwrapped(model)
    known = own_state(model)
    if known is None:
        return frozenset()
    age = step - known.lineage[-1].step
    if age < 0:
        raise SpecError(f"expected a step from {known.lineage[-1].step}, that of the last growth, found {step}")
    if not any(min(known.age, age) < change <= max(known.age, age) for change in known.policy.changes()):
        return known.frozen
    state, optimizers = known.updated(model), bare(optimizer)
    schedules = Schedules(optimizers, scheduler)
    with all_or_nothing(model, optimizers), on_every_process(given):
        let_go(model)
        frozen = freeze(model, state.identities, state.policy, growth=state.number, age=age, spared=state.thawed)
        check_coverage(model, optimizers)
        factors = factors_by_parameter(model, state.identities, state.policy, growth=state.number, age=age)
        groups = follow_factors(optimizers, factors)
        schedules.check(groups)
        if frozen:
            check_still(optimizers)
        stay_in_eval_mode(model, state.identities, frozen, frozen_norm=state.policy.frozen_norm)
        keep_growth_state(model, replace(state, frozen=frozen, age=age).now())
    schedules.extend(groups)
    return frozen
