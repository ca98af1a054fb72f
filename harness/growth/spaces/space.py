"""A space: units that some layers write to and others read from, all of which must grow together."""

from dataclasses import dataclass

from harness.growth.spaces.slots import UnitSlot

__all__ = ["LooseParameter", "Member", "Space"]


@dataclass(frozen=True)
class Member:
    """A layer or norm, and where the units lie among its outputs or inputs."""

    path: str
    slots: tuple[UnitSlot, ...]


@dataclass(frozen=True)
class LooseParameter:
    """A parameter `name` that a module adds or multiplies itself, such as positions; the units lie along `dim`."""

    path: str
    name: str
    dim: int
    slots: tuple[UnitSlot, ...]


@dataclass(frozen=True)
class Space:
    """What must grow together.

    Attributes:
        units: how many there are.
        writers: layers whose outputs are units, or sums or products of which are.
        readers: layers that read them; nothing behind those must grow.
        norms: what holds numbers for each unit, on the way from writers to readers.
        grouped: convolutions in groups on that way, each group of which reads whole units; as they read.
        grouped_outputs: the same, as they write.
        loose: parameters of no layer that are added to the units, or multiply them.
    """

    units: int
    writers: tuple[Member, ...]
    readers: tuple[Member, ...]
    norms: tuple[Member, ...] = ()
    grouped: tuple[Member, ...] = ()
    grouped_outputs: tuple[Member, ...] = ()
    loose: tuple[LooseParameter, ...] = ()
