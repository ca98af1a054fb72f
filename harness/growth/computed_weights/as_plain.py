"""An operation sees plain weights where a network computes them; the tensors that they come from grow with them."""

from collections.abc import Callable

from torch import nn

from harness.growth.computed_weights._base import AbstractComputedWeight
from harness.growth.computed_weights.low_rank import LowRankAdapted
from harness.growth.computed_weights.spectral_norm import NormedBySpectrum
from harness.growth.computed_weights.weight_norm import NormedByLength
from harness.growth.record import Carried, Growth
from harness.growth.rollback import all_or_nothing

__all__ = ["grown_as_plain"]

KINDS = (LowRankAdapted, NormedByLength, NormedBySpectrum)


def grown_as_plain(model: nn.Module, operate: Callable[[], Growth]) -> Growth:
    """Return the record of `operate`, which changes `model` while its computed weights are plain parameters.

    Afterwards they are computed again: from bigger tensors if they grew, from the same ones if not. That holds for
    weight norm and spectral norm of torch, as parametrizations and as hooks, and for
    low-rank adapters of PEFT.

    Raises:
        ModulePathError: a weight grew that cannot be computed so. Whatever is raised, `model` is as it was.
    """
    weights = [weight for path, module in model.named_modules() if (weight := _found(model, path, module))]
    if not weights:
        return operate()
    before = list(model.parameters())
    origins = {id(weight.plain): weight.origin() for weight in weights}
    with all_or_nothing(model):
        growth = _grown(weights, operate)
        carried = [item for item in growth.carried if id(item.old) not in origins]
        for weight in weights:
            carried += _followed(weight, growth)
    extends = {new: origins.get(id(old), old) for new, old in growth.extends.items()}
    return Growth.between(
        before,
        model,
        carried=tuple(carried),
        outputs=growth.outputs,
        columns=growth.columns,
        copied=growth.copied,
        extends=extends,
        chosen=growth.chosen,
    )


def _grown(weights: list[AbstractComputedWeight], operate: Callable[[], Growth]) -> Growth:
    opened: list[AbstractComputedWeight] = []
    try:
        for weight in weights:
            weight.open()
            opened.append(weight)
        growth = operate()
        for weight in opened:
            weight.check()
        return growth
    finally:
        for weight in reversed(opened):
            weight.close()


def _followed(weight: AbstractComputedWeight, growth: Growth) -> tuple[Carried, ...]:
    return tuple(new for item in growth.carried if item.old is weight.plain for new in weight.follow(item))


def _found(model: nn.Module, path: str, module: nn.Module) -> AbstractComputedWeight | None:
    return next((weight for kind in KINDS if (weight := kind.found(model, path, module))), None)
