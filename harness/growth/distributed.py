"""Networks that several processes train together: each grows its own copy, and all of them grow alike or not at all."""

import hashlib
import inspect
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from harness.core.errors import SurgeryError

__all__ = ["check_whole", "on_every_process"]

# What a wrapper was built with, by the name of the argument; `_settings` adds those with another name.
SAME_NAMES = (
    "device_ids",
    "output_device",
    "dim",
    "find_unused_parameters",
    "gradient_as_bucket_view",
    "static_graph",
    "skip_all_reduce_unused_params",
    "batched_grad_copy",
)
KEPT = ("require_backward_grad_sync", "require_forward_param_sync", "training")
WHAT_TO_DO = (
    "grow a whole network, before it is sharded: gather the values (get_model_state_dict with full_state_dict=True), "
    "load them into a network that is not sharded, grow that, shard it, and build its optimizer anew"
)


def check_whole(model: nn.Module, optimizers: Sequence[Optimizer] = ()) -> None:
    """Check that this process holds all of each parameter and of each optimizer's state.

    Raises:
        SurgeryError: something is sharded; the message says what to do.
    """
    sharded = getattr(sys.modules.get("torch.distributed.tensor"), "DTensor", None)
    if sharded is not None:
        name = next((name for name, tensor in model.named_parameters() if isinstance(tensor, sharded)), None)
        if name is not None:
            raise SurgeryError(f"expected whole parameters, found {name!r} sharded by fully_shard; {WHAT_TO_DO}")
    for module in model.modules():
        if type(module).__name__ in ("FullyShardedDataParallel", "DeepSpeedEngine"):
            raise SurgeryError(f"expected whole parameters, found {type(module).__name__}; {WHAT_TO_DO}")
    for optimizer in optimizers:
        if type(optimizer).__name__ == "ZeroRedundancyOptimizer":
            raise SurgeryError(
                "expected an optimizer that holds all of its state, found ZeroRedundancyOptimizer; use a plain one"
            )


@contextmanager
def on_every_process(model: nn.Module, average: nn.Module | None = None) -> Iterator[list[str]]:
    """Let the block change the network in `model` on every process alike, or raise on all of them.

    If `model` is wrapped by `DistributedDataParallel`, the same wrapper then wraps the network anew, which gives all
    processes the parameters and buffers of the first. Without such a wrapper nothing is done. What the block appends to
    the list that it gets must be the same on every process, such as which units leave.

    Args:
        model: wrapped or plain.
        average: a copy of the network that the block changes as well, whose parameters are then those of the first.

    Raises:
        SurgeryError: another process failed, or grew another network.
    """
    wrapper, done = _wrapper(model), list[str]()
    if wrapper is None:
        yield done
        return
    _check_hooks(wrapper)
    error: BaseException | None = None
    try:
        yield done
    except Exception as raised:  # noqa: BLE001 -- the others wait for an answer, whatever it is
        error = raised
    _agree(wrapper, error, done)
    _wrap_anew(wrapper)
    for parameter in () if average is None else average.parameters():
        dist.broadcast(parameter.data, group=wrapper.process_group, group_src=0)


def _wrapper(model: nn.Module) -> DistributedDataParallel | None:
    while not isinstance(model, DistributedDataParallel):
        inner = getattr(model, "_orig_mod", None)
        if not isinstance(inner, nn.Module):
            return None
        model = inner
    return model


def _check_hooks(wrapper: DistributedDataParallel) -> None:
    held = vars(wrapper)
    states = [state for _, state in held["_comm_hooks"]]
    if any(state is not None and not isinstance(state, dist.ProcessGroup) for state in states):
        kind = next(type(state).__name__ for state in states if state is not None)
        raise SurgeryError(
            f"expected communication hooks without a memory, found {kind}, which knows the buckets of the old network; "
            "grow model.module on every process, wrap that, and register the hook with a new state"
        )
    for setting, value in (
        ("mixed_precision", held["mixed_precision"]),
        ("delay_all_reduce_named_params", held["_delay_all_reduce_params"]),
    ):
        if value:
            raise SurgeryError(
                f"expected a wrapper without {setting}, found one that is tied to the old parameters by it; grow "
                "model.module on every process and wrap that: model = DistributedDataParallel(model.module, ...)"
            )


def _agree(wrapper: DistributedDataParallel, error: BaseException | None, done: list[str]) -> None:
    """Tell the other processes how it went here, and raise if it did not go well everywhere."""
    group = wrapper.process_group
    mine = (None if error is None else str(error), _digest(wrapper.module, done))
    every: list[Any] = [None] * dist.get_world_size(group)
    dist.all_gather_object(every, mine, group=group)
    if error is not None:
        raise error
    for rank, (message, digest) in enumerate(every):
        if message is not None:
            raise SurgeryError(f"expected a growth on every process, found that process {rank} could not: {message}")
        if digest != every[0][1]:
            raise SurgeryError(
                f"expected the same growth on every process, found another network on process {rank} than on process "
                "0; call grow with the same operation everywhere, and with the same probe if it chooses by what it sees"
            )


def _digest(model: nn.Module, done: list[str]) -> str:
    shapes = [(name, tuple(tensor.shape), tensor.requires_grad) for name, tensor in model.named_parameters()]
    return hashlib.sha256(repr((shapes, done)).encode()).hexdigest()


def _wrap_anew(wrapper: DistributedDataParallel) -> None:
    """Build `wrapper` again around its network, as it was built, so that whoever holds it still holds the right one."""
    before = dict(vars(wrapper))
    settings = _settings(before)
    try:
        vars(wrapper).clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # broadcast_buffers, which alone leaves buffers as they are
            DistributedDataParallel.__init__(wrapper, before["_modules"]["module"], **settings)
        for hook, state in before["_comm_hooks"]:
            wrapper.register_comm_hook(state, hook)
    except BaseException:
        vars(wrapper).clear()
        vars(wrapper).update(before)
        raise
    new = vars(wrapper)
    for name, value in before.items():
        if name not in new or name in KEPT or (name.endswith("_hooks") and name != "_comm_hooks"):
            new[name] = value


def _settings(held: dict[str, Any]) -> dict[str, Any]:
    known = inspect.signature(DistributedDataParallel.__init__).parameters
    settings = {name: held[name] for name in SAME_NAMES if name in known and name in held}
    if not held.get("forward_sync_buffers", held.get("broadcast_buffers", True)):
        settings["broadcast_buffers"] = False
    if not held.get("bucket_bytes_cap_default", True):
        settings["bucket_cap_mb"] = held["bucket_bytes_cap"] / (1 << 20)
    mesh = held.get("device_mesh")
    return settings | ({"process_group": held["process_group"]} if mesh is None else {"device_mesh": mesh})
