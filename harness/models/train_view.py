"""A network as it is in train mode, looked at without a trace.

Its own modules, which may read layers in train mode alone, are in train mode. Those of torch stay in eval mode: they
read the same in both, and would draw and change statistics. What draws all the same is stilled: dropout keeps
everything, other numbers do not depend on how many are drawn. So two networks can be compared that draw masks of other
shapes.
"""

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["has_train_view", "in_train_view", "shows_training", "train_view", "with_train_view"]

_SEED: ContextVar[int | None] = ContextVar("train view", default=None)


@contextmanager
def train_view(seed: int | None = 0) -> Iterator[None]:
    """Let `without_side_effects` show networks as in train mode in the block; with None as in eval mode.

    Two seeds tell whether random choices remain.
    """
    token = _SEED.set(seed)
    try:
        yield
    finally:
        _SEED.reset(token)


def shows_training() -> bool:
    """Return whether networks are shown as in train mode here."""
    return _SEED.get() is not None


def has_train_view(model: nn.Module) -> bool:
    """Return whether `model` may compute something else in train mode, but for what torch's own modules do."""
    return any(map(_is_own, model.modules()))


def in_train_view(module: nn.Module, root: nn.Module) -> bool:
    """Return whether `module` of `root` is shown in train mode; what was put into eval mode by itself is not."""
    return shows_training() and _is_own(module) and (module.training or not root.training)


@contextmanager
def with_train_view(model: nn.Module) -> Iterator[None]:
    """Still random choices in the block, and put buffers back, if networks are shown as in train mode."""
    seed = _SEED.get()
    if seed is None:
        yield
        return
    state, tables = random.getstate(), [vars(module)["_buffers"] for module in model.modules()]
    held, copies = [dict(table) for table in tables], dict[int, Tensor]()
    for table in tables:
        for name, buffer in table.items():
            if buffer is not None:
                table[name] = copies.setdefault(id(buffer), buffer.clone())
    stilled = _Stilled(seed, {tensor.device for tensor in model.parameters() if tensor.device.type == "cuda"})
    try:
        random.seed(seed)
        stilled.seed_streams()
        with stilled:
            yield
    finally:
        random.setstate(state)
        for table, entries in zip(tables, held, strict=True):
            table.clear()
            table.update(entries)


def _is_own(module: nn.Module) -> bool:
    return type(module).__module__.partition(".")[0] != "torch"


class _Stilled(TorchDispatchMode):
    """Puts one number in place of all that are drawn together."""

    def __init__(self, seed: int, gpus: Collection[torch.device]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seed, self.gpus = seed, gpus

    def seed_streams(self) -> None:
        """Seed torch's streams, of the GPUs in use alone."""
        torch.default_generator.manual_seed(self.seed)
        for gpu in self.gpus:
            torch.cuda.default_generators[gpu.index].manual_seed(self.seed)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what `func` returns, but for random numbers."""
        del types
        call: Callable[..., Any] = func
        result = call(*args, **(kwargs or {}))
        own = (kwargs or {}).get("generator") is not None  # such as those of whoever looks at the network
        if own or torch.Tag.nondeterministic_seeded not in func.tags:
            return result
        self.seed_streams()  # or later draws would depend on the shape of this one
        name = str(func).split(".")[1]
        if name == "native_dropout":
            return args[0].clone(), torch.ones_like(args[0], dtype=torch.bool)
        drawn = name.startswith(("bernoulli", "exponential", "normal", "rand", "uniform"))
        if drawn and isinstance(result, Tensor) and result.is_floating_point():
            result.fill_(1.0 if name.startswith("bernoulli") else 0.5)
        return result
