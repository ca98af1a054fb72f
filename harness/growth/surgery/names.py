"""Names in optimizers that were built from `named_parameters()`."""

from collections.abc import Sequence

from torch import nn
from torch.optim import Optimizer

from harness.growth.record import Growth

__all__ = ["ParameterNames"]

NAMES = "param_names"


class ParameterNames:
    """The names of parameters in a network and in its optimizers; create it before the network changes.

    Users name parameters as the part of the network does that they gave to the optimizer, which may hold the network
    (`_orig_mod.0.weight`) or lie in it. What is new gets such a name, too.
    """

    def __init__(self, model: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        self._model = model
        self._named = [optimizer for optimizer in optimizers if any(NAMES in group for group in optimizer.param_groups)]
        self._before = _names(model) if self._named else {}
        self._held = {
            id(parameter): name
            for optimizer in self._named
            for group in optimizer.param_groups
            for parameter, name in zip(group["params"], group[NAMES], strict=True)
        }
        self._added, self._dropped = self._prefixes()

    def _prefixes(self) -> tuple[str, str]:
        """Return the beginnings that names in the optimizer have more than those in the network, and the reverse."""
        for key, held in self._held.items():
            name = self._before.get(key, held)
            if held.endswith(f".{name}"):
                return held.removesuffix(name), ""
            if name.endswith(f".{held}"):
                return "", name.removesuffix(held)
        return "", ""

    def _as_held(self, name: str) -> str:
        return self._added + name.removeprefix(self._dropped)

    def update(self, growth: Growth) -> None:
        """Name the parameters of each group as they are named in the network now."""
        if not self._named:
            return
        now, origin = _names(self._model), {id(item.new): id(item.old) for item in growth.carried}
        for group in (group for optimizer in self._named for group in optimizer.param_groups):
            group[NAMES] = [self._name(parameter, now, origin) for parameter in group["params"]]

    def _name(self, parameter: nn.Parameter, now: dict[int, str], origin: dict[int, int]) -> str:
        key = origin.get(id(parameter), id(parameter))
        held, before = self._held.get(key), self._before.get(key)
        # A name that the user chose is the user's.
        chosen = held is not None and (before is None or held != self._as_held(before))
        return held if held is not None and chosen else self._as_held(now.get(id(parameter), ""))


def _names(model: nn.Module) -> dict[int, str]:
    return {id(parameter): name for name, parameter in model.named_parameters()}
