"""The modes of frozen modules: they compute as in eval mode, whoever calls `.train()`.

In train mode a frozen batch norm would go on to change its statistics, and dropout to draw. Our own loop sets all modes
itself. In anyone else's loop, frozen modules that compute something else in train mode get a forward pre-hook that puts
them back into eval mode; it costs a microsecond a call.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from harness.growth.freezing import FrozenNorm
from harness.growth.identities import Identities

__all__ = ["has_statistics", "let_go", "mode_without_freezing", "set_train_mode", "stay_in_eval_mode"]

# Torch numbers hooks by process: a number that a pickle brought along may be given to another hook, and this name not.
HOOK = "stays in eval mode"
MODE_DEPENDENT = (
    *(_DropoutNd, _NormBase, nn.MultiheadAttention, nn.RNNBase, nn.RReLU),
    *(nn.TransformerEncoder, nn.TransformerEncoderLayer),
)


def set_train_mode(
    model: nn.Module, identities: Identities, frozen: frozenset[str], *, frozen_norm: FrozenNorm = "eval"
) -> None:
    """Put `model` into train mode, and its frozen modules into eval mode.

    A module is frozen if all its tensors are. So is one with a frozen buffer, if it has no submodules or normalizes
    with running statistics; `frozen_norm` says what those do instead, as in `AbstractFreezePolicy`.
    """
    parts, norms = _frozen_modules(model, identities, frozen, frozen_norm)
    model.train()
    for module in parts:
        if all(inner in parts for inner in module.modules()):
            module.eval()
        else:  # a layer was inserted after a norm, as its child
            module.training = False
    for norm in norms:
        norm.train()
    _track(model, norms if frozen_norm == "track" else ())


def stay_in_eval_mode(
    model: nn.Module, identities: Identities, frozen: frozenset[str], *, frozen_norm: FrozenNorm = "eval"
) -> None:
    """Put the frozen modules of `model` into eval mode, and let them stay there whenever somebody calls `train()`.

    A module of which a frozen parameter is thawed by hand follows `train()` again. In copies and pickles the hooks hold
    the copy's modules.
    """
    parts, norms = _frozen_modules(model, identities, frozen, frozen_norm)
    for module, part in parts.items():
        if _depends_on_mode(module) and module is not model:
            hooks = vars(module)["_forward_pre_hooks"]
            hooks[HOOK] = _EvalMode(module, part)
            hooks.move_to_end(HOOK, last=False)  # other hooks may ask for the mode, as that of spectral_norm does
            module.training = False
    _track(model, norms if frozen_norm == "track" else ())


def let_go(model: nn.Module) -> None:
    """Undo `stay_in_eval_mode`; in a network in train mode, modules get the mode that they would have without it."""
    for module in model.modules():
        hook = vars(module)["_forward_pre_hooks"].pop(HOOK, None)
        if hook is not None:
            module.training = module.training or (hook.training and model.training)
    _track(model, ())


def mode_without_freezing(module: nn.Module) -> bool:
    """Return whether `module` would be in train mode if nothing of it were frozen."""
    hook = vars(module)["_forward_pre_hooks"].get(HOOK)
    return module.training or (hook is not None and hook.training)


class _EvalMode:
    """A forward pre-hook that puts a module into eval mode as long as no parameter of a frozen part is trained.

    Args:
        module: the module.
        part: the frozen module that it belongs to; None if the module is to stay in eval mode whatever is trained.

    Attributes:
        training: the mode in which the module would be.
    """

    def __init__(self, module: nn.Module, part: nn.Module | None) -> None:
        # The tables of its modules: to walk through these at each step would take longer than a small layer.
        self.tables = [] if part is None else [vars(inner).get("_parameters", {}) for inner in part.modules()]
        self.training = module.training
        self.momentum = getattr(module, "momentum", None)

    def __call__(self, module: nn.Module, _args: Any) -> None:
        """Set the mode of `module`, which is about to be called."""
        if not module.training:
            return
        self.training = True
        thawed = any(p is not None and p.requires_grad for table in self.tables for p in table.values())
        # `update_bn` has reset the statistics, and computes them anew with a momentum of None.
        computed_anew = self.momentum is not None and getattr(module, "momentum", None) is None
        if thawed or computed_anew:
            return
        if isinstance(module, torch.jit.ScriptModule):  # calls the modules in it without their hooks
            module.eval()
        else:
            module.training = False

    @property
    def __name__(self) -> str:  # TorchScript asks for it before it compiles a hook
        raise AttributeError(
            "expected a network without frozen modules that depend on their mode, since TorchScript compiles no hooks "
            "of them; trace the network, or script a copy without: harness.growth.consolidate(copy.deepcopy(model))"
        )


def _frozen_modules(
    model: nn.Module, identities: Identities, frozen: frozenset[str], frozen_norm: FrozenNorm
) -> tuple[dict[nn.Module, nn.Module | None], list[nn.Module]]:
    """Return the modules that stay in eval mode, and frozen ones with statistics that do not.

    The former come with the smallest frozen module with parameters that each is or lies in, or None.
    """
    still = {id(identities[name].tensor) for name in frozen}
    parts: dict[nn.Module, nn.Module | None] = {}
    norms = []
    for module in model.modules():
        learned = any(True for _ in module.parameters())
        if {id(tensor) in still for tensor in (*module.parameters(), *module.buffers())} == {True}:
            for inner in module.modules():
                if learned or inner not in parts:
                    parts[inner] = module if learned else None
    for module in model.modules():
        frozen_buffer = any(id(buffer) in still for buffer in module.buffers(recurse=False))
        if frozen_buffer and (has_statistics(module) or not any(module.children())):
            if frozen_norm != "eval" and has_statistics(module):
                norms.append(module)
                parts.pop(module, None)
            else:
                parts.setdefault(module, None)
    return parts, norms


def _depends_on_mode(module: nn.Module) -> bool:
    """Return whether `module` may compute something else in train mode.

    Nobody knows that of modules of other libraries, and of those with hooks.
    """
    foreign = not type(module).__module__.startswith("torch.nn.modules.")
    hooked = any(vars(module)[name] for name in ("_forward_pre_hooks", "_forward_hooks"))
    return foreign or hooked or isinstance(module, MODE_DEPENDENT)


def has_statistics(module: nn.Module) -> bool:
    """Return whether `module` normalizes with running statistics."""
    return isinstance(getattr(module, "running_mean", None), Tensor)


def _track(model: nn.Module, norms: Iterable[nn.Module]) -> None:
    """Make `norms` normalize with their running statistics in train mode, and no other module of `model`."""
    wanted = set(norms)
    for module in model.modules():
        hooks, with_kwargs = (vars(module)[name] for name in ("_forward_hooks", "_forward_hooks_with_kwargs"))
        if module in wanted:
            hooks[HOOK], with_kwargs[HOOK] = _as_in_eval_mode, True
        elif hooks.pop(HOOK, None) is not None:
            del with_kwargs[HOOK]


def _as_in_eval_mode(norm: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    """Return the output of `norm` with the statistics that it has just updated."""
    if not norm.training:
        return output
    buffers = vars(norm)["_buffers"]
    kept = dict(buffers)
    # The backward pass reads the statistics, which the next forward pass changes in place.
    buffers.update({name: value.clone() for name, value in kept.items() if value is not None})
    norm.training = False
    try:
        return norm.forward(*args, **kwargs)
    finally:
        norm.training = True
        buffers.update(kept)
