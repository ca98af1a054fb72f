"""Bigger tensors for everything in a space."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.record import Carried
from harness.growth.spaces.matrices import MatrixKind, kind_of, matrix_kind
from harness.growth.spaces.replaced import Replaced
from harness.growth.spaces.slots import UnitSlot, entries, grown_size, kept_entries, new_entries
from harness.growth.spaces.space import LooseParameter, Member, Space
from harness.growth.spaces.unit_norms import group_size, norm_sizes, passing_values, unit_tensors
from harness.growth.units import AbstractUnits, NewUnits, Surroundings

__all__ = ["check_space", "grow_space"]


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
    model: nn.Module, space: Space, added: int, method: AbstractUnits, generator: torch.Generator, replaced: Replaced
) -> tuple[Carried, ...]:
    """Give `space` new units, behind the old ones of each slot; `method` gives them values.

    Raises:
        SpecError: the method cannot give values to these units.
    """
    state, around = generator.get_state(), _around(model, space)
    new = method.units(around[0], added, generator)
    for member, own in zip(space.writers, around, strict=True):
        # Copies are of the same units everywhere; what is drawn is drawn for each writer.
        rows = new if own is around[0] else _rows_for(own, new, method, generator)
        _grow_outputs(model, member, space.units, added, rows, replaced)
    if {member.path for member in space.writers} & {member.path for member in space.readers}:
        # The weights to the new units of the readers that are writers, too: the same draws begin them.
        generator.set_state(state)
        again = Surroundings(around[0].incoming, around[0].bias, _outgoing(model, space), _no_gradients)
        new = method.units(again, added, generator)
    for member, weight in zip(space.readers, new.outgoing, strict=True):
        _grow_inputs(model, member, space.units, added, weight, replaced)
    for member in space.norms:
        _grow_norm(model.get_submodule(member.path), member, space.units, added, new.originals, replaced)
    for given, returned in zip(space.grouped, space.grouped_outputs, strict=True):
        _grow_grouped(model.get_submodule(given.path), given, returned, space.units, added, new.originals, replaced)
    for parameter in space.loose:
        _grow_loose(model, parameter, space.units, added, new.originals, replaced)
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


def _around(model: nn.Module, space: Space) -> list[Surroundings]:
    """Return for each writer the weights around its units; those of the readers are the same for all."""
    outgoing = _outgoing(model, space)
    around = []
    for member in space.writers:
        module, kind = _layer(model, member)
        incoming = _units_first(_wide(module.get_parameter("weight")), kind.outputs, member.slots, space.units)
        bias = getattr(module, "bias", None)
        biases = None if bias is None else _units_first(_wide(bias), 0, member.slots, space.units)
        if incoming.shape[1] == 1:
            incoming, biases = incoming[:, 0], None if biases is None else biases[:, 0]
            around.append(Surroundings(incoming, biases, outgoing, _no_gradients))
        else:
            around.append(Surroundings(incoming, biases, outgoing, _no_gradients, rows=incoming.shape[1]))
    return around


def _no_gradients(_output: str | None) -> tuple[Tensor, ...]:
    raise SpecError(
        "expected a network that torch.fx can trace to find directions of steepest descent, found one that it cannot; "
        "use copies, pairs or random units"
    )


def _outgoing(model: nn.Module, space: Space) -> tuple[Tensor, ...]:
    """Return for each reader `[out, U, K]`: the K weights from a unit to each of its outputs."""
    outgoing = []
    for member in space.readers:
        module, kind = _layer(model, member)
        assert kind.inputs is not None
        weight = _units_first(_wide(module.get_parameter("weight")), kind.inputs, member.slots, space.units)
        outgoing.append(weight.movedim(2, 0).flatten(2))
    return tuple(outgoing)


def _rows_for(own: Surroundings, new: NewUnits, method: AbstractUnits, generator: torch.Generator) -> NewUnits:
    if new.originals is None:
        return method.units(own, len(new.incoming), generator)
    originals = list(new.originals)
    return NewUnits(own.incoming[originals], None if own.bias is None else own.bias[originals], (), new.originals)


def _grow_outputs(model: nn.Module, member: Member, units: int, added: int, new: NewUnits, replaced: Replaced) -> None:
    module, kind = _layer(model, member)
    rows = new.incoming.reshape(added, -1, *new.incoming.shape[2 if _has_rows(member) else 1 :])
    if new.originals is None and getattr(module, "padding_idx", None) is not None:
        rows = rows.index_fill(2, torch.tensor(module.padding_idx), 0)
    weight = _grown(_wide(module.get_parameter("weight")), kind.outputs, member.slots, units, rows)
    replaced.tensor(module, "weight", weight, kind.outputs, _kept(module, "weight", kind.outputs, member, units, added))
    if getattr(module, "bias", None) is not None and new.bias is not None:
        bias = _grown(_wide(module.get_parameter("bias")), 0, member.slots, units, new.bias.reshape(added, -1))
        replaced.tensor(module, "bias", bias, 0, _kept(module, "bias", 0, member, units, added))
    replaced.add(module, kind.output_sizes, added * sum(slot.block for slot in member.slots))


def _has_rows(member: Member) -> bool:
    return sum(slot.block for slot in member.slots) > 1


def _grow_inputs(
    model: nn.Module, member: Member, units: int, added: int, outgoing: Tensor, replaced: Replaced
) -> None:
    module, kind = _layer(model, member)
    assert kind.inputs is not None
    old = _wide(module.get_parameter("weight"))
    like = _units_first(old, kind.inputs, member.slots, units)  # [U, K, out, ...]
    weights = outgoing.reshape(like.shape[2], units + added, like.shape[1], *like.shape[3:]).movedim(0, 2)
    changed = old.movedim(kind.inputs, 0).clone()
    changed[entries(member.slots, units).flatten()] = weights[:units].flatten(0, 1)
    grown = _grown(changed.movedim(0, kind.inputs), kind.inputs, member.slots, units, weights[units:])
    replaced.tensor(
        module,
        "weight",
        grown,
        kind.inputs,
        _kept(module, "weight", kind.inputs, member, units, added),
        units=kind.outputs,
    )
    replaced.add(module, kind.input_sizes, added * sum(slot.block for slot in member.slots))


def _grow_norm(
    module: nn.Module, member: Member, units: int, added: int, originals: tuple[int, ...] | None, replaced: Replaced
) -> None:
    for name, tensor in unit_tensors(module).items():
        old = _wide(tensor)
        own = old[entries(member.slots, units)]
        if originals is not None:
            new = own[list(originals)]
        else:
            new = torch.full((added, own.shape[1]), passing_values(module, name, old), dtype=old.dtype)
        replaced.tensor(
            module, name, _grown(old, 0, member.slots, units, new), 0, _kept(module, name, 0, member, units, added)
        )
    count = added * sum(slot.block for slot in member.slots)
    if isinstance(module, nn.GroupNorm):
        replaced.add(module, ("num_groups",), count // group_size(module))
    replaced.add(module, norm_sizes(module), count)


def _grow_grouped(
    module: nn.Module,
    given: Member,
    returned: Member,
    units: int,
    added: int,
    originals: tuple[int, ...] | None,
    replaced: Replaced,
) -> None:
    # Units without an original get the weights of one group: the same for all, so that pairs still cancel.
    groups = list(originals) if originals is not None else [0] * added
    count = added * sum(slot.block for slot in given.slots)
    for name in ("weight", "bias"):
        if getattr(module, name, None) is None:
            continue
        old = _wide(module.get_parameter(name))
        new = _units_first(old, 0, returned.slots, units)[groups]
        replaced.tensor(
            module, name, _grown(old, 0, returned.slots, units, new), 0, _kept(module, name, 0, returned, units, added)
        )
    size = group_size(module)
    replaced.add(module, ("groups",), count // size)
    replaced.add(module, ("in_channels",), count)
    replaced.add(module, ("out_channels",), added * sum(slot.block for slot in returned.slots))


def _grow_loose(
    model: nn.Module,
    parameter: LooseParameter,
    units: int,
    added: int,
    originals: tuple[int, ...] | None,
    replaced: Replaced,
) -> None:
    module, dim = model.get_submodule(parameter.path), parameter.dim
    old = _wide(module.get_parameter(parameter.name))
    own = _units_first(old, dim, parameter.slots, units)
    # The mean suits what is added and what multiplies.
    new = own[list(originals)] if originals is not None else own.mean(0, keepdim=True).expand(added, *own.shape[1:])
    kept = kept_entries(parameter.slots, units, added, old.shape[dim])
    replaced.tensor(module, parameter.name, _grown(old, dim, parameter.slots, units, new), dim, kept)


def _layer(model: nn.Module, member: Member) -> tuple[nn.Module, MatrixKind]:
    module = model.get_submodule(member.path)
    return module, kind_of(module)


def _units_first(tensor: Tensor, dim: int, slots: tuple[UnitSlot, ...], units: int) -> Tensor:
    """Return the entries of each unit along `dim`, `[U, K, ...]`; the other dimensions follow in their order."""
    return tensor.movedim(dim, 0)[entries(slots, units)]


def _grown(old: Tensor, dim: int, slots: tuple[UnitSlot, ...], units: int, new: Tensor) -> Tensor:
    """Return `old` with the entries `[N, K, ...]` of new units behind those of the old ones along `dim`."""
    added, first = len(new), old.movedim(dim, 0)
    grown = first.new_empty((grown_size(slots, added, len(first)), *first.shape[1:]))
    grown[kept_entries(slots, units, added, len(first))] = first
    grown[new_entries(slots, units, added)] = new
    return grown.movedim(0, dim)


def _kept(module: nn.Module, name: str, dim: int, member: Member, units: int, added: int) -> Tensor:
    return kept_entries(member.slots, units, added, getattr(module, name).shape[dim])


def _wide(tensor: Tensor) -> Tensor:
    # On the CPU in float64, which rounds no narrower type.
    return tensor.detach().double().cpu()
