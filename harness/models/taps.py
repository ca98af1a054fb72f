"""Taps: modules of a network, named by their paths, whose features can be read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import TapNotFoundError
from harness.core.spec import did_you_mean
from harness.models.call import call
from harness.models.eval_mode import without_side_effects

__all__ = ["capture", "feature_shape", "features_at", "tap_names"]


def tap_names(model: nn.Module) -> list[str]:
    """Return the paths of all submodules, each a possible tap."""
    return [name for name, _ in model.named_modules() if name]


@contextmanager
def capture(model: nn.Module, taps: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of the modules at `taps` during forward passes, by tap.

    The hooks live no longer than the block, so that a copied or saved model never carries them.

    Raises:
        TapNotFoundError: a tap is no module path of `model`; the message names those that are.
    """
    features: dict[str, Tensor] = {}
    modules = {tap: _module_at(model, tap) for tap in taps}
    handles = [module.register_forward_hook(_collect(features, tap)) for tap, module in modules.items()]
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


def _collect(features: dict[str, Tensor], tap: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        # Recurrent layers and attention return (features, state).
        features[tap] = output[0] if isinstance(output, tuple) else output

    return hook


def _module_at(model: nn.Module, tap: str) -> nn.Module:
    try:
        return model.get_submodule(tap)
    except AttributeError:
        raise TapNotFoundError(
            f"no tap {tap!r} in {type(model).__name__}.{did_you_mean(tap, tap_names(model))}"
        ) from None


def features_at(model: nn.Module, tap: str, example: Any) -> Tensor:
    """Return the features `[B, ...]` at `tap` for the batch `example`.

    The model runs once in eval mode, without gradients; its modes and the global random stream are put back.

    Raises:
        TapNotFoundError: there is no such module, it is not used, or its output is no tensor of features.
    """
    with without_side_effects(model, example), capture(model, [tap]) as features:
        call(model, example)
    output = features.get(tap)
    if not isinstance(output, Tensor) or output.dim() < 2:
        what = "nothing" if output is None else f"{tuple(output.shape)}" if isinstance(output, Tensor) else type(output)
        raise TapNotFoundError(f"expected features [B, F, ...] at tap {tap!r}, found {what}; choose another tap")
    return output


def feature_shape(model: nn.Module, tap: str, example: Any) -> torch.Size:
    """Return the shape of `features_at(model, tap, example)`."""
    return features_at(model, tap, example).shape
