"""The learning-rate schedulers that move an optimizer's rates.

torch keeps no list of them, so whoever holds the optimizer is asked of the garbage collector. That takes as long as
several steps of a small network, so it is done only if there may be one: a scheduler marks the optimizer's `step`, all
but `ReduceLROnPlateau`, whose objects are counted by the references to their class.
"""

import gc
import sys
from collections.abc import Iterator, Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from harness.growth.surgery.wrapped import layers

__all__ = ["attached", "parts"]

_named: dict[type, int] = {}  # references to a class that are none of its objects', such as imported names


def attached(optimizers: Sequence[Optimizer]) -> list[LRScheduler]:
    """Return the schedulers that hold one of `optimizers`, without those that are parts of another one."""
    every = [layer for optimizer in optimizers for layer in layers(optimizer)]
    if not every:
        return []
    marked = any(hasattr(vars(layer).get("step"), "_wrapped_by_lr_sched") for layer in every)
    if not marked and not any(map(_may_have_objects, _classes(ReduceLROnPlateau))):
        return []
    own = {id(layer) for layer in every}
    found = {id(item): item for item in _holders(every) if id(item.optimizer) in own}
    inner: set[int] = {id(part) for item in found.values() for part in parts(item)}
    return [item for key, item in found.items() if key not in inner]


def parts(scheduler: LRScheduler) -> list[LRScheduler]:
    """Return the schedulers that a sequence or a chain consists of."""
    inner: list[LRScheduler] = getattr(scheduler, "_schedulers", [])
    return inner


def _classes(kind: type) -> Iterator[type]:
    yield kind
    own: list[type] = kind.__subclasses__()
    for inner in own:
        yield from _classes(inner)


def _may_have_objects(kind: type) -> bool:
    """Return whether more refer to `kind` than when its objects were last counted; each object does."""
    if kind not in _named:
        _named[kind] = 0
    if sys.getrefcount(kind) <= _named[kind]:
        return False
    objects = sum(type(item) is kind for item in gc.get_referrers(kind))
    _named[kind] = sys.getrefcount(kind) - objects
    return objects > 0


def _holders(optimizers: Sequence[Optimizer]) -> Iterator[LRScheduler]:
    referrers = gc.get_referrers(*optimizers)
    tables = [item for item in referrers if type(item) is dict and "optimizer" in item]
    # An object whose attributes were once asked for as a dictionary is held by that dictionary.
    for item in (*referrers, *(gc.get_referrers(*tables) if tables else ())):
        if isinstance(item, LRScheduler) and hasattr(item, "optimizer"):
            yield item
