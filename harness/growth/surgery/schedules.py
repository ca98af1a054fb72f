"""torch's learning-rate schedulers, which keep settings of each group in lists of their own."""

from collections.abc import Sequence
from typing import Any

from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.swa_utils import SWALR

from harness.core.errors import SurgeryError
from harness.growth.surgery.attached import attached, parts
from harness.growth.surgery.groups import AddedGroup
from harness.growth.surgery.wrapped import layers

__all__ = ["Schedules"]

# They read and write nothing but the groups, where what they need was multiplied along with the learning rate.
FOLLOW_ALONE = (
    lr_scheduler.ConstantLR,
    lr_scheduler.ExponentialLR,
    lr_scheduler.LinearLR,
    lr_scheduler.MultiStepLR,
    lr_scheduler.OneCycleLR,
    lr_scheduler.PolynomialLR,
    lr_scheduler.StepLR,
    SWALR,
)
SCALED = ("base_lrs", "max_lrs", "min_lrs")
SHARED = ("base_momentums", "lr_lambdas", "max_momentums")
KNOWN = (*SCALED, *SHARED, "_last_lr", "_schedulers")


class Schedules:
    """The schedulers that move the learning rates of `optimizers`.

    Args:
        optimizers: as the caller holds them: a schedule may move a training library's wrapper.
        given: those that are to follow a growth; None if the caller named none, so that they must be found.

    Raises:
        SurgeryError: one of those given is no scheduler of torch, or moves another optimizer.
    """

    def __init__(self, optimizers: Sequence[Optimizer], given: Any) -> None:
        self._optimizers = {id(layer) for optimizer in optimizers for layer in layers(optimizer)}
        self._own = optimizers
        several = given if isinstance(given, list | tuple) else (given,)
        self._given = None if given is None else [self._checked(item) for item in several]

    def _checked(self, scheduler: Any) -> LRScheduler:
        while not isinstance(scheduler, LRScheduler) and hasattr(scheduler, "scheduler"):
            scheduler = scheduler.scheduler  # a training library's
        if not isinstance(scheduler, LRScheduler):
            raise SurgeryError(f"expected a scheduler of torch.optim, found {_name(scheduler)}; give its own")
        if id(scheduler.optimizer) not in self._optimizers:
            raise SurgeryError(f"expected a scheduler of this optimizer, found {_name(scheduler)} of another")
        return scheduler

    def check(self, added: Sequence[AddedGroup]) -> None:
        """Check that all schedulers can follow.

        Raises:
            SurgeryError: one cannot; the message names it.
        """
        named = [item for item in self._given or () if _of(item, added)]
        others = self._not_named(added)
        if (named or others) and any(item.rate_is_given for item in added):
            raise SurgeryError(
                f"expected no lr for a new group under a schedule, found one beside {_name([*named, *others][0])}; "
                "give lr_factor, in units of the rate of the group whose settings it takes"
            )
        for scheduler in named:
            self._check_lists(scheduler, added)
        for scheduler in others:
            if not _follows_alone(scheduler):
                raise SurgeryError(
                    f"expected that the learning-rate schedule can follow a new group, found {_name(scheduler)}, which "
                    "keeps settings of each group; name it: grow(..., scheduler=scheduler)"
                )

    def _not_named(self, added: Sequence[AddedGroup]) -> list[LRScheduler]:
        """Return the schedulers of optimizers that got groups, where the caller named none of that optimizer's."""
        if self._given is not None and not self._given:
            return []  # the caller says that there are none
        grown = {id(item.like.optimizer) for item in added}
        held = {id(item.optimizer) for item in self._given or ()}
        parts_of = [(optimizer, {id(layer) for layer in layers(optimizer)}) for optimizer in self._own]
        return attached([optimizer for optimizer, own in parts_of if own & grown and not own & held])

    def _check_lists(self, scheduler: LRScheduler, added: Sequence[AddedGroup]) -> None:
        groups = len(scheduler.optimizer.param_groups) - len(_of(scheduler, added))
        foreign = not type(scheduler).__module__.startswith("torch.")
        for name, value in vars(scheduler).items():
            entries = value if isinstance(value, list | tuple) else None
            if entries is None or name == "_schedulers":
                continue
            if name in KNOWN and len(entries) != groups:
                raise SurgeryError(
                    f"expected {_name(scheduler)} to know {groups} groups, found {len(entries)} in its {name}; "
                    "give it at every growth, or build it anew"
                )
            if foreign and name not in KNOWN and len(entries) == groups:
                raise SurgeryError(
                    f"expected a scheduler whose lists are known, found {_name(scheduler)} with {name!r}, "
                    f"which may hold an entry for each of {groups} groups; extend it yourself and give scheduler=()"
                )
        for part in parts(scheduler):
            self._check_lists(part, added)

    def extend(self, added: Sequence[AddedGroup]) -> None:
        """Let the schedulers that were given follow: new groups keep their factor through the whole schedule."""
        for scheduler in self._given or ():
            _extend(scheduler, added)


def _name(scheduler: LRScheduler) -> str:
    return type(scheduler).__name__


def _of(scheduler: LRScheduler, added: Sequence[AddedGroup]) -> list[AddedGroup]:
    """Return those of `added` that the scheduler moves."""
    held = {id(group) for group in scheduler.optimizer.param_groups}
    return [item for item in added if id(item.group) in held]


def _follows_alone(scheduler: LRScheduler) -> bool:
    if type(scheduler) is lr_scheduler.ChainedScheduler:
        return all(map(_follows_alone, parts(scheduler)))
    if type(scheduler) is ReduceLROnPlateau:
        return scheduler.default_min_lr is not None
    return type(scheduler) in FOLLOW_ALONE


def _extend(scheduler: LRScheduler, added: Sequence[AddedGroup]) -> None:
    for part in parts(scheduler):
        _extend(part, added)
    groups, lists = scheduler.optimizer.param_groups, vars(scheduler)
    for item in _of(scheduler, added):
        like = next(index for index, group in enumerate(groups) if group is item.like.group)
        for name in (name for name in KNOWN if isinstance(lists.get(name), list) and name != "_schedulers"):
            lists[name] = [*lists[name], _entry(scheduler, name, like, item)]


def _entry(scheduler: LRScheduler, name: str, like: int, item: AddedGroup) -> Any:
    if name == "_last_lr":
        return item.group["lr"]
    entry = vars(scheduler)[name][like]
    whole = name == "min_lrs" and getattr(scheduler, "default_min_lr", None) is not None
    return entry * item.lr_factor if name in SCALED and not whole else entry
