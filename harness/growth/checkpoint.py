"""A grown network and all that trains it, in a folder: the next step after loading is the same to the bit."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SnapshotError
from harness.growth.check_arguments import check_trained
from harness.growth.checkpoint_folder import read_checkpoint, write_checkpoint
from harness.growth.growth_state import unwrapped
from harness.growth.optimizer_state import load_optimizer, load_scheduler, optimizer_tree, scheduler_tree
from harness.growth.probe import Probe
from harness.growth.restored import growth_tree, restore_growth, tensors_of
from harness.growth.rollback import all_or_nothing
from harness.growth.surgery import bare
from harness.growth.tree import from_tree, to_tree

__all__ = ["load_grown", "save_grown"]

MODEL = "model/"


def save_grown(
    folder: str | Path,
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer] = (),
    *,
    scheduler: Any = None,
    scaler: Any = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write the network, its growths and what trains it into `folder`, in place of what was saved there before.

    The folder holds safetensors and JSON. A process that dies while it saves leaves what was there before. Saved are
    parameters and buffers, the growths as specs, what is frozen, modes, the states of optimizers, scheduler and scaler,
    and the random streams of torch, NumPy and Python; gradients are not. Under several processes, let one save.

    Args:
        folder: made if it is not there.
        model: any module, compiled, distributed or plain, whether or not it has grown.
        optimizer: what trains it, one or several.
        scheduler: of learning rates, if there is one; several as a list.
        scaler: a `GradScaler`, if there is one.
        extra: plain values and tensors of your own, such as the number of steps; `load_grown` returns them.

    Raises:
        InputError: something cannot be saved; the message names it.
        SurgeryError: an optimizer holds parameters that are not the model's.
    """
    check_trained(model, optimizer)
    network, tensors = unwrapped(model), dict[str, Tensor]()
    content = {
        "growth": growth_tree(network, tensors),
        "optimizers": [
            optimizer_tree(network, each, tensors, f"optimizer.{index}") for index, each in enumerate(bare(optimizer))
        ],
        "schedulers": [
            scheduler_tree(each, tensors, f"scheduler.{index}") for index, each in enumerate(_listed(scheduler))
        ],
        "scaler": None if scaler is None else scheduler_tree(scaler, tensors, "scaler"),
        "streams": to_tree(_streams(), tensors, "streams"),
        "extra": to_tree(dict(extra or {}), tensors, "extra"),
    }
    tensors |= {f"{MODEL}{name}": tensor for name, tensor in tensors_of(network).items()}
    write_checkpoint(Path(folder), content, tensors)


def load_grown(
    folder: str | Path,
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer] = (),
    *,
    scheduler: Any = None,
    scaler: Any = None,
    probe: Probe | None = None,
) -> dict[str, Any]:
    """Let a fresh network, and what is to train it, go on where those were that `save_grown` wrote into `folder`.

    Build all of them as for a first step: `model` with the sizes that it had before its first growth, `optimizer` with
    its parameters, `scheduler` with that optimizer. No data are needed, since the growths' probes are made up from
    their shapes.

    Args:
        folder: as it was saved.
        model: as it was before its first growth.
        optimizer: as many as were saved, in the same order; none if the network is only to be used.
        scheduler: as saved; several as a list.
        scaler: as saved.
        probe: a batch, if those of the growths were of a class of one's own.

    Returns:
        What was saved as `extra`.

    Raises:
        SnapshotError: the folder holds no whole checkpoint, or not one of this network; nothing was changed.
    """
    check_trained(model, optimizer)
    content, tensors = read_checkpoint(Path(folder))
    network, optimizers, schedulers = unwrapped(model), bare(optimizer), _listed(scheduler)
    _check_counts(content, optimizers, schedulers, scaler)
    before = [each.state_dict() for each in (*schedulers, *_listed(scaler))]
    try:
        with all_or_nothing(network, optimizers):
            restore_growth(model, content["growth"], tensors, probe=probe)
            values = _values(network, tensors)
            for each, saved in zip(optimizers, content["optimizers"], strict=False):
                load_optimizer(network, each, saved, tensors)
            for each, saved in zip(schedulers, content["schedulers"], strict=False):
                load_scheduler(each, saved, tensors)
            if scaler is not None:
                load_scheduler(scaler, content["scaler"], tensors)
            extra: dict[str, Any] = from_tree(content["extra"], tensors)
    except BaseException:
        for each, state in zip((*schedulers, *_listed(scaler)), before, strict=True):
            each.load_state_dict(state)
        raise
    with torch.no_grad():
        for tensor, value in values:
            tensor.copy_(value)
    _set_streams(from_tree(content["streams"], tensors))
    return extra


def _listed(value: Any) -> list[Any]:
    """Return schedulers, or a scaler, without a training library's wrappers, which add no state."""
    given = [] if value is None else value if isinstance(value, list | tuple) else [value]
    return [each.scheduler if type(each).__name__ == "AcceleratedScheduler" else each for each in given]


def _check_counts(
    content: Mapping[str, Any], optimizers: Sequence[Any], schedulers: Sequence[Any], scaler: Any
) -> None:
    saved = {"optimizers": content["optimizers"], "schedulers": content["schedulers"]}
    for what, given in (("optimizers", optimizers), ("schedulers", schedulers)):
        if given and len(given) != len(saved[what]):
            raise SnapshotError(f"expected {len(saved[what])} {what}, as were saved, found {len(given)}")
    if scaler is not None and content["scaler"] is None:
        raise SnapshotError("expected no scaler, since none was saved, found one")


def _values(model: nn.Module, tensors: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return each tensor of `model` with its saved value.

    Raises:
        SnapshotError: a tensor is missing, superfluous or of another shape; the message names it.
    """
    own = tensors_of(model)
    saved = {name.removeprefix(MODEL): value for name, value in tensors.items() if name.startswith(MODEL)}
    if different := sorted(own.keys() ^ saved.keys()):
        raise SnapshotError(f"expected the same tensors in folder and network, found {different[0]!r} in one only")
    for name, value in saved.items():
        if own[name].shape != value.shape:
            raise SnapshotError(f"expected {name!r} of shape {tuple(value.shape)}, found {tuple(own[name].shape)}")
    return [(own[name], value) for name, value in saved.items()]


def _streams() -> dict[str, Any]:
    """Return the states of all random streams that a training loop may draw from."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 -- what other code draws from
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return {
        "torch": torch.get_rng_state(),
        "cuda": devices,
        "numpy": [kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest],
        "python": random.getstate(),
    }


def _set_streams(streams: Mapping[str, Any]) -> None:
    torch.set_rng_state(streams["torch"])
    for index, state in enumerate(streams["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(state, index)
    kind, keys, *rest = streams["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    random.setstate(streams["python"])
