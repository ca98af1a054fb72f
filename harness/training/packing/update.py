"""The optimizers' steps of several networks at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import torch
from torch import Tensor

from harness.training.packing.shared_storage import SharedParameter
from harness.training.update import KernelCall, KernelGroup, Update, call_kernel

__all__ = ["PackedUpdate"]


@dataclass(frozen=True)
class _Column:
    """The same parameter of all networks, and what their optimizers remember of it.

    Attributes:
        shared: where it gets its gradients, `[K, ...]`; None if each network's own holds them.
    """

    shared: Tensor | None
    own: list[Tensor]
    averages: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]

    def gradients(self) -> list[Tensor] | None:
        """Return its gradients by network; None if a network has none."""
        if self.shared is not None:
            return None if self.shared.grad is None else list(self.shared.grad.unbind())
        own = [parameter.grad for parameter in self.own]
        return None if any(gradient is None for gradient in own) else own  # type: ignore[return-value]


@dataclass(frozen=True)
class _PackedGroup:
    """The same group of all optimizers, by network, and its parameters."""

    groups: list[KernelGroup]
    columns: list[_Column]
    constant_rates: bool

    @cached_property
    def joined(self) -> list[list[Tensor]]:
        """Parameters, two kinds of moments, and counts of steps, column by column."""
        names = ("own", "averages", "squares", "steps")
        return [[tensor for column in self.columns for tensor in getattr(column, name)] for name in names]

    def _calls(self) -> dict[KernelCall, list[int]]:
        """Return the networks by their settings."""
        calls: dict[KernelCall, list[int]] = {}
        for row, group in enumerate(self.groups):
            calls.setdefault(group.call, []).append(row)
        return calls

    @cached_property
    def _first_calls(self) -> dict[KernelCall, list[int]]:
        return self._calls()

    def update(self, gradients: Sequence[list[Tensor]]) -> None:
        """Call the kernel for each setting that the networks have; their counts of steps include this one."""
        calls = self._first_calls if self.constant_rates else self._calls()
        flat, count = list(chain.from_iterable(gradients)), len(self.groups)
        for call, rows in calls.items():
            own, averages, squares, steps, moved = (*self.joined, flat)
            if len(calls) > 1:
                chosen = [start + row for start in range(0, len(flat), count) for row in rows]
                own, averages, squares, steps, moved = (
                    [values[place] for place in chosen] for values in (own, averages, squares, steps, moved)
                )
            call_kernel(call, own, moved, averages, squares, steps)


class PackedUpdate:
    """Updates K networks with as few calls of the optimizers' kernel as their settings allow.

    Args:
        updates: of the networks; each has made a step.
        shared: the parameters that lie in one tensor; all others hold their gradients themselves.
        constant_rates: whether no learning rate changes from now on.
    """

    def __init__(
        self, updates: Sequence[Update], shared: Sequence[SharedParameter], *, constant_rates: bool = False
    ) -> None:
        self._constant_rates = constant_rates
        self._updates = updates
        self._shared = shared
        self._groups: list[_PackedGroup] = []
        self._steps = torch.empty(0)

    def __call__(self, chosen: Sequence[bool] | None = None) -> None:
        """Update the parameters that have gradients, of the networks that are `chosen`, or of all."""
        if chosen is None and self._update_all():
            return
        self.give_gradients()
        for row, update in enumerate(self._updates):
            if chosen is None or chosen[row]:
                update()

    def forget(self) -> None:
        """Look up anew what the optimizers remember; somebody has changed it."""
        self._groups = []

    def give_gradients(self) -> None:
        """Let each network's own parameters hold their rows of the gradients."""
        for parameter in self._shared:
            if (gradients := parameter.values.grad) is not None:
                for own, gradient in zip(parameter.parameters, gradients.unbind(), strict=True):
                    own.grad = gradient

    def _update_all(self) -> bool:
        """Update all networks at once; return whether their kernels can be called so."""
        if not all(update.is_direct for update in self._updates):
            return False
        if not self._groups:
            self.give_gradients()
            self._groups = self._prepared()
        gradients = [[column.gradients() for column in group.columns] for group in self._groups]
        if not gradients or any(own is None for columns in gradients for own in columns):
            self._groups = []
            return False
        self._steps += 1
        for group, own in zip(self._groups, gradients, strict=True):
            group.update(own)  # type: ignore[arg-type]
        return True

    def _prepared(self) -> list[_PackedGroup]:
        """Return what is updated: parameters of the same networks and of the same groups of their optimizers."""
        found: dict[int, tuple[KernelGroup, int]] = {}
        for update in self._updates:
            for group, _ in update.kernel_calls() or []:
                found |= {id(parameter): (group, index) for index, parameter in enumerate(group.moving)}
        packed: dict[tuple[int, ...], _PackedGroup] = {}
        for place, parameters in self._places(set(found)):
            known = [found[id(parameter)] for parameter in parameters]
            names = ("moving", "averages", "squares", "steps")
            lists = ([getattr(group, name)[index] for group, index in known] for name in names)
            groups = [group for group, _ in known]
            same = packed.setdefault(tuple(map(id, groups)), _PackedGroup(groups, [], self._constant_rates))
            same.columns.append(_Column(place, *lists))
        self._steps = _joined([step for group in packed.values() for step in group.joined[-1]])
        return list(packed.values())

    def _places(self, moving: set[int]) -> Iterator[tuple[Tensor | None, Sequence[Tensor]]]:
        """Yield the parameters that move: those that share a tensor, then each of the others."""
        shared = [one for one in self._shared if id(one.parameters[0]) in moving]
        yield from ((one.values, one.parameters) for one in shared)
        together = {id(parameter) for one in shared for parameter in one.parameters}
        for update in self._updates:
            for group, _ in update.kernel_calls() or []:
                yield from ((None, [one]) for one in group.moving if id(one) not in together)


def _joined(counts: Sequence[Tensor]) -> Tensor:
    """Move scalars into one tensor, where they can be counted up at once; each stays what it is."""
    whole = torch.stack(list(counts))
    for count, place in zip(counts, whole.unbind(), strict=True):
        count.data = place
    return whole
