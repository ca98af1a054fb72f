"""Which loops can be packed: those whose steps are the same operations on tensors of the same shape."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from torch import Tensor, nn

from harness.core.label_map import LabelMap
from harness.losses import AbstractLoss
from harness.models import GrowableModel
from harness.models.cut import CUT
from harness.models.teacher import teacher_of
from harness.training.features import Feed

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["heads_of", "losses_agree", "signature_of"]

OWN_LOSSES = "harness.losses."
PRECISIONS = ("fp32", "bf16")
PLAIN = (bool, int, float, str, tuple, type(None))


def signature_of(loop: "StageLoop") -> Hashable | None:
    """Return what loops that train together have in common; None if this one trains alone.

    Seeds, learning rates, weights of losses, steps, optimizers and initial values may differ.
    """
    state, config = loop.state, loop.config
    if _is_special(loop) or state.precision not in PRECISIONS or state.device.type != "cpu":
        return None
    return (
        _below(loop.feed),
        (state.model.own_output, tuple(name for name in state.model.heads if name not in state.model.off)),
        state.model.own_output in state.model.off,
        id(loop.data),
        loop.batches.size,
        _labels(loop.specs.label_map),
        tuple((name, loss.kind) for name, loss in config.losses.items()),
        (config.clip_norm, config.on_divergence, config.record_gradients_every, state.precision),
        (loop.needs, teacher_of(state.model) is None),
    )


def _is_special(loop: "StageLoop") -> bool:
    """Return whether its steps do what no packed step does."""
    state, config = loop.state, loop.config
    recipe = config.accumulate > 1 or config.compile or state.average or state.scaler.is_enabled()
    recipe = recipe or config.nearest_mean is not None or bool(config.record_expansions) or config.flush_denormals
    learned = len(state.model.log_variances) or loop.recall is not None
    states = any(loss.keeps_state for loss in config.losses.values())
    tensors = all(isinstance(split.inputs, Tensor) for split in (loop.data.train, loop.data.validation))
    return bool(recipe or learned or states) or not tensors


def losses_agree(loops: list["StageLoop"]) -> bool:
    """Return whether the losses of all loops are those of harness, and agree in all but weights.

    A loss that somebody else wrote may call a kernel that rounds the last values of a batch otherwise than those of all
    batches in one, and seldom enough to be proved by chance.
    """
    if any(not type(loss).__module__.startswith(OWN_LOSSES) for loss in loops[0].config.losses.values()):
        return False
    first, *others = ([_without_weight(loss) for loss in loop.config.losses.values()] for loop in loops)
    return all(other == first for other in others)


def _without_weight(loss: AbstractLoss) -> AbstractLoss:
    return loss.model_copy(update={"weight": 1.0})


def _below(feed: Feed) -> Hashable:
    """Return what backbones that are called at once have in common, or what lies above the cuts."""
    if feed.cut is None:
        return _structure(feed.model.backbone)
    layers = tuple((path, _structure(layer)) for path, layer in feed.cut.above)
    return layers, feed.data.train.features[CUT].shape[1:] if CUT in feed.data.train.features else None


def heads_of(model: GrowableModel) -> Hashable:
    """Return what heads that are called at once have in common."""
    return _structure(model.heads), tuple(model.taps.items()), frozenset(model.off)


def _structure(module: nn.Module) -> Hashable:
    """Return the kinds, settings and modes of all modules in `module`, and the shapes of its parameters."""
    modules = tuple((name, type(part), part.training, _settings(part)) for name, part in module.named_modules())
    return modules, tuple((p.shape, p.dtype, p.requires_grad) for p in module.parameters())


def _settings(module: nn.Module) -> Hashable:
    plain = {name: value for name, value in vars(module).items() if isinstance(value, PLAIN) and name[0] != "_"}
    return tuple(sorted((name, repr(value)) for name, value in plain.items()))


def _labels(label_map: LabelMap) -> Hashable:
    tables = (label_map.column, label_map.head, label_map.within, label_map.arrival)
    chosen = tuple(None if one is None else tuple(one.tolist()) for one in label_map.chosen)
    return label_map.heads, label_map.sizes, chosen, tuple(tuple(table.tolist()) for table in tables)
