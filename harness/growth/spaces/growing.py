"""Bigger tensors for everything in a space."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.record import Carried
from harness.growth.spaces.matrices import inputs_dim, kind_of, matrix_kind
from harness.growth.spaces.replaced import Replaced, wide
from harness.growth.spaces.slots import UnitSlot, entries
from harness.growth.spaces.space import LooseParameter, Member, Space
from harness.growth.spaces.unit_norms import group_size, norm_sizes, passing_values, unit_tensors
from harness.growth.units import AbstractUnits, NewUnits, Surroundings

__all__ = ["check_space", "grow_space"]

Slots = tuple[UnitSlot, ...]
Originals = tuple[int, ...] | None
Gradients = Callable[[str | None], tuple[Tensor, ...]]


def check_space(model: nn.Module, space: Space) -> Space:
    """Return `space` with the inputs of each reader known.

    Raises:
        ModulePathError: a tensor in it is no plain tensor of one module alone, or has no number for each unit.
    """
    for member in (*space.writers, *space.readers, *space.norms, *space.grouped):
        _check_plain(model, member.path)
    readers = tuple(_with_slots(model, member, space.units) for member in space.readers)
    return replace(space, readers=readers)


def grow_space(
    model: nn.Module,
    space: Space,
    method: AbstractUnits,
    generator: torch.Generator,
    replaced: Replaced,
    gradients: Gradients,
) -> tuple[Carried, ...]:
    """Give `space` new units, behind the old ones of each slot; `method` gives them values.

    Args:
        model: the network.
        space: in it.
        method: computes the values.
        generator: of what it draws.
        replaced: puts them into the tensors.
        gradients: as in `Surroundings`.

    Raises:
        SpecError: the method cannot give values to these units.
    """
    state, around = generator.get_state(), _around(model, space, gradients)
    new = method.units(around[0], replaced.added, generator)
    for member, own in zip(space.writers, around, strict=True):
        # Copies are of the same units everywhere; what is drawn is drawn for each writer.
        rows = new if own is around[0] else _rows_for(own, new, method, generator)
        _grow_outputs(model.get_submodule(member.path), member.slots, rows, replaced)
    if {member.path for member in space.writers} & {member.path for member in space.readers}:
        # The weights to the new units of the readers that are writers, too: the same draws begin them.
        generator.set_state(state)
        new = method.units(replace(around[0], outgoing=_outgoing(model, space)), replaced.added, generator)
    for member, weight in zip(space.readers, new.outgoing, strict=True):
        _grow_inputs(model.get_submodule(member.path), member.slots, weight, replaced)
    for member in space.norms:
        _grow_norm(model.get_submodule(member.path), member.slots, new.originals, replaced)
    for given, returned in zip(space.grouped, space.grouped_outputs, strict=True):
        _grow_grouped(model.get_submodule(given.path), given.slots, returned.slots, new.originals, replaced)
    for parameter in space.loose:
        _grow_loose(model.get_submodule(parameter.path), parameter, new.originals, replaced)
    return replaced.carried()


def _check_plain(model: nn.Module, path: str) -> None:
    module = model.get_submodule(path)
    own = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
    for name in ("weight", "bias", *unit_tensors(module)):
        held = getattr(module, name, None)
        if held is None:
            continue
        if name not in own:
            raise ModulePathError(
                f"expected {path!r} to hold its {name} as a plain tensor, found one that is computed; "
                "remove its parametrization first"
            )
        if not own[name].is_floating_point():
            raise ModulePathError(
                f"expected {path!r} to hold its {name} as floating-point numbers, found {own[name].dtype}; "
                "widen the network before it is quantized"
            )
        holders = [
            f"{other}.{key}"
            for other, part in model.named_modules()
            for key, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))
            if tensor is held
        ]
        if len(holders) > 1:
            raise ModulePathError(
                f"expected {path!r} alone to hold its {name}, found it tied: {', '.join(holders)}; untie them first"
            )


def _with_slots(model: nn.Module, member: Member, units: int) -> Member:
    if member.slots:
        return member
    module = model.get_submodule(member.path)
    kind = matrix_kind(module)
    if kind is None or kind.inputs is None:
        raise ModulePathError(
            f"expected a linear layer or a convolution at {member.path!r}, found {type(module).__name__}; name a layer "
            "that reads the units"
        )
    inputs = module.get_parameter("weight").shape[kind.inputs]
    if inputs % units:
        raise ModulePathError(
            f"expected {member.path!r} to read the {units} units, found {inputs} inputs, which is no multiple of them"
        )
    return Member(member.path, (UnitSlot(0, inputs // units),))


def _around(model: nn.Module, space: Space, gradients: Gradients) -> list[Surroundings]:
    """Return for each writer the weights around its units; those of the readers are the same for all."""
    outgoing = _outgoing(model, space)
    around = []
    for member in space.writers:
        module = model.get_submodule(member.path)
        incoming = _of_units(module, "weight", kind_of(module).outputs, member.slots, space.units)
        biases = None
        if getattr(module, "bias", None) is not None:
            biases = _of_units(module, "bias", 0, member.slots, space.units)
        rows = incoming.shape[1]
        if rows == 1:
            incoming, biases = incoming[:, 0], None if biases is None else biases[:, 0]
        around.append(Surroundings(incoming, biases, outgoing, gradients, rows=rows))
    return around


def _outgoing(model: nn.Module, space: Space) -> tuple[Tensor, ...]:
    """Return for each reader `[out, U, K]`: the K weights from a unit to each of its outputs."""
    outgoing = []
    for member in space.readers:
        module = model.get_submodule(member.path)
        weight = _of_units(module, "weight", inputs_dim(module), member.slots, space.units)
        outgoing.append(weight.movedim(2, 0).flatten(2))
    return tuple(outgoing)


def _of_units(module: nn.Module, name: str, dim: int, slots: Slots, units: int) -> Tensor:
    """Return the entries of each unit along `dim` of a tensor, `[U, K, ...]`; the other dimensions follow in order."""
    return wide(getattr(module, name)).movedim(dim, 0)[entries(slots, units)]


def _rows_for(own: Surroundings, new: NewUnits, method: AbstractUnits, generator: torch.Generator) -> NewUnits:
    if new.originals is None:
        return method.units(own, len(new.incoming), generator)
    originals = list(new.originals)
    return NewUnits(own.incoming[originals], None if own.bias is None else own.bias[originals], (), new.originals)


def _grow_outputs(module: nn.Module, slots: Slots, new: NewUnits, replaced: Replaced) -> None:
    kind = kind_of(module)
    several = sum(slot.block for slot in slots) > 1
    rows = new.incoming if several else new.incoming[:, None]
    if new.originals is None and getattr(module, "padding_idx", None) is not None:
        rows = rows.index_fill(2, torch.tensor(module.padding_idx), 0)
    replaced.extend(module, "weight", kind.outputs, slots, rows)
    if new.bias is not None:
        replaced.extend(module, "bias", 0, slots, new.bias if several else new.bias[:, None])
    replaced.count(module, kind.output_sizes, slots)


def _grow_inputs(module: nn.Module, slots: Slots, outgoing: Tensor, replaced: Replaced) -> None:
    """Give a layer the weights `[out, U + N, K]` for the units that it reads; those for its other inputs stay."""
    kind, dim, units = kind_of(module), inputs_dim(module), replaced.units
    like = _of_units(module, "weight", dim, slots, units)  # [U, K, out, ...]
    weights = outgoing.reshape(like.shape[2], -1, like.shape[1], *like.shape[3:]).movedim(0, 2)
    old = wide(module.get_parameter("weight")).movedim(dim, 0).clone()
    old[entries(slots, units)] = weights[:units]
    replaced.extend(module, "weight", dim, slots, weights[units:], old=old.movedim(0, dim), averaged=kind.outputs)
    replaced.count(module, kind.input_sizes, slots)


def _grow_norm(module: nn.Module, slots: Slots, originals: Originals, replaced: Replaced) -> None:
    for name in unit_tensors(module):
        own = _of_units(module, name, 0, slots, replaced.units)
        passing = own.new_full((replaced.added, own.shape[1]), passing_values(module, name, own))
        replaced.extend(module, name, 0, slots, passing if originals is None else own[list(originals)])
    if isinstance(module, nn.GroupNorm):
        replaced.count(module, ("num_groups",), slots, size=group_size(module))
    replaced.count(module, norm_sizes(module), slots)


def _grow_grouped(module: nn.Module, given: Slots, returned: Slots, originals: Originals, replaced: Replaced) -> None:
    # Units without an original get the weights of one group: the same for all, so that pairs still cancel.
    groups = [0] * replaced.added if originals is None else list(originals)
    for name in ("weight", "bias"):
        if getattr(module, name, None) is not None:
            own = _of_units(module, name, 0, returned, replaced.units)
            replaced.extend(module, name, 0, returned, own[groups])
    replaced.count(module, ("groups",), given, size=group_size(module))
    replaced.count(module, ("in_channels",), given)
    replaced.count(module, ("out_channels",), returned)


def _grow_loose(module: nn.Module, parameter: LooseParameter, originals: Originals, replaced: Replaced) -> None:
    own = _of_units(module, parameter.name, parameter.dim, parameter.slots, replaced.units)
    # The mean suits what is added and what multiplies.
    mean = own.mean(0, keepdim=True).expand(replaced.added, *own.shape[1:])
    new = mean if originals is None else own[list(originals)]
    replaced.extend(module, parameter.name, parameter.dim, parameter.slots, new)
