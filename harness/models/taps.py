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
from harness.models.features import check_features, first_of, in_words

__all__ = ["Features", "capture", "feature_shape", "features_at", "tap_names"]


def tap_names(model: nn.Module) -> list[str]:
    """Return the paths of all submodules, each a possible tap."""
    return [name for name, _ in model.named_modules() if name]


class Features(dict[str, Tensor]):
    """The last output of the module at each tap, by tap.

    Attributes:
        calls: all outputs of each, in the order of its calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, list[Tensor]] = {}

    def of_call(self, tap: str, nth: int | None) -> Tensor:
        """Return the output of the `nth` call of the module at `tap`; None and -1 are the last.

        Raises:
            TapNotFoundError: there are fewer calls.
        """
        calls = self.calls[tap]
        if nth is not None and not -len(calls) <= nth < len(calls):
            raise TapNotFoundError(f"expected call {nth} of {tap!r}, found {len(calls)} calls; name another")
        return calls[-1 if nth is None else nth]

    def add(self, tap: str, output: Any) -> None:
        """Add the output of a call."""
        self[tap] = first_of(output)
        self.calls.setdefault(tap, []).append(self[tap])


@contextmanager
def capture(model: nn.Module, taps: Iterable[str]) -> Iterator[Features]:
    """Collect the outputs of the modules at `taps` during forward passes, by tap.

    The hooks live no longer than the block, so that a copied or saved model never carries them.

    Raises:
        TapNotFoundError: a tap is no module path of `model`; the message names those that are.
    """
    features = Features()
    modules = {tap: _module_at(model, tap) for tap in taps}
    handles = [module.register_forward_hook(_collect(features, tap)) for tap, module in modules.items()]
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


def _collect(features: Features, tap: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        features.add(tap, output)

    return hook


def _module_at(model: nn.Module, tap: str) -> nn.Module:
    try:
        return model.get_submodule(tap)
    except AttributeError:
        raise TapNotFoundError(
            f"no tap {tap!r} in {type(model).__name__}.{did_you_mean(tap, tap_names(model))}"
        ) from None


def features_at(model: nn.Module, tap: str, example: Any, *, nth: int | None = None) -> Tensor:
    """Return the features `[B, ...]` at `tap` for the batch `example`; of the `nth` call, if there are several.

    The model runs once in eval mode, without gradients; its modes and the global random stream are put back.

    Raises:
        TapNotFoundError: there is no such module or call, or its output is no tensor of features.
    """
    with without_side_effects(model, example), capture(model, [tap]) as features, in_words(f"at tap {tap!r}"):
        call(model, example)
    calls = features.calls.get(tap, [])
    if nth is None and len(calls) > 1:
        raise TapNotFoundError(
            f"expected one call of {tap!r}, found {len(calls)}; say which with call=0 to call={len(calls) - 1}, or -1 "
            "for the last"
        )
    return check_features(features.of_call(tap, nth) if calls else None, f"at tap {tap!r}", TapNotFoundError)


def feature_shape(model: nn.Module, tap: str, example: Any) -> torch.Size:
    """Return the shape of `features_at(model, tap, example)`."""
    return features_at(model, tap, example).shape
