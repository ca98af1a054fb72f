"""Initializers: values for new parameters."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec

__all__ = ["AbstractInitializer", "LayerContext", "as_weight", "blank", "examples_of", "old_rows_of", "targets_of"]


@dataclass(frozen=True)
class LayerContext:
    """The whole layer that new values become a part of. Tensors are float32 on the CPU.

    Attributes:
        fan_in: the number of values that one output of the layer is computed from.
        fan_out: the number of values that one input of the layer contributes to.
        old: weights `[rows, in, ...]` (or biases `[rows]`) that the layer already has; None for a new layer.
        features: `[B, in]`, the layer's inputs for the examples of a probe; None without a probe.
        targets: `[B]` int64, the right new row for each example, or -1 if none is; None if unknown.
    """

    fan_in: int
    fan_out: int
    old: Tensor | None = None
    features: Tensor | None = None
    targets: Tensor | None = None


class AbstractInitializer(LeafSpec):
    """Values for a new weight or bias.

    Attributes:
        reads_examples: whether the values may depend on the features or targets of a probe.
    """

    reads_examples: ClassVar[bool] = True

    @abstractmethod
    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:
        """Return float32 values of `shape` `[rows, in, ...]` (or `[rows]`) on the CPU, drawn from `generator` alone.

        Raises:
            SpecError: `context` lacks what these values are computed from; the message says what to give.
        """

    @property
    def silences(self) -> bool:
        """Whether all values are zero by design, so that both sides of a hidden unit must not have them; default no."""
        return False


def blank(shape: tuple[int, ...]) -> Tensor:
    """Return an uninitialized tensor: float32 on the CPU, whatever torch's defaults are."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def as_weight(shape: tuple[int, ...], kind: str) -> tuple[int, int]:
    """Return the rows and the inputs of each, of a weight of `shape` `[rows, in, ...]`.

    Raises:
        SpecError: it is the shape of a bias.
    """
    if len(shape) < 2:
        raise SpecError(f"expected a weight [rows, in, ...] for {kind!r}, found the shape {list(shape)}; use 'zeros'")
    return shape[0], torch.Size(shape[1:]).numel()


def old_rows_of(context: LayerContext, shape: tuple[int, ...], kind: str) -> Tensor:
    """Return the rows that the layer already has; each has the shape of the new rows in `shape`.

    Raises:
        SpecError: there are none, or their shape differs.
    """
    if context.old is None or not len(context.old):
        raise SpecError(
            f"expected rows that the layer has already for {kind!r}, found none; use it where a layer gets more rows"
        )
    if context.old.shape[1:] != shape[1:]:
        raise SpecError(
            f"expected new rows like the old ones {list(context.old.shape[1:])} for {kind!r}, found {list(shape[1:])}; "
            "use it where a layer gets more rows and no more inputs"
        )
    return context.old


def examples_of(context: LayerContext, shape: tuple[int, ...], kind: str) -> tuple[Tensor, Tensor]:
    """Return the features `[B, in]` and targets `[B]` of the probe, for a weight of `shape`.

    Raises:
        SpecError: there are none, or they do not fit the weight.
    """
    rows, inputs = as_weight(shape, kind)
    if context.features is None or not len(context.features):
        raise SpecError(f"expected features of examples for {kind!r}, found none; give a probe with inputs")
    if context.features.shape[1:] != (inputs,):
        shape_given = list(context.features.shape)
        raise SpecError(
            f"expected features [B, {inputs}] for {kind!r}, found {shape_given}; use it for a layer that reads them"
        )
    return context.features, targets_of(context, rows, kind)


def targets_of(context: LayerContext, rows: int, kind: str) -> Tensor:
    """Return the targets `[B]` of the probe.

    Raises:
        SpecError: there are none, or one that is no new row.
    """
    if context.targets is None or not len(context.targets):
        raise SpecError(f"expected targets of examples for {kind!r}, found none; give a probe with inputs and targets")
    if int(context.targets.max()) >= rows or int(context.targets.min()) < -1:
        given = sorted(set(context.targets.tolist()))
        raise SpecError(f"expected targets among the {rows} new rows, or -1, for {kind!r}; found {given}")
    return context.targets
