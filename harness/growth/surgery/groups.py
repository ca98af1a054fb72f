"""New parameters get groups of their own, with the settings of a group that is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.surgery.trial import Trial, TrialFailedError, copied, start
from harness.growth.surgery.wrapped import defaults
from harness.models.paths import full_path

__all__ = ["HELD", "RATES", "AddedGroup", "Home", "NewSettings", "add_groups", "homes", "named_home"]

RATES = ("lr", "base_lr", "initial_lr", "max_lr", "min_lr", "swa_lr")  # the last four belong to torch's schedulers
HELD = ("params", "param_names")


@dataclass(frozen=True)
class Home:
    """A group of an optimizer, whose settings new parameters may take."""

    optimizer: Optimizer
    group: dict[str, Any]

    def size(self, dims: int | None = None) -> int:
        """Return the number of values that it holds, or holds in tensors of `dims` dimensions."""
        return sum(p.numel() for p in self.group["params"] if dims is None or p.dim() == dims)

    def holds(self, parameter: Tensor) -> bool:
        """Return whether it holds `parameter`."""
        return any(held is parameter for held in self.group["params"])


@dataclass(frozen=True)
class NewSettings:
    """How the groups of new parameters differ from those whose settings they take.

    Attributes:
        step: optimizer updates so far, their birth.
        lr_factor: of every learning rate.
        own: other settings.
    """

    step: int
    lr_factor: float
    own: Mapping[str, Any]


@dataclass(frozen=True)
class AddedGroup:
    """A group that a growth added.

    Attributes:
        like: the group whose settings it took.
        lr_factor: its learning rate, in units of that of `like`.
        rate_is_given: whether its learning rate was given as a number instead.
    """

    like: Home
    group: dict[str, Any]
    lr_factor: float
    rate_is_given: bool


def homes(optimizers: Sequence[Optimizer]) -> list[Home]:
    """Return all groups of all optimizers."""
    return [Home(optimizer, group) for optimizer in optimizers for group in optimizer.param_groups]


def named_home(model: nn.Module, optimizers: Sequence[Optimizer], like: int | str | None) -> Home | None:
    """Return the group that `like` names: a number, or the path of a module or parameter that it holds.

    Where a module's parameters lie in several groups, it is the one that holds most of them.

    Raises:
        SurgeryError: there is no such group.
    """
    every = homes(optimizers)
    if like is None:
        return None
    if isinstance(like, int):
        if not 0 <= like < len(every):
            raise SurgeryError(f"expected like=0 to {len(every) - 1}, the number of a group, found {like}")
        return every[like]
    path = full_path(model, like)
    own = {id(p) for name, p in model.named_parameters(remove_duplicate=False) if f"{name}.".startswith(f"{path}.")}
    sizes = [sum(p.numel() for p in home.group["params"] if id(p) in own) for home in every]
    if not any(sizes):
        raise SurgeryError(f"expected a module or parameter that an optimizer holds, found like={like!r}; name another")
    return every[sizes.index(max(sizes))]


def add_groups(
    optimizers: Sequence[Optimizer], parameters: Mapping[nn.Parameter, Home | None], new: NewSettings
) -> list[AddedGroup]:
    """Add `parameters`, each with the settings of a group, or, with None, of the largest that holds such tensors.

    Where an optimizer cannot update such a parameter, as one of matrices cannot update a bias, the largest group that
    can is taken.

    Raises:
        SurgeryError: none can; the message says why.
    """
    fitting = _Fitting(optimizers, new)
    by_home: dict[int, tuple[Home, list[nn.Parameter]]] = {}
    for parameter, home in parameters.items():
        found = fitting.home(parameter, home)
        by_home.setdefault(id(found.group), (found, []))[1].append(parameter)
    return [fitting.add(home, own) for home, own in by_home.values()]


class _Fitting:
    """Finds a group for each new parameter by trial."""

    def __init__(self, optimizers: Sequence[Optimizer], new: NewSettings) -> None:
        self._homes = homes(optimizers)
        self._new = new
        self._trials: dict[tuple[int, torch.Size, torch.dtype], Trial | str] = {}

    def home(self, parameter: nn.Parameter, wanted: Home | None) -> Home:
        reasons: dict[str, Trial | str] = {}
        # Biases and norms are often in a group of their own, without weight decay.
        by_size = sorted(self._homes, key=lambda home: (home.size(parameter.dim()), home.size()), reverse=True)
        for home in ([wanted] if wanted else []) + by_size:
            trial = self._trial(home, parameter)
            if isinstance(trial, Trial):
                return home
            reasons.setdefault(type(home.optimizer).__name__, trial)
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise SurgeryError(
            f"expected an optimizer that can hold a new parameter of shape {list(parameter.shape)}, found none "
            f"({why}); give a second one: grow(model, [optimizer, other], ...)"
        )

    def _trial(self, home: Home, parameter: Tensor) -> Trial | str:
        key = (id(home.group), parameter.shape, parameter.dtype)
        if key not in self._trials:
            self._trials[key] = self._tried(home, parameter)
        return self._trials[key]

    def _tried(self, home: Home, parameter: Tensor) -> Trial | str:
        others = [(group, _miniatures(group)) for group in home.optimizer.param_groups if group["params"]]
        try:
            trial = Trial(home.optimizer, *others, (self._settings(home), [parameter]))
            trial.step(1.0)
        except TrialFailedError as error:
            return str(error)
        if not trial.has_moved and not any(trial.memory()) and home.group.get("lr"):
            return "it passes over groups that are added later"
        return trial

    def _settings(self, home: Home) -> dict[str, Any]:
        inherited = {key: copied(value) for key, value in home.group.items() if key not in HELD}
        rates = {key: inherited[key] * self._new.lr_factor for key in RATES if inherited.get(key) is not None}
        if "base_lr" in rates:
            rates |= {"lr": rates["base_lr"], "lr_scale": 1.0}
        return {**inherited, **rates, "born": self._new.step, **self._new.own}

    def add(self, home: Home, parameters: list[nn.Parameter]) -> AddedGroup:
        settings, given = self._settings(home), defaults(home.optimizer)
        trials = [trial for p in parameters if isinstance(trial := self._trial(home, p), Trial)]
        for key in {key for trial in trials for key in trial.counted()} - {*RATES, *self._new.own}:
            # What the old group has counted or summed up says nothing of the new one.
            if key in given:
                settings[key] = copied(given[key])  # in its old place, or snapshots would differ
            else:
                settings.pop(key, None)
        names = {"param_names": [""] * len(parameters)} if "param_names" in home.group else {}
        home.optimizer.add_param_group({**settings, **names, "params": parameters})
        if any(trial.was_started for trial in trials):
            start(home.optimizer, parameters)
        added = home.optimizer.param_groups[-1]
        return AddedGroup(home, added, self._new.lr_factor, rate_is_given="lr" in self._new.own)


def _miniatures(group: Mapping[str, Any]) -> list[Tensor]:
    """Return something small that stands for the parameters of a group."""
    first: Tensor = group["params"][0]
    return [first.new_ones([min(size, 2) for size in first.shape])]
