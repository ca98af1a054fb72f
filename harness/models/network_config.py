"""What a network of a library notes of its own size, such as `config.vocab_size`, follows its growth."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

__all__ = ["follow", "modules_around", "resized"]

Changes = Callable[[object], Mapping[str, Any]]


def modules_around(model: nn.Module, paths: Iterable[str]) -> list[nn.Module]:
    """Return the modules that those at `paths`, as in `named_modules`, lie in, from the network inwards."""
    names = sorted({path[:end] for path in paths for end in _ends(path)}, key=len)
    return [model.get_submodule(name) for name in names]


def _ends(path: str) -> Iterator[int]:
    yield 0
    yield from (index for index, letter in enumerate(path) if letter == ".")


def follow(model: nn.Module, paths: Iterable[str], changes: Changes) -> None:
    """Change what the modules around `paths`, and their attributes `config`, say of the network.

    A config is replaced by a changed copy, wherever in `model` it is held: who else holds it sees no change, and a
    growth that is taken back only has to put the old one back.

    Args:
        model: the network.
        paths: as in `named_modules`.
        changes: by name, the new values of attributes of a module or config.
    """
    owners = modules_around(model, paths)
    for owner in owners:
        vars(owner).update(changes(owner))
    held = [vars(owner)["config"] for owner in owners if hasattr(vars(owner).get("config"), "__dict__")]
    configs = list({id(config): config for config in held}.values())
    if not any(changes(config) for config in configs):
        return
    copies: dict[int, Any] = {}
    for config in configs:
        # One memory for all: a config within another one stays the same object as a module's own.
        twin = copy.deepcopy(config, copies)
        for name, value in changes(twin).items():
            setattr(twin, name, value)
    for module in model.modules():
        for name, value in vars(module).items():
            if id(value) in copies and not isinstance(value, nn.Module | Tensor):
                vars(module)[name] = copies[id(value)]


def resized(names: Iterable[str], have: int, now: int) -> Changes:
    """Return the change of those attributes among `names` that are `have`: they become `now`."""
    return lambda holder: dict.fromkeys((name for name in names if vars(holder).get(name) == have), now)
