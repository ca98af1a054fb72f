"""What a network remembers of its growths.

It is one plain attribute of the network, so copies, pickles and saved models carry it. A network that wraps one that
has grown goes on from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import nn

from harness.core.errors import SpecError
from harness.growth.freezing import AbstractFreezePolicy, NoFreezing
from harness.growth.identities import Identities
from harness.growth.lineage import GrowthEvent
from harness.growth.recipe import Reshaping

__all__ = ["GrowthState", "growth_state", "keep_growth_state", "own_state", "unwrapped"]

ATTRIBUTE = "_growth_state"


@dataclass(frozen=True)
class GrowthState:
    """The growths of a network so far.

    Attributes:
        identities: the ids of all its tensors.
        number: of the last growth; 0 before the first.
        lineage: the growths, as specs, in order.
        frozen: the ids of what the last growth's policy freezes now.
        trained: by id, whether each parameter required a gradient when the network was left; what differs now, somebody
            froze or thawed by hand.
        thawed: the ids of what was thawed by hand since the last growth.
        age: optimizer updates between the last growth and the time that `frozen` is about.
        recipe: what was done to the network's shape, in order.
    """

    identities: Identities
    number: int = 0
    lineage: tuple[GrowthEvent, ...] = ()
    frozen: frozenset[str] = frozenset()
    trained: Mapping[str, bool] = field(default_factory=dict)
    thawed: frozenset[str] = frozenset()
    age: int = 0
    recipe: tuple[Reshaping, ...] = ()

    @property
    def policy(self) -> AbstractFreezePolicy:
        """The freeze policy of the last growth."""
        return self.lineage[-1].change.freeze if self.lineage else NoFreezing()

    def next_number(self, wanted: int | None = None) -> int:
        """Return the number of the next growth, which is `wanted` if that is given.

        Raises:
            SpecError: `wanted` was used.
        """
        if wanted is not None and wanted <= self.number:
            raise SpecError(
                f"expected a number above {self.number}, up to which this network's growths have used them, found "
                f"{wanted}: the same values would be drawn again; leave number out"
            )
        return self.number + 1 if wanted is None else wanted

    def now(self) -> "GrowthState":
        """Return the state with the parameters that require a gradient now."""
        return replace(self, trained={name: p.requires_grad for name, p in self.identities.parameters().items()})

    def updated(self, model: nn.Module) -> "GrowthState":
        """Return the state with what others have done to `model` since.

        Tensors that joined since belong to the time after the last growth. What was frozen by hand is not trained by
        any policy, as if it had been born so, until it is thawed by hand.
        """
        identities = self.identities.copy()
        identities.register(model, birth=self.number)
        changed = {
            name: parameter.requires_grad
            for name, parameter in identities.parameters().items()
            if self.trained.get(name, parameter.requires_grad) != parameter.requires_grad
        }
        for name, trainable in changed.items():
            identities.set_trainable(name, trainable)
        thawed = frozenset(name for name, trainable in changed.items() if trainable)
        return replace(self, identities=identities, thawed=self.thawed - changed.keys() | thawed).now()


def growth_state(model: nn.Module) -> GrowthState:
    """Return what `model`, compiled, distributed or plain, remembers of its growths; before the first, of none."""
    model = unwrapped(model)
    held = ((name, own_state(part)) for name, part in model.named_modules())
    return own_state(model) or _around(model, {name: state for name, state in held if state})


def own_state(model: nn.Module) -> GrowthState | None:
    """Return what `model` remembers itself; None if it has not grown, or only a part of it has."""
    state = vars(model).get(ATTRIBUTE)
    return state if isinstance(state, GrowthState) else None


def keep_growth_state(model: nn.Module, state: GrowthState) -> None:
    """Let `model` remember `state`, in place of all that it or a part of it remembered."""
    for part in model.modules():
        vars(part).pop(ATTRIBUTE, None)
    vars(model)[ATTRIBUTE] = state


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the network in `model`, which may be compiled or distributed."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if isinstance(model, nn.parallel.DistributedDataParallel | nn.DataParallel):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def _around(model: nn.Module, inner: Mapping[str, GrowthState]) -> GrowthState:
    """Return the state of a network that holds networks with the states `inner`, by name."""
    slots = {
        (id(slot.module), slot.attribute): (state, name, slot)
        for state in reversed(list(inner.values()))  # of two networks, one in the other, the outer one comes first
        for name, slot in state.identities.items()
    }
    identities, frozen, trained = Identities(model), set(), {}
    for name, slot in list(identities.items()):
        state, known, old = slots.get((id(slot.module), slot.attribute), (None, name, slot))
        renamed = identities.inherit(name, old)
        if state is not None and known in state.frozen:
            frozen.add(renamed)
        if state is not None and known in state.trained:
            trained[renamed] = state.trained[known]
    latest = max(inner.values(), key=lambda state: state.number, default=None)
    if latest is None:
        return GrowthState(identities)
    recipe = tuple(step.within(name) for name, state in inner.items() for step in state.recipe)
    return GrowthState(identities, latest.number, latest.lineage, frozenset(frozen), trained, recipe=recipe)
