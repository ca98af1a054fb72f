"""Pruning a space: choosing the units that leave, taking them out, and proving what the network computes then."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.probe import Probe
from harness.growth.record import Carried
from harness.growth.rollback import all_or_nothing
from harness.growth.scores import Seen
from harness.growth.spaces.growing import check_space
from harness.growth.spaces.matrices import TRANSPOSED, inputs_dim, kind_of
from harness.growth.spaces.proof import function_kept
from harness.growth.spaces.read_units import filled, readings
from harness.growth.spaces.replaced import wide
from harness.growth.spaces.shrinking import shrink_space
from harness.growth.spaces.slots import entries
from harness.growth.spaces.space import Space
from harness.growth.spaces.unit_norms import takes_mean
from harness.growth.spaces.wanted import Found, Wanted, wanted_space
from harness.models.rows import successor

__all__ = ["prune_space"]

Choose = Callable[[Seen, int], Tensor]


def prune_space(
    model: nn.Module, probe: Probe, wanted: Wanted, choose: Choose, *, means: bool
) -> tuple[tuple[Carried, ...], tuple[int, ...]]:
    """Prune, or leave everything as it was.

    Args:
        model: the network.
        probe: a batch, and perhaps the loss.
        wanted: the units, and how many of them leave.
        choose: called with what is seen of the units of the space, returns those that leave.
        means: whether readers go on with the mean of what they read of each unit, rather than with zeros.

    Returns:
        The record for the optimizer; and which units left, as the caller counts them.

    Raises:
        ModulePathError: something cannot shrink, or the network would compute something else.
        SpecError: the number of units does not fit, or the probe lacks what the choice is made by.
    """
    found = wanted_space(model, probe.inputs, wanted)
    space = check_space(model, found.space)
    if found.count >= space.units:
        have, leave = space.units * found.size, found.count * found.size
        raise SpecError(f"expected units that stay at {wanted.path!r}, found {have} units of which {leave} leave")
    leaving = choose(_seen(model, space, probe), found.count)
    averages = _averages(model, space, probe, leaving) if means else {}
    before = {path: model.get_submodule(path) for path in averages}
    shifts = {path: _shift(module, space, path, leaving, averages[path]) for path, module in before.items()}
    what = f"{found.count * found.size} units of {wanted.path!r} less"
    with all_or_nothing(model):
        with function_kept(model, probe.inputs, what, _advice(model, space), under=filled(model, space, leaving)):
            carried = shrink_space(model, space, leaving)
            found.follow(model, space, -found.count)
        for path, shift in shifts.items():
            carried += _shifted(before[path], shift)
    return carried, _as_wanted(leaving, found)


def _as_wanted(leaving: Tensor, found: Found) -> tuple[int, ...]:
    """Return the units that the caller speaks of."""
    return tuple((leaving[:, None] * found.size + torch.arange(found.size)).flatten().tolist())


def _seen(model: nn.Module, space: Space, probe: Probe) -> Seen:
    def slopes(output: str | None) -> list[tuple[Tensor, Tensor]]:
        return [(each.values, each.slopes) for each in readings(model, space, probe, loss=True, output=output)]

    incoming = []
    for member in space.writers:
        module = model.get_submodule(member.path)
        rows = wide(module.get_parameter("weight")).movedim(kind_of(module).outputs, 0)
        incoming.append(rows[entries(member.slots, space.units)].flatten(1))
    return Seen(tuple(incoming), lambda: [each.values for each in readings(model, space, probe)], slopes)


def _averages(model: nn.Module, space: Space, probe: Probe, leaving: Tensor) -> dict[str, Tensor]:
    """Return for each reader the mean `[N * K]` of what it reads of the units that leave."""
    averages = {}
    for member in space.readers:
        own = Space(space.units, space.writers, (member,))
        read = [each.values[..., leaving, :].double().flatten(0, -3) for each in readings(model, own, probe)]
        averages[member.path] = torch.cat(read).mean(dim=0).flatten().cpu()
    return averages


def _shift(module: nn.Module, space: Space, path: str, leaving: Tensor, average: Tensor) -> Tensor:
    """Return what a reader's outputs `[out]` lose with the units that leave."""
    if not isinstance(getattr(module, "bias", None), nn.Parameter) or isinstance(module, TRANSPOSED):
        raise ModulePathError(
            f"expected a linear layer or a convolution with a bias, to which the mean of its inputs goes, at {path!r}, "
            f"found {type(module).__name__}; use fill='zero'"
        )
    slots = next(member.slots for member in space.readers if member.path == path)
    weight = wide(module.get_parameter("weight")).movedim(inputs_dim(module), 0)
    columns = weight[entries(slots, space.units)[leaving].flatten()]
    return average @ columns.reshape(*columns.shape[:2], -1).sum(2)


def _shifted(module: nn.Module, shift: Tensor) -> tuple[Carried, ...]:
    old = module.get_parameter("bias")
    new = successor(old, (wide(old) + shift).to(old))
    assert isinstance(new, nn.Parameter)
    module.bias = new
    return (Carried(old, new, (slice(0, len(old)),)),)


def _advice(model: nn.Module, space: Space) -> str:
    """Return why outputs may differ: a norm that takes the mean over units."""
    for member in space.norms:
        module = model.get_submodule(member.path)
        if takes_mean(module):
            return (
                f"; {member.path!r} ({type(module).__name__}) takes a mean over them, which changes when some leave; "
                "prune units that no such norm reads"
            )
    return ""
