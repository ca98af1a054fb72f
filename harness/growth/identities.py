"""Stable ids of a network's tensors, given at birth.

Positions shift when a parameter is added, and names shift when a module is inserted; ids never change. An id is
`<birth>/<name at birth>`, where birth counts the growths before, so replaying a lineage gives the same ids.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

__all__ = ["Identities", "Slot"]


@dataclass(frozen=True)
class Slot:
    """Where a parameter or buffer lives: an attribute of a module, whichever tensor it holds now.

    Attributes:
        birth: the number of growths before it.
        trainable: whether it required a gradient at birth, or when somebody last changed that by hand; no policy trains
            a tensor that did not.
    """

    module: nn.Module
    attribute: str
    birth: int
    trainable: bool

    @property
    def is_filled(self) -> bool:
        """Whether there is a tensor in the slot."""
        return isinstance(getattr(self.module, self.attribute, None), Tensor)

    @property
    def tensor(self) -> Tensor:
        """The parameter or buffer in the slot."""
        tensor: Tensor = getattr(self.module, self.attribute)
        return tensor


class Identities(Mapping[str, Slot]):
    """The slots of a network by id, in the order of their birth."""

    def __init__(self, model: nn.Module) -> None:
        self._slots: dict[str, Slot] = {}
        self.register(model, birth=0)

    @classmethod
    def of(cls, slots: Mapping[str, Slot]) -> "Identities":
        """Return the identities that `slots` have."""
        identities = cls(nn.Module())
        identities._slots = dict(slots)
        return identities

    def copy(self) -> "Identities":
        """Return a copy, to which ids can be added."""
        return Identities.of(self._slots)

    def register(self, model: nn.Module, *, birth: int) -> None:
        """Give ids to the tensors of `model` that have none yet, and drop those of tensors that it no longer has.

        Tied weights have one id.
        """
        live = {id(module) for module in model.modules()}
        self._slots = {name: slot for name, slot in self._slots.items() if id(slot.module) in live and slot.is_filled}
        known = {(id(slot.module), slot.attribute) for slot in self.values()}
        tensors = {id(slot.tensor) for slot in self.values()}
        for path, module in model.named_modules():
            own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
            for attribute, tensor in own:
                if (id(module), attribute) in known or id(tensor) in tensors:
                    continue
                tensors.add(id(tensor))
                name = f"{path}.{attribute}" if path else attribute
                self._add(f"{birth}/{name}", Slot(module, attribute, birth, tensor.requires_grad))

    def set_trainable(self, name: str, trainable: bool) -> None:
        """Note that somebody has frozen or thawed a parameter by hand."""
        self._slots[name] = replace(self._slots[name], trainable=trainable)

    def inherit(self, name: str, slot: Slot) -> str:
        """Let `name` be as old, and as trainable, as `slot`, its place in a part of the network; return its id then."""
        own = self._slots.pop(name)
        _, _, path = name.partition("/")
        return self._add(f"{slot.birth}/{path}", replace(own, birth=slot.birth, trainable=slot.trainable))

    def _add(self, name: str, slot: Slot) -> str:
        while name in self._slots:  # an insertion by hand gave the name of an older tensor to a new one
            name += "'"
        self._slots[name] = slot
        return name

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by id."""
        return {name: slot.tensor for name, slot in self.items()}

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return the parameters by id."""
        return {name: tensor for name, tensor in self.tensors().items() if isinstance(tensor, nn.Parameter)}

    def __getitem__(self, name: str) -> Slot:
        return self._slots[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)
