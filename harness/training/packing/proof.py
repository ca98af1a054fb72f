"""Proof, on the batches at hand, that a packed step gives each run the bits of its own step; and what it saves."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.training.packing.step import PackedStep
from harness.training.state import TrainState

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["Proof", "prove"]

NOISE = 1e-2  # added to all parameters once: what is zero at first, as a new head can be, hides how others are rounded


@dataclass(frozen=True)
class Proof:
    """What came of a proof.

    Attributes:
        holds: whether all bits are the same.
        saved: the part of the processor time of single steps that a packed step saves; negative if it costs more.
    """

    holds: bool
    saved: float


def prove(loops: Sequence["StageLoop"], packed: PackedStep) -> Proof:
    """Compare a packed step with single steps from the same states, which are the same afterwards as before.

    The comparison is made twice: from the states as they are, and with noise added to all parameters.
    """
    states = [loop.state for loop in loops]
    before = [_tensors(state) for state in states]
    kept = [{name: tensor.clone() for name, tensor in tensors.items()} for tensors in before]
    spent: dict[str, list[float]] = {"packed": [], "single": []}
    holds = True
    for noise in (0.0, NOISE):
        results = []
        for kind, run in (("packed", lambda: _rows(packed(), len(loops))), ("single", lambda: _single_steps(loops))):
            _put_back(before, kept, noise)
            began = time.thread_time()
            measured = run()
            spent[kind].append(time.thread_time() - began)
            results.append((measured, [{n: t.clone() for n, t in _tensors(state).items()} for state in states]))
            for state in states:
                state.step -= 1
        holds = holds and _same(*results)
    _put_back(before, kept, 0.0)
    return Proof(holds, 1 - min(spent["packed"]) / min(spent["single"]))


def _single_steps(loops: Sequence["StageLoop"]) -> list[Mapping[str, Tensor]]:
    measured = []
    for loop in loops:
        examples = loop.feed.data.train.take(loop.batches.indices(loop.state.age))
        measured.append(loop.step(examples, loop.feed.forward))
    return measured


def _rows(measured: Mapping[str, Tensor], count: int) -> list[Mapping[str, Tensor]]:
    return [{name: values[row] for name, values in measured.items()} for row in range(count)]


def _tensors(state: TrainState) -> dict[str, Tensor]:
    """Return all tensors that a step may change, by name."""
    tensors = {f"model/{name}": tensor.detach() for name, tensor in state.model.state_dict().items()}
    for index, memory in enumerate(state.optimizer.state.values()):
        tensors |= {f"{index}/{name}": value for name, value in memory.items() if isinstance(value, Tensor)}
    return tensors


def _put_back(
    tensors: Sequence[Mapping[str, Tensor]], kept: Sequence[Mapping[str, Tensor]], noise: float
) -> None:
    stream = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for own, values in zip(tensors, kept, strict=True):
            for name, value in values.items():
                own[name].copy_(value)
                if noise and name.startswith("model/") and value.is_floating_point():
                    own[name].add_(torch.randn(value.shape, generator=stream).abs().to(value), alpha=noise)


_Result = tuple[list[Mapping[str, Tensor]], list[dict[str, Tensor]]]


def _same(one: _Result, other: _Result) -> bool:
    pairs = [*zip(one[0], other[0], strict=True), *zip(one[1], other[1], strict=True)]
    return all(left.keys() == right.keys() and all(map(_same_bits, left.values(), right.values())) for left, right in pairs)


def _same_bits(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    views: Callable[[Tensor], Tensor] = lambda tensor: tensor.detach().contiguous().view(-1).view(torch.uint8)  # noqa: E731
    return torch.equal(views(one), views(other))
