"""How a network is called with a batch of any kind.

A tensor is the one argument. A mapping, such as what a tokenizer returns, is given by names if `forward` has those
names, and a tuple by position if `forward` takes as many: `model(**batch)` and `model(*batch)`. Everything else is one
argument: a list, a dataclass, a named tuple, a mapping or a tuple whose items `forward` would not take.
"""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from torch import Tensor, nn

from harness.core.errors import SpecError

__all__ = ["FAILURES", "Arguments", "arguments", "call", "map_tensors", "named_arguments", "tensors_in"]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
# What wrappers call the network that they pass all arguments to.
WRAPPED = ("backbone", "module", "_orig_mod", "base_model", "model")
# What foreign code raises when it is called with inputs that it was not written for.
FAILURES: tuple[type[Exception], ...] = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError)
FAILURES += (RuntimeError, StopIteration, TypeError, ValueError)
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def call(model: nn.Module, inputs: Any) -> Any:
    """Return what `model` returns for the batch `inputs`."""
    if any(tensor.is_inference() for tensor in tensors_in(inputs)):
        inputs = map_tensors(Tensor.clone, inputs)  # or what is computed from them could not be trained
    if isinstance(inputs, Tensor):
        return model(inputs)
    args, kwargs = arguments(model, inputs)
    return model(*args, **kwargs)


def arguments(model: nn.Module, inputs: Any) -> Arguments:
    """Return the arguments by position and by name with which `model` is called for the batch `inputs`.

    Raises:
        SpecError: the mapping `inputs` has some of the names that `forward` has, and others, or lacks some.
    """
    if isinstance(inputs, Mapping):
        return _by_name(model, inputs)
    if type(inputs) is tuple and _takes(model, *inputs):
        return inputs, {}
    return (inputs,), {}


def named_arguments(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return by name what `model` is called with: its arguments, and the entries of arguments that are batches."""
    named = dict(kwargs)
    for value in args:
        named |= value if isinstance(value, Mapping) else _fields(value)
    parameters = [name for name, parameter in _signature(model).parameters.items() if parameter.kind in NAMED]
    return dict(zip(parameters, args, strict=False)) | named


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in a batch or an output, in order: those of mappings, lists, tuples and dataclasses."""
    if isinstance(value, Tensor):
        yield value
        return
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    for part in _fields(value).values() if parts is None else parts:
        yield from tensors_in(part)


def map_tensors(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Return a copy of a batch with `change` made to each of its tensors."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        changed: Any = copy.copy(value)
        for name in value:
            changed[name] = map_tensors(change, value[name])
        return changed
    if isinstance(value, tuple | list):
        parts = [map_tensors(change, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    parts_by_name = {name: map_tensors(change, part) for name, part in _fields(value).items()}
    return replace(value, **parts_by_name) if parts_by_name else value


def _fields(value: Any) -> dict[str, Any]:
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _by_name(model: nn.Module, inputs: Mapping[Any, Any]) -> Arguments:
    parameters = _signature(model).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind in NAMED]
    anything = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    if not all(isinstance(name, str) for name in inputs) or not (anything or any(name in inputs for name in known)):
        return (inputs,), {}
    if not _takes(model, **inputs):
        needed = [p.name for p in parameters if p.kind in NAMED and p.default is inspect.Parameter.empty]
        raise SpecError(
            f"expected a batch with the arguments of {type(_called(model)).__name__}, which needs "
            f"{', '.join(needed) or 'none'} and takes {', '.join(known)}; found {', '.join(inputs)}"
        )
    return (), dict(inputs)


def _takes(model: nn.Module, *args: Any, **kwargs: Any) -> bool:
    try:
        _signature(model).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _signature(model: nn.Module) -> inspect.Signature:
    return inspect.signature(_called(model).forward)


def _called(model: nn.Module) -> nn.Module:
    """Return the network that a wrapper such as a `GrowableModel` passes all of its arguments to, or `model` itself."""
    kinds = {parameter.kind for parameter in inspect.signature(model.forward).parameters.values()}
    inner = next((child for name in WRAPPED if isinstance(child := getattr(model, name, None), nn.Module)), None)
    return model if kinds & {*NAMED, inspect.Parameter.POSITIONAL_ONLY} or inner is None else _called(inner)
