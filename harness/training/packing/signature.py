"""Which loops can be packed: those whose steps are the same operations on tensors of the same shape."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from torch import nn

from harness.core.label_map import LabelMap
from harness.data import Split
from harness.losses import AbstractLoss
from harness.models import GrowableModel

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["losses_agree", "signature_of"]

PLAIN = (bool, int, float, str, tuple, type(None))


def signature_of(loop: "StageLoop") -> Hashable | None:
    """Return what loops that train together have in common; None if this one trains alone.

    Seeds, learning rates, weights of losses, steps, optimizers and initial values may differ.
    """
    state, config = loop.state, loop.config
    special = loop.needs.taps or loop.needs.teacher or config.augment or state.scaler.is_enabled()
    if special or len(state.model.log_variances) or state.precision != "fp32" or state.device.type != "cpu":
        return None
    return (
        _network(state.model),
        None if loop.feed.cut is None else (loop.feed.cut.name, _shapes(loop.feed.data.train)),
        id(loop.data),
        loop.batches.size,
        _labels(loop.specs.label_map),
        tuple((name, loss.kind) for name, loss in config.losses.items()),
        (config.clip_norm, config.on_divergence, config.record_gradients_every),
    )


def losses_agree(loops: list["StageLoop"]) -> bool:
    """Return whether the losses of all loops agree in all but weights."""
    first, *others = ([_without_weight(loss) for loss in loop.config.losses.values()] for loop in loops)
    return all(other == first for other in others)


def _without_weight(loss: AbstractLoss) -> AbstractLoss:
    return loss.model_copy(update={"weight": 1.0})


def _network(model: GrowableModel) -> Hashable:
    """Return the kinds, settings and modes of all modules, and the shapes of all parameters."""
    modules = tuple((name, type(module), module.training, _settings(module)) for name, module in model.named_modules())
    parameters = tuple((p.shape, p.dtype, p.requires_grad) for p in model.parameters())
    return modules, parameters, tuple(model.taps.items()), frozenset(model.off), model.own_output


def _settings(module: nn.Module) -> Hashable:
    plain = {name: value for name, value in vars(module).items() if isinstance(value, PLAIN) and name[0] != "_"}
    return tuple(sorted((name, repr(value)) for name, value in plain.items()))


def _shapes(split: Split) -> Hashable:
    return tuple((name, values.shape[1:], values.dtype) for name, values in split.features.items())


def _labels(label_map: LabelMap) -> Hashable:
    tables = (label_map.column, label_map.head, label_map.within, label_map.arrival)
    chosen = tuple(None if one is None else tuple(one.tolist()) for one in label_map.chosen)
    return label_map.heads, label_map.sizes, chosen, tuple(tuple(table.tolist()) for table in tables)
