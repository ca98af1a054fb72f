"""The inputs of one layer, for given inputs of its network."""

from typing import Any

from torch import Tensor, nn

from harness.models.call import call
from harness.models.eval_mode import without_side_effects

__all__ = ["layer_inputs"]


def layer_inputs(model: nn.Module, layer: nn.Module, inputs: Any, *, maps: bool = False) -> Tensor | None:
    """Return the input `[B, in]` of `layer`, float32 on the CPU, when `model` is called with `inputs`.

    Positions are averaged, of sequences `[B, ..., in]` or, if the layer reads `maps`, of `[B, in, ...]`. The model runs
    once in eval mode, without gradients; its modes and the global random stream are put back.

    Returns:
        None if the layer is not called; the input of its last call if it is called more than once.
    """
    received: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Any, ...]) -> None:
        received.append(args[0].detach())

    handle = layer.register_forward_pre_hook(keep)
    try:
        with without_side_effects(model, inputs):
            call(model, inputs)
    finally:
        handle.remove()
    return _averaged(received[-1], maps=maps).float().cpu() if received else None


def _averaged(features: Tensor, *, maps: bool) -> Tensor:
    if features.dim() <= 2:
        return features
    return features.flatten(2).mean(dim=2) if maps else features.flatten(1, -2).mean(dim=1)
