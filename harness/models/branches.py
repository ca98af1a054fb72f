"""Networks beside a network, and features of other modules, that join what a layer reads.

A layer that reads more is a plain layer with more inputs: a hook puts the features of a branch, or of another module
of the network, behind what the layer is given. So it can be widened, replaced and saved like any other, and all names
stay. The hooks hold the `Branches` of the network, its child; in a deep copy or a pickle of the network, those of the
copy.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.copied import copied
from harness.models.features import first_of
from harness.models.growable import GrowableModel
from harness.models.pooling import Pool, pooled
from harness.models.teacher import is_of_teacher

__all__ = [
    "BRANCHES",
    "Branch",
    "Branches",
    "Joining",
    "branches_of",
    "has_joined",
    "join",
    "joinings",
    "joins_of",
    "keep",
    "root_of",
    "twin_of",
    "widths",
    "without_branch",
]

BRANCHES, CALL = "branches", "call/"


class _End(nn.Module):
    """Stands for a layer, and keeps what that would read until somebody takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Tensor] = {}  # not by `setattr` or a hook, which torch.compile does not follow

    def forward(self, features: Tensor) -> Tensor:
        """Return `features`."""
        self.kept["features"] = features
        return features


class Branch(nn.Module):
    """A network of which one layer's input is what counts: its features.

    Args:
        network: a `twin_of` one.
        reader: the path of that layer.
    """

    def __init__(self, network: nn.Module, reader: str) -> None:
        super().__init__()
        self.network = network
        self.reader = reader

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the features `[B, ..., F]` for what the network is called with."""
        self.network(*args, **kwargs)
        end = self.network.get_submodule(self.reader)
        assert isinstance(end, _End)
        return end.kept.pop("features")


class Branches(nn.Module):
    """The branches of a network by name. A `Sequential` that holds them sends its features through, unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle gets: nothing of a forward pass."""
        return {**vars(self), "kept": {}}

    def forward(self, features: Any) -> Any:
        """Return `features`."""
        return features

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Begin a forward pass of the network, which is called with these arguments."""
        self.kept.clear()
        self.kept[CALL] = (args, kwargs)

    def features(self, source: str) -> Tensor:
        """Return the features at `source`, a branch or a tap; a branch is called when they are first asked for.

        Raises:
            ModulePathError: the module at the tap was not called before.
        """
        if source not in self.kept and source.startswith(f"{BRANCHES}."):
            args, kwargs = self.kept[CALL]
            self.kept[source] = self.get_submodule(source.partition(".")[2])(*args, **kwargs)
        if source not in self.kept:
            raise ModulePathError(
                f"expected the module {source!r} to be called before what reads it, found that it is not"
            )
        features: Tensor = self.kept[source]
        return features


class _Beginning:
    """A hook of the network."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        held = module.get_submodule(BRANCHES)
        assert isinstance(held, Branches)
        held.begin(args, kwargs)


class _Keeping:
    """A hook of the module at a tap."""

    def __init__(self, branches: Branches, tap: str) -> None:
        self.branches, self.tap = branches, tap

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> None:
        self.branches.kept[self.tap] = first_of(output)


class Joining:
    """A hook of a layer that puts features behind what it is given, along the last dimension."""

    is_untraced = True

    def __init__(self, branches: Branches, source: str, pool: Pool) -> None:
        self.branches, self.source, self.pool = branches, source, pool

    def __call__(self, _module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what the layer is to be given."""
        return (torch.cat([args[0], self.beside(args[0])], dim=-1), *args[1:])

    def beside(self, given: Tensor) -> Tensor:
        """Return the features that join `given`, pooled if they have positions that it does not have."""
        features = self.branches.features(self.source)
        rows = pooled(features, self.pool) if features.dim() > given.dim() == 2 else features
        return rows.to(given.dtype)


def root_of(model: nn.Module) -> nn.Module:
    """Return the network whose calls branches follow."""
    return model.backbone if isinstance(model, GrowableModel) else model


def branches_of(root: nn.Module) -> Branches:
    """Return the branches of a network, which gets an empty set of them if it has none.

    Raises:
        ModulePathError: it has something else of that name.
    """
    held = getattr(root, BRANCHES, None)
    if held is None:
        held = Branches().train(root.training)
        root.add_module(BRANCHES, held)
        # By its name, so that a hook in a pickle keeps its place.
        vars(root)["_forward_pre_hooks"][BRANCHES] = _Beginning()
        vars(root)["_forward_pre_hooks_with_kwargs"][BRANCHES] = True
    if not isinstance(held, Branches):
        raise ModulePathError(f"expected no attribute {BRANCHES!r} in {type(root).__name__}, found one; rename it")
    return held


def keep(root: nn.Module, tap: str) -> None:
    """Let `root` keep what the module at `tap` returns, until its next call."""
    hooks = vars(root.get_submodule(tap))["_forward_hooks"]
    hooks.setdefault(f"{BRANCHES} keep {tap}", _Keeping(branches_of(root), tap))


def join(layer: nn.Module, joining: Joining) -> None:
    """Let `layer` read more."""
    vars(layer)["_forward_pre_hooks"][f"{BRANCHES} join {joining.source}"] = joining


def joinings(layer: nn.Module) -> dict[Any, Joining]:
    """Return the hooks of `layer` that put features behind what it is given, in their order."""
    return {key: hook for key, hook in vars(layer)["_forward_pre_hooks"].items() if isinstance(hook, Joining)}


def joins_of(model: nn.Module, source: str) -> dict[str, nn.Module]:
    """Return the layers of `model` that read the features at `source`, by their names."""
    return {
        name: module
        for name, module in model.named_modules()
        if any(hook.source == source for hook in joinings(module).values())
    }


@contextmanager
def widths(layer: nn.Module) -> Iterator[dict[Any, int]]:
    """Yield what is filled at each call of `layer` in the block: how many features each of its hooks adds."""
    found: dict[Any, int] = {}
    table, own = vars(layer)["_forward_pre_hooks"], joinings(layer)

    def spied(key: Any, hook: Joining) -> Any:
        def measure(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            joined = hook(module, args)
            found[key] = joined[0].shape[-1] - args[0].shape[-1]
            return joined

        return measure

    try:
        table.update({key: spied(key, hook) for key, hook in own.items()})
        yield found
    finally:
        table.update(own)


def without_branch(model: nn.Module, name: str) -> None:
    """Take the branch `name` and the hooks that joined its features away, and all that nothing reads any more."""
    root, source = root_of(model), f"{BRANCHES}.{name}"
    for module in model.modules():
        for key in [key for key, hook in joinings(module).items() if hook.source == source]:
            del vars(module)["_forward_pre_hooks"][key]
    branches = branches_of(root)
    delattr(branches, name)
    read = {hook.source for module in model.modules() for hook in joinings(module).values()}
    for module in model.modules():
        hooks = vars(module)["_forward_hooks"]
        for key in [key for key, hook in hooks.items() if isinstance(hook, _Keeping) and hook.tap not in read]:
            del hooks[key]
    if not read and not dict(branches.named_children()):
        delattr(root, BRANCHES)
        del vars(root)["_forward_pre_hooks"][BRANCHES]
        del vars(root)["_forward_pre_hooks_with_kwargs"][BRANCHES]


def has_joined(model: nn.Module) -> bool:
    """Return whether a layer in `model` reads what a hook puts behind its input."""
    return any(
        isinstance(hook, Joining) for module in model.modules() for hook in vars(module)["_forward_pre_hooks"].values()
    )


def twin_of(root: nn.Module, readers: list[str], *, purpose: str) -> nn.Module:
    """Return a copy of the network `root` without branches, of whose layers `readers` only the inputs count."""
    network = copied(root, purpose=purpose)
    vars(network).pop("teacher", None)
    for name in [name for name, _ in network.named_buffers(recurse=False) if is_of_teacher(name)]:
        delattr(network, name)
    if hasattr(network, BRANCHES):
        delattr(network, BRANCHES)
    for module in network.modules():
        for table in ("_forward_pre_hooks", "_forward_hooks"):
            hooks = vars(module)[table]
            for key in [key for key, hook in hooks.items() if isinstance(hook, _Beginning | _Keeping | Joining)]:
                del hooks[key]
                vars(module)["_forward_pre_hooks_with_kwargs"].pop(key, None)
    for reader in readers:
        network.set_submodule(reader, _End())
    return network
