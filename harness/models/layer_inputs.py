"""The inputs of one layer, for given inputs of its network."""

from typing import Any

from torch import Tensor, nn

from harness.models.call import arguments, call, named_arguments
from harness.models.eval_mode import without_side_effects
from harness.models.features import in_words
from harness.models.find_layout import find_examples_axis
from harness.models.layout import layout_for, to_sequence
from harness.models.pooling import mask_in, pooled

__all__ = ["layer_inputs"]


def layer_inputs(model: nn.Module, layer: nn.Module, inputs: Any, *, maps: bool = False) -> Tensor | None:
    """Return the input `[B, in]` of `layer`, float32 on the CPU, when `model` is called with `inputs`.

    Real positions are averaged, of sequences `[B, ..., in]` or `[T, B, in]` or, if the layer reads `maps`, of `[B, in,
    ...]`. The model runs in eval mode, without gradients; its modes and the global random stream are put back.

    Returns:
        None if the layer is not called, or it is unclear which axis counts examples; the input of its last call if it
        is called more than once.
    """
    received: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Any, ...]) -> None:
        received.append(args[0].detach())

    handle = layer.register_forward_pre_hook(keep)
    try:
        with without_side_effects(model, inputs), in_words("before the layer"):
            call(model, inputs)
    finally:
        handle.remove()
    if not received:
        return None
    features = received[-1]
    if features.dim() > 2 and not maps:
        averaged = _averaged(model, layer, inputs, features)
    else:
        averaged = pooled(features, layout=None if features.dim() > 3 or not maps else "BCL")
    return None if averaged is None else averaged.float().cpu()


def _averaged(model: nn.Module, layer: nn.Module, inputs: Any, features: Tensor) -> Tensor | None:
    axis = find_examples_axis(model, layer, inputs)
    if axis is None or axis == features.dim() - 1:
        return None
    layout = layout_for(features.dim(), axis, features.dim() - 1)
    mask = mask_in(named_arguments(model, *arguments(model, inputs)), "attention_mask")
    positions = to_sequence(features, layout).shape[:-1]
    return pooled(features, layout=layout, mask=mask if mask is not None and mask.shape == positions else None)
