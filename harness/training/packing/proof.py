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

NOISE = 1e-2
UNSURE = 0.4  # saved, below which single steps are measured twice

_Steps = Sequence[Mapping[str, Tensor]]  # tensors by name, of each loop


@dataclass(frozen=True)
class Proof:
    """What came of a proof.

    Attributes:
        holds: whether all bits are the same.
        saved: the part of the processor time of single steps that a packed step saves; negative if it costs more.
        is_finite: whether all losses were; if one was not, nothing is proved of its run.
    """

    holds: bool
    saved: float
    is_finite: bool = True


def prove(loops: Sequence["StageLoop"], packed: PackedStep) -> Proof:
    """Compare a packed step with single steps from the same states, which are the same afterwards as before.

    The states have noise added to all parameters meanwhile: what is zero at first, as a new head can be, hides how
    other values are rounded.
    """
    states = _States(loops, packed)
    try:
        together = states.after(lambda: _rows(packed(), len(loops)))
        apart = states.after(lambda: _single_steps(loops))
        seconds, single = together.seconds, apart.seconds
        if 1 - seconds / single < UNSURE:  # the first time, much is prepared
            seconds = min(seconds, states.after(lambda: _rows(packed(), len(loops))).seconds)
        if 0 < 1 - seconds / single < UNSURE:  # one measurement may have been disturbed
            single = min(single, states.after(lambda: _single_steps(loops)).seconds)
    finally:
        states.put_back()
    holds = _same(together.measured, apart.measured) and _same(together.tensors, apart.tensors)
    is_finite = all(bool(one["loss/total"].isfinite() & one["grad_norm"].isfinite()) for one in apart.measured)
    return Proof(holds and is_finite, 1 - seconds / single, is_finite)


@dataclass(frozen=True)
class _Result:
    """What a step measured, the tensors that it left, by loop and name, and the processor time that it took."""

    measured: _Steps
    tensors: _Steps
    seconds: float


class _States:
    """The states of loops, from which a step can be made again and again."""

    def __init__(self, loops: Sequence["StageLoop"], packed: PackedStep) -> None:
        self._loops, self._packed = loops, packed
        self._states = [loop.state for loop in loops]
        self._memories = [{own: dict(memory) for own, memory in loop.state.optimizer.state.items()} for loop in loops]
        self._steps = [state.step for state in self._states]
        self._kept = [_copies(_tensors(state)) for state in self._states]

    def after(self, step: Callable[[], _Steps]) -> _Result:
        """Return the result of a step from the kept states with noise added."""
        self.put_back(NOISE)
        began = time.thread_time()
        measured = step()
        seconds = time.thread_time() - began
        return _Result(measured, [_copies(_tensors(state)) for state in self._states], seconds)

    def put_back(self, noise: float = 0.0) -> None:
        """Give the states the values that they had."""
        self._forget_new()
        stream = torch.Generator().manual_seed(0)
        for state, step, kept in zip(self._states, self._steps, self._kept, strict=True):
            state.step = step
            tensors = _tensors(state)
            with torch.no_grad():
                for name, value in kept.items():
                    tensors[name].copy_(value)
                    if noise and name.startswith("model/") and value.is_floating_point():
                        tensors[name].add_(torch.randn(value.shape, generator=stream).abs().to(value), alpha=noise)

    def _forget_new(self) -> None:
        """Take from the optimizers what they did not remember before, as after a step that was skipped."""
        for loop, memories in zip(self._loops, self._memories, strict=True):
            remembered = loop.state.optimizer.state
            if {own: memory.keys() for own, memory in remembered.items()} != {
                own: memory.keys() for own, memory in memories.items()
            }:
                remembered.clear()
                remembered.update({own: dict(memory) for own, memory in memories.items()})
                loop.step.update.forget()
                self._packed.forget()


def _single_steps(loops: Sequence["StageLoop"]) -> _Steps:
    return [loop.step(loop.next_batch(), loop.feed.forward) for loop in loops]


def _rows(measured: Mapping[str, Tensor], count: int) -> _Steps:
    return [{name: values[row] for name, values in measured.items()} for row in range(count)]


def _tensors(state: TrainState) -> dict[str, Tensor]:
    """Return all tensors that a step may change, by name."""
    tensors = {f"model/{name}": tensor.detach() for name, tensor in state.model.state_dict().items()}
    for index, memory in enumerate(state.optimizer.state.values()):
        tensors |= {f"{index}/{name}": value for name, value in memory.items() if isinstance(value, Tensor)}
    return tensors


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def _same(left: _Steps, right: _Steps) -> bool:
    return all(
        one.keys() == other.keys() and all(_same_bits(one[name], other[name]) for name in one)
        for one, other in zip(left, right, strict=True)
    )


def _same_bits(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return torch.equal(_bytes(one), _bytes(other))


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().view(-1).view(torch.uint8)
