"""Bigger tensors for a layer, and for the norms and layers that read its units.

A module stays the same object, so its hooks, its path and all references to it remain valid.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.consumers import Consumers, Layer, Reader
from harness.growth.record import Carried, Moments
from harness.growth.units import NewUnits, Surroundings

__all__ = ["check_followers", "surroundings", "with_inputs", "with_statistics", "with_units"]

# What a norm holds for each unit, and the value with which it passes a unit unchanged.
STATISTICS = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}


def check_followers(model: nn.Module, followers: Consumers) -> None:
    """Check that all tensors that must grow belong to one module alone.

    Raises:
        ModulePathError: one is computed from other tensors, has no shape yet, or is in another module as well.
    """
    source = str(followers.source.target).removeprefix("model.")
    for path in (source, *(reader.path for reader in followers.layers)):
        _check_own(model, path, ("weight", "bias"))
    for norm in followers.norms:
        _check_own(model, norm.path, STATISTICS)


def _check_own(model: nn.Module, path: str, names: Iterable[str]) -> None:
    module = model.get_submodule(path)
    own = dict([*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)])
    for name in names:
        if getattr(module, name, None) is None:
            continue
        if name not in own:
            raise ModulePathError(
                f"expected {path!r} to hold its {name} as a plain tensor, found one that is computed; "
                "remove its parametrization first"
            )
        if len(holders := _holders(model, own[name])) > 1:
            raise ModulePathError(
                f"expected {path!r} alone to hold its {name}, found it tied: {', '.join(holders)}; untie them first"
            )


def _holders(model: nn.Module, tensor: Tensor) -> list[str]:
    return [
        f"{path}.{name}"
        for path, module in model.named_modules()
        for name, held in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        if held is tensor
    ]


def surroundings(
    model: nn.Module, layer: Layer, followers: Consumers, gradients: Callable[[str | None], tuple[Tensor, ...]]
) -> Surroundings:
    """Return the weights around the units of `layer`."""
    outgoing = []
    for reader in followers.layers:
        weight = _wide(model.get_submodule(reader.path).get_parameter("weight"))
        units = weight[:, reader.offset :].reshape(len(weight), len(layer.weight), -1)
        outgoing.append(units)
    bias = None if layer.bias is None else _wide(layer.bias)
    return Surroundings(_wide(layer.weight), bias, tuple(outgoing), gradients)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.detach().double().cpu()


def with_units(layer: Layer, weight: Tensor, bias: Tensor | None, moments: Moments) -> tuple[Carried, ...]:
    """Give `layer` more units, with these weights `[N, in, ...]` and biases `[N]`."""
    carried = _with_entries(layer, "weight", torch.cat([_wide(layer.weight), weight]), moments)
    if layer.bias is not None and bias is not None:
        carried += _with_entries(layer, "bias", torch.cat([_wide(layer.bias), bias]), moments)
    _add_to_sizes(layer, ("out_features", "out_channels"), len(weight))
    return carried


def with_inputs(layer: nn.Module, reader: Reader, outgoing: Tensor, moments: Moments) -> tuple[Carried, ...]:
    """Give a layer the weights `[out, U + N, K]` for the units that it reads; those for its other inputs stay."""
    old = _wide(layer.get_parameter("weight"))
    units = outgoing.reshape(len(old), -1, *old.shape[2:])
    carried = _with_entries(layer, "weight", torch.cat([old[:, : reader.offset], units], dim=1), moments)
    _add_to_sizes(layer, ("in_features", "in_channels"), reader.offset + units.shape[1] - old.shape[1])
    return carried


def with_statistics(norm: nn.Module, reader: Reader, new: NewUnits, moments: Moments) -> tuple[Carried, ...]:
    """Give a norm entries for new units: those of their originals, or such that it passes them unchanged."""
    carried: tuple[Carried, ...] = ()
    for name, passing in STATISTICS.items():
        if getattr(norm, name, None) is None:
            continue
        old = _wide(getattr(norm, name))
        units = old[reader.offset :].reshape(-1, reader.block)
        if new.originals is None:
            entries = torch.full((len(new.incoming), reader.block), passing, dtype=old.dtype)
        else:
            entries = units[list(new.originals)]
        carried += _with_entries(norm, name, torch.cat([old, entries.flatten()]), moments)
    _add_to_sizes(norm, ("num_features",), len(new.incoming) * reader.block)
    return carried


def _with_entries(module: nn.Module, name: str, values: Tensor, moments: Moments) -> tuple[Carried, ...]:
    """Replace a tensor of `module` by `values`, in which the old entries come first.

    The new tensor takes device, type, `requires_grad` and marks of the old one.

    Returns:
        The record for the optimizer, if it is a parameter.
    """
    old = getattr(module, name)
    content = values.to(old, copy=True).contiguous()
    if not isinstance(old, nn.Parameter):
        setattr(module, name, content)
        return ()
    new = nn.Parameter(content, requires_grad=old.requires_grad)
    vars(new).update(vars(old))  # marks such as those for weight decay
    setattr(module, name, new)
    return (Carried(old, new, tuple(slice(0, size) for size in old.shape), moments),)


def _add_to_sizes(module: nn.Module, names: tuple[str, ...], added: int) -> None:
    for name in names:
        if name in vars(module):
            setattr(module, name, vars(module)[name] + added)
