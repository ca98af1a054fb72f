"""What comes into a layer, for given inputs of its network."""

from typing import Any

from torch import Tensor, nn

from harness.models.eval_mode import without_side_effects

__all__ = ["layer_inputs"]


def layer_inputs(model: nn.Module, layer: nn.Module, inputs: Tensor, *, maps: bool = False) -> Tensor | None:
    """Return `[B, in]`, float32 on the CPU, what `layer` is called with when `model` is called with `inputs`.

    Positions are averaged, of sequences `[B, ..., in]` or, if the layer reads `maps`, of `[B, in, ...]`. The model runs
    once in eval mode, without gradients; its modes and the global random stream are put back.

    Returns:
        None if the layer is not called; what it is called with last if it is called more than once.
    """
    found: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Any, ...]) -> None:
        found.append(args[0].detach())

    handle = layer.register_forward_pre_hook(keep)
    try:
        with without_side_effects(model, inputs):
            model(inputs)
    finally:
        handle.remove()
    return _averaged(found[-1], maps=maps).float().cpu() if found else None


def _averaged(features: Tensor, *, maps: bool) -> Tensor:
    if features.dim() <= 2:
        return features
    return features.flatten(2).mean(dim=2) if maps else features.flatten(1, -2).mean(dim=1)
