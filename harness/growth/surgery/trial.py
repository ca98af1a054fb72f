"""A fresh optimizer like another one, on which it is tried out how it treats a parameter that it has not seen.

How an optimizer begins is nowhere declared: some copy the weights, some make their state when they are built, some
count steps in a group. So nothing here knows a class. The twin has the same settings and no state, and takes a step.
"""

import copy
import inspect
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.growth.surgery.wrapped import defaults, layers, states

__all__ = ["Trial", "TrialFailedError", "copied", "parameter_holder", "start"]

Settings = Mapping[str, Any]
OF_GROUPS_ALONE = ("params", "param_names")


@dataclass(frozen=True)
class _Way:
    """How to make a step.

    Attributes:
        closure: whether it calls a closure, which computes the gradients.
        started: whether parameters have the state before it that the optimizer makes when it is built.
        kind: of the gradients: `plain`, `graph`, which can be differentiated again, or `sparse`.
    """

    closure: bool = False
    started: bool = False
    kind: Literal["plain", "graph", "sparse"] = "plain"

    def gradient(self, parameter: nn.Parameter, size: float) -> Tensor:
        """Return a gradient in which all entries have the sign of `size`, and no two are equal."""
        numbers = torch.arange(parameter.numel(), device=parameter.device, dtype=torch.float32)
        gradient = (size * (0.5 + numbers / max(len(numbers), 1))).reshape(parameter.shape).to(parameter.dtype)
        if self.kind == "sparse":
            return gradient.to_sparse()
        if self.kind == "graph":
            with torch.enable_grad():
                pull = (gradient * parameter + 0.0 * parameter.square()).sum()
                return torch.autograd.grad(pull, parameter, create_graph=True)[0]
        return gradient


WAYS = (
    _Way(),
    _Way(started=True),
    _Way(closure=True),
    _Way(closure=True, started=True),
    _Way(kind="graph"),
    _Way(kind="sparse"),
)


class TrialFailedError(Exception):
    """The optimizer cannot update such a parameter; the message is the optimizer's own."""


class Trial:
    """An optimizer like another one, with other parameters, that has made no step.

    Args:
        optimizer: the other one.
        groups: settings and parameters of each group; parameters are copied.
        decays: whether weight decay is kept rather than left out.

    Raises:
        TrialFailedError: it takes no such group.

    Attributes:
        parameters: the copies in the last group.
        was_started: whether the parameters needed a state before the first step.
    """

    def __init__(self, optimizer: Optimizer, *groups: tuple[Settings, Sequence[Tensor]], decays: bool = False) -> None:
        self._decays = decays
        self._original = optimizer
        self._groups = groups
        self._way: _Way | None = None
        self._build()

    @property
    def was_started(self) -> bool:
        """Whether its steps needed a state that the optimizer makes when it is built."""
        return self._way is not None and self._way.started

    def _build(self) -> None:
        self._optimizer = _without_parameters(self._original, {})
        for settings, parameters in self._groups:
            plain = {key: copied(value) for key, value in settings.items() if key not in OF_GROUPS_ALONE}
            decays = [key for key, value in plain.items() if "weight_decay" in key and not isinstance(value, bool)]
            left_out = [] if self._decays else decays
            self.parameters = [nn.Parameter(parameter.detach().clone()) for parameter in parameters]
            try:
                self._optimizer.add_param_group({**plain, **dict.fromkeys(left_out, 0.0), "params": self.parameters})
            except Exception as error:
                raise TrialFailedError(str(error) or type(error).__name__) from error
        if callable(train := getattr(self._optimizer, "train", None)):
            train()  # those that need no schedule have a mode, as modules do
        self._before = {key: copied(value) for key, value in self._optimizer.param_groups[-1].items()}

    def step(self, gradient: float = 0.0, *, without: nn.Parameter | None = None) -> None:
        """Make a step with gradients of up to 1.5 times `gradient`, and with none of the parameter `without`.

        Raises:
            TrialFailedError: no way to call it works; the message is that of the plainest one.
        """
        reasons = []
        for way in [self._way] if self._way else WAYS:
            if way is not WAYS[0] and not self._way:
                self._build()  # what failed may have left something
            if way.started and not self._way and not start(self._optimizer, self._every()):
                continue
            try:
                self._step(gradient, way, without)
            except Exception as error:  # noqa: BLE001 - what a foreign optimizer raises is not known
                reasons.append(str(error) or type(error).__name__)
            else:
                self._way = way
                return
        raise TrialFailedError(reasons[0])

    def _step(self, gradient: float, way: "_Way", without: nn.Parameter | None) -> None:
        held = self._every()

        def closure() -> Tensor:
            for parameter in held:
                parameter.grad = None if parameter is without else way.gradient(parameter, gradient)
            return torch.zeros(())

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            closure()
            step: Callable[..., Any] = type(self._optimizer).step
            step(self._optimizer, *([closure] if way.closure else []))

    def _every(self) -> list[nn.Parameter]:
        return [parameter for group in self._optimizer.param_groups for parameter in group["params"]]

    def begin(self) -> None:
        """Let those that can make their state without a step do so."""
        for layer in layers(self._optimizer):
            for group in self._optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad = torch.zeros_like(parameter)
                with suppress(Exception):
                    layer.init_group(group)  # type: ignore[attr-defined]

    @property
    def has_moved(self) -> bool:
        """Whether a parameter of the last group has other values than at first."""
        first = self._groups[-1][1]
        return any(not torch.equal(now, then) for now, then in zip(self.parameters, first, strict=True))

    def counted(self) -> Iterator[str]:
        """Yield what the last group counts or sums up: settings that steps change, or that nobody can give."""
        known = _accepted(self._optimizer)
        for key, value in self._optimizer.param_groups[-1].items():
            number = isinstance(value, int | float | Tensor) and not isinstance(value, bool)
            hidden = number and known is not None and key in defaults(self._optimizer) and key not in known
            if key not in OF_GROUPS_ALONE and (hidden or not _same(value, self._before.get(key))):
                yield key

    def memory(self) -> list[Mapping[str, Any]]:
        """Return what each layer remembers of the first parameter of the last group."""
        return [state.get(self.parameters[0], {}) for state in states(self._optimizer)]


def start(optimizer: Optimizer, parameters: Sequence[nn.Parameter]) -> bool:
    """Give those of `parameters` that have no state the one that the optimizer, or a layer, makes when it is built.

    Returns:
        Whether there is such a state.
    """
    started, own = False, set(parameters)
    for layer in layers(optimizer):
        for group in optimizer.param_groups:
            for parameter in own.intersection(group["params"]):
                if not layer.state.get(parameter) and (made := _made_when_built(layer, group, parameter)):
                    layer.state[parameter] = made
                    started = True
    return started


def _made_when_built(layer: Optimizer, group: Settings, parameter: nn.Parameter) -> dict[str, Any]:
    accepted = inspect.signature(type(layer)).parameters
    settings = {key: group.get(key, value) for key, value in getattr(layer, "defaults", {}).items() if key in accepted}
    try:
        built = type(layer)([parameter], **settings)
    except Exception:  # noqa: BLE001 - it needs what is not among its settings
        return {}
    return dict(built.state.get(parameter, {}))


def _accepted(optimizer: Optimizer) -> set[str] | None:
    """Return the settings that can be given to the optimizer by name; None if any can."""
    accepted = inspect.signature(type(optimizer)).parameters
    return None if any(item.kind is item.VAR_KEYWORD for item in accepted.values()) else set(accepted)


def copied(value: Any) -> Any:
    """Return a copy of a setting, which no two groups may share."""
    return value.detach().clone() if isinstance(value, Tensor) else copy.copy(value)


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, Tensor) and isinstance(other, Tensor):
        return torch.equal(value, other)
    return bool(type(value) is type(other) and value == other)


def _without_parameters(optimizer: Optimizer, twins: dict[int, Any]) -> Optimizer:
    """Return a twin with no group and no state; layers share with each other what those of `optimizer` share."""
    twin: Optimizer = object.__new__(type(optimizer))
    twins[id(optimizer)] = twin
    # What is not kept by parameter belongs to the optimizer as a whole.
    whole = {key: _twin_of(value, twins) for key, value in optimizer.state.items() if not isinstance(key, Tensor)}
    twins.setdefault(id(optimizer.state), defaultdict(dict, whole))
    twins.setdefault(id(optimizer.param_groups), [])
    for name, value in vars(optimizer).items():
        if name == "step":
            continue  # a learning-rate schedule has put its own around the class's, bound to the first optimizer
        vars(twin)[name] = OrderedDict() if name.endswith("_hooks") else _twin_of(value, twins)
    return twin


def _twin_of(value: Any, twins: dict[int, Any]) -> Any:
    if id(value) in twins:
        return twins[id(value)]
    if isinstance(value, Optimizer):
        return _without_parameters(value, twins)
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, torch.Generator):
        return value.clone_state()
    if type(value) is dict:
        return {key: _twin_of(item, twins) for key, item in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(_twin_of(item, twins) for item in value)
    return value


def parameter_holder(optimizer: Optimizer) -> str | None:
    """Return the name of an attribute, other than groups and state, in which the optimizer keeps what is of parameters.

    These are parameters themselves, their `id`, or a list of tensors of their shapes, which it knows by position.
    """
    held = {id(parameter): parameter for group in optimizer.param_groups for parameter in group["params"]}
    for state in states(optimizer):
        for key, value in state.items():
            if not isinstance(key, Tensor) and (_holds(value, held) or _is_id(key, held)):
                return str(key)
    for layer in layers(optimizer):
        apart = {id(layer.state), id(layer.param_groups)}
        for name, value in vars(layer).items():
            if id(value) in apart or isinstance(value, Optimizer):
                continue
            if _holds(value, held) or _is_parallel(value, held):
                return name
    return None


def _holds(value: Any, parameters: Mapping[int, Tensor]) -> bool:
    if isinstance(value, nn.Module):
        return any(id(parameter) in parameters for parameter in value.parameters())
    if isinstance(value, dict):
        return any(_holds(item, parameters) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple | set):
        return any(_holds(item, parameters) for item in value)
    return id(value) in parameters or _is_id(value, parameters)


def _is_id(value: Any, parameters: Mapping[int, Tensor]) -> bool:
    return isinstance(value, int) and value in parameters


def _is_parallel(value: Any, parameters: Mapping[int, Tensor]) -> bool:
    """Return whether `value` has a tensor for each parameter, of its shape and in the same order."""
    if not isinstance(value, dict | list | tuple):
        return False
    shapes = [tensor.shape for tensor in _tensors(value)]
    return any(map(len, shapes)) and shapes == [parameter.shape for parameter in parameters.values()]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)
