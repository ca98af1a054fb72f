"""Snapshots: a training state as safetensors and JSON, and back, to the bit; `snapshot_format` describes the file."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

from harness.core.errors import SnapshotError
from harness.growth import Change, GrowthEvent
from harness.growth.identities import Identities
from harness.growth.lineage import replay
from harness.growth.probe import Probe
from harness.losses import LossState
from harness.models import GrowableModel
from harness.staging.captured_snapshot import captured
from harness.staging.snapshot_format import AVERAGE, LOSS, MEMORY, MODEL, OPTIMIZER, SnapshotFile, as_metadata
from harness.training.average import EMA, WeightAverage
from harness.training.exemplars import Exemplars
from harness.training.optimizers import AbstractOptimizer
from harness.training.precision import Precision
from harness.training.state import TrainState, fresh_state

__all__ = ["capture_snapshot", "read_snapshot", "write_snapshot"]

INDICES, OUTPUTS, SEEN = "indices", "outputs/", "seen"


def write_snapshot(state: TrainState) -> bytes:
    """Return the bytes of a snapshot of `state`."""
    return bytes(capture_snapshot(state))


def capture_snapshot(state: TrainState) -> memoryview:
    """Return the same without another copy."""
    ids = {id(parameter): name for name, parameter in state.identities.parameters().items()}
    tensors = {f"{MODEL}{name}": tensor for name, tensor in state.identities.tensors().items()}
    if state.average is not None:
        tensors |= {f"{AVERAGE}{name}": tensor for name, tensor in state.average.identities.tensors().items()}
    tensors |= {
        f"{LOSS}{name}/{what}/{key}": tensor
        for name, kept in state.loss_states.items()
        for what, by_id in kept.items()
        for key, tensor in by_id.items()
    }
    if state.memory is not None:
        tensors |= {f"{MEMORY}{name}": tensor for name, tensor in _of_memory(state.memory).items()}
    plain: dict[str, dict[str, Any]] = {}
    for parameter, moments in state.optimizer.state.items():
        for key, value in moments.items():
            if isinstance(value, Tensor):
                tensors[f"{OPTIMIZER}{ids[id(parameter)]}/{key}"] = value
            else:
                plain.setdefault(ids[id(parameter)], {})[key] = value
    header = {
        "step": state.step,
        "lineage": [event.to_json() for event in state.lineage],
        "groups": [
            {**group, "params": [ids[id(parameter)] for parameter in group["params"]]}
            for group in state.optimizer.param_groups
        ],
        "moments": plain,
        "scaler": state.scaler.state_dict(),
        **({} if state.memory is None else {SEEN: state.memory.seen}),
    }
    return captured(tensors, as_metadata(header))


def read_snapshot(
    content: bytes,
    model: GrowableModel,
    optimizer: AbstractOptimizer,
    *,
    probe: Callable[[Change], Probe],
    seed: int,
    precision: Precision,
    average: EMA | None = None,
) -> TrainState:
    """Return the state in `content`; `model` is the network as it was at step 0, freshly built.

    The lineage is replayed first, so that the network has its shape before values are loaded.

    Raises:
        SnapshotError: a tensor is missing, superfluous or of another shape; the message names it.
    """
    header, tensors = SnapshotFile.parse(content).state, load(content)
    state = fresh_state(model, optimizer, seed=seed, precision=precision)
    state.step = header["step"]
    state.lineage = tuple(GrowthEvent.model_validate(event) for event in header["lineage"])
    state.identities, state.loss_weights, state.effects = replay(model, state.lineage, probe=probe)
    if average is not None:
        state.average = WeightAverage(average, model, state.identities)
        _load(state.average.identities, _under(AVERAGE, tensors))
    _load(state.identities, _under(MODEL, tensors))
    _load_optimizer(state, header, tensors)
    state.loss_states = _loss_states(state.learnable, _under(LOSS, tensors))
    state.scaler.load_state_dict(header["scaler"])
    if SEEN in header:
        state.memory = _memory(_under(MEMORY, tensors), header[SEEN])
    state.refreeze()
    return state


def _of_memory(memory: Exemplars) -> dict[str, Tensor]:
    return {INDICES: memory.indices, **{f"{OUTPUTS}{name}": values for name, values in memory.outputs.items()}}


def _memory(tensors: Mapping[str, Tensor], seen: int) -> Exemplars:
    outputs = {n.removeprefix(OUTPUTS): values for n, values in tensors.items() if n.startswith(OUTPUTS)}
    return Exemplars(tensors[INDICES], outputs, seen)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _load(identities: Identities, stored: Mapping[str, Tensor]) -> None:
    present = identities.tensors()
    if different := sorted(present.keys() ^ stored.keys()):
        raise SnapshotError(f"expected the same tensors in snapshot and network, found {different[0]!r} in one only")
    with torch.no_grad():
        for name, tensor in present.items():
            if tensor.shape != stored[name].shape:
                raise SnapshotError(
                    f"expected {name!r} of shape {tuple(tensor.shape)}, found {tuple(stored[name].shape)}"
                )
            tensor.copy_(stored[name])


def _loss_states(parameters: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> dict[str, LossState]:
    states: dict[str, dict[str, dict[str, Tensor]]] = {}
    for path, tensor in stored.items():
        name, what, key = path.split("/", 2)
        _check_moments(key, parameters[key], {what: tensor})
        # On the parameter's device and in its memory format, in whose order sums are made.
        kept = torch.empty_like(parameters[key], dtype=tensor.dtype, requires_grad=False).copy_(tensor)
        states.setdefault(name, {}).setdefault(what, {})[key] = kept
    return dict(states)


def _check_moments(name: str, parameter: Tensor, moments: dict[str, Tensor]) -> None:
    for key, value in moments.items():
        if value.numel() != 1 and value.shape != parameter.shape:
            raise SnapshotError(
                f"expected {key!r} of {name!r} of shape {tuple(parameter.shape)}, found {tuple(value.shape)}"
            )


def _load_optimizer(state: TrainState, header: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    parameters, fused = state.identities.parameters(), state.optimizer.param_groups[0].get("fused")
    # A state that comes from a CPU is updated on a GPU as those that began there.
    kernel = {"fused": fused} if state.device.type == "cuda" and "fused" in header["groups"][0] else {}
    state.optimizer.param_groups[:] = [
        {
            **{key: tuple(value) if isinstance(value, list) else value for key, value in group.items()},
            **kernel,
            "params": [parameters[name] for name in group["params"]],
        }
        for group in header["groups"]
    ]
    for name, parameter in parameters.items():
        prefix = f"{OPTIMIZER}{name}/"
        moments = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}
        _check_moments(name, parameter, moments)
        # Moments live beside their parameter; Adam's step counter lives on the CPU, but for a fused kernel.
        beside = {key for key, value in moments.items() if value.shape == parameter.shape or (fused and key == "step")}
        moved = {key: v.to(parameter.device) if key in beside else v for key, v in moments.items()}
        if stored := {**moved, **header["moments"].get(name, {})}:
            state.optimizer.state[parameter] = stored
