"""The forward pass of a network and of its teacher: nothing else calls them in training and evaluation."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from torch import Tensor

from harness.core.inputs import Inputs
from harness.core.output_specs import OutputSpecs
from harness.data import Split
from harness.losses import AbstractLoss, Batch
from harness.models.taps import capture
from harness.models.teacher import teacher_of
from harness.training.precision import autocast
from harness.training.state import TrainState

__all__ = ["Forward", "Needs", "forward_batch", "needs_of", "teacher_outputs"]

Forward = Callable[[Split], dict[str, Tensor]]


@dataclass(frozen=True)
class Needs:
    """What losses read besides the outputs.

    Attributes:
        taps: the modules whose features are read.
        teacher: whether the teacher is called, if there is one.
        memory: whether they tell examples that come from a memory from new ones.
    """

    taps: tuple[str, ...] = ()
    teacher: bool = False
    memory: bool = False


def needs_of(losses: Iterable[AbstractLoss]) -> Needs:
    """Return what `losses` read."""
    every = list(losses)
    return Needs(
        taps=tuple(sorted({tap for loss in every for tap in loss.taps})),
        teacher=any(loss.needs_teacher for loss in every),
        memory=any(loss.needs_memory for loss in every),
    )


def forward_batch(
    state: TrainState, examples: Split, specs: OutputSpecs, needs: Needs | None = None, forward: Forward | None = None
) -> Batch:
    """Call the network once, under autocast, in the modes that its modules are in.

    Args:
        state: the network and its precision.
        examples: its inputs and targets.
        specs: what its outputs predict.
        needs: what losses read besides the outputs.
        forward: called instead of the network; it must return the same.
    """
    needs = needs or Needs()
    watched: AbstractContextManager[dict[str, Tensor]] = (
        capture(state.model.backbone, needs.taps) if needs.taps else nullcontext({})
    )
    with autocast(state.precision, state.device), watched as features:
        outputs = state.model(examples.inputs) if forward is None else forward(examples)
        teacher, old = teacher_outputs(state, examples.inputs, needs)
    return Batch(
        outputs=outputs,
        inputs=examples.inputs,
        labels=examples.labels,
        specs=specs,
        targets=examples.targets,
        features=features,
        teacher=teacher,
        teacher_features=old,
        states=state.loss_states,
        parameters=state.learnable if state.loss_states else {},
        stored=examples.stored,
        new=examples.new,
    )


def teacher_outputs(
    state: TrainState, inputs: Inputs, needs: Needs
) -> tuple[dict[str, Tensor] | None, dict[str, Tensor]]:
    """Return what the teacher makes of `inputs`, and its features at the taps; None and nothing without one."""
    teacher = teacher_of(state.model) if needs.teacher else None
    if teacher is None:
        return None, {}
    # A teacher is in eval mode and draws nothing, so the network's random numbers stay the same.
    return teacher.forward(inputs, needs.taps)
