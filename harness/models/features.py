"""The features among what a module returns."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from harness.core.errors import InputError, ModulePathError

__all__ = ["check_features", "first_of", "in_words", "with_first"]

STATE = "last_hidden_state"
NESTED = (
    "a nested tensor, which nn.TransformerEncoder makes of a batch with padding; build it with "
    "enable_nested_tensor=False"
)


def first_of(output: Any) -> Any:
    """Return the features of an output: the first item of a tuple, `last_hidden_state` of a mapping, or the output.

    Recurrent layers and attention return (features, state), networks of transformers a mapping.
    """
    if isinstance(output, Mapping):
        return output.get(STATE, output)
    return output[0] if isinstance(output, tuple | list) and output else output


def with_first(output: Any, features: Any) -> Any:
    """Return `output` with other features."""
    if isinstance(output, Mapping) and STATE in output:
        changed: Any = copy.copy(output)
        changed[STATE] = features
        return changed
    if not isinstance(output, tuple | list) or not output:
        return features
    parts = (features, *output[1:])
    return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)


def check_features(features: Any, where: str, error: type[InputError], *, axes: int = 2) -> Tensor:
    """Return `features`, which lie `where`, if they are a tensor of real numbers, with `axes` axes or more.

    Raises:
        error: they are something else; the message says what.
    """
    what = None
    if not isinstance(features, Tensor):
        what = "nothing" if features is None else _described(features)
    elif features.is_nested:
        what = NESTED
    elif not features.is_floating_point():
        what = f"{str(features.dtype).removeprefix('torch.')} {list(features.shape)}"
    elif features.dim() < axes:
        what = str(tuple(features.shape))
    if what is not None:
        raise error(f"expected features [B, F, ...] {where}, found {what}; choose another module")
    assert isinstance(features, Tensor)
    return features


@contextmanager
def in_words(where: str) -> Iterator[None]:
    """Say what happened if a network that is called with a hook `where` fails for it.

    Raises:
        ModulePathError: torch's attention got a nested tensor, which it takes only where there are no hooks.
    """
    try:
        yield
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        if "ested" not in str(error):
            raise
        raise ModulePathError(f"expected features [B, F, ...] {where}, found {NESTED}") from None


def _described(value: Any) -> str:
    names = f" with {', '.join(map(str, value))}" if isinstance(value, Mapping) else ""
    return f"{type(value).__name__}{names}"
