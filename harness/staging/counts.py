"""The cost of a run on any machine: its parameters and operations, counted on its networks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.core.seeding import seeded_global_stream
from harness.data import TaskData
from harness.growth import GrowthEvent
from harness.growth.freeze import candidates
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.training.forward import forward_batch, needs_of
from harness.training.loop import batches_of
from harness.training.operations import flops_of
from harness.training.output_specs import output_specs
from harness.training.rehearsal import stand_in
from harness.training.state import TrainState, fresh_state
from harness.training.step import batch_loss

__all__ = ["Counts", "count"]

FEW = 2  # with one alone, a batch norm would have nothing to compare


@dataclass(frozen=True)
class Counts:
    """The parameters and operations of a run.

    Attributes:
        parameters: at the end, including frozen ones, without those born untrainable and those of a teacher.
        trainable: those of them that are trained at the end.
        flops: floating-point operations of forward and backward passes, by stage, as `flops_of` counts them.
    """

    parameters: int
    trainable: int
    flops: tuple[int, ...]


def count(config: RunConfig, data: TaskData, lineage: Sequence[GrowthEvent], *, last: int | None = None) -> Counts:
    """Build the networks of a run once more, and count.

    Operations are those of the run trained alone: shared stages and cached features do not reduce them. They are
    counted for two examples and multiplied, so operations that do not depend on the batch size count too often.

    Args:
        config: of the run.
        data: of its task.
        lineage: all its growths.
        last: the step at which it ended; by default that of its configuration.
    """
    model = build_network(config, data)
    state = fresh_state(model, config.training.optimizer, seed=config.seed, precision=config.precision)
    last = config.steps if last is None else last
    ends = [*(event.step for event in lineage), last]
    flops = [sum(_flops_until(state, ends[0], config, data))]
    for event, end in zip(lineage, ends[1:], strict=True):
        state.step = event.step
        state.grow(event.change, probe=probe_for(event.change, data))
        flops.append(sum(_flops_until(state, end, config, data)))
    owned = {name: value for name, value in state.identities.parameters().items() if state.identities[name].trainable}
    frozen = _frozen_at(state, last)
    return Counts(
        parameters=sum(value.numel() for value in owned.values()),
        trainable=sum(owned[name].numel() for name in owned.keys() - frozen),
        flops=tuple(flops),
    )


def _flops_until(state: TrainState, end: int, config: RunConfig, data: TaskData) -> Iterator[int]:
    """Yield the operations of the steps from here to `end`, one number for each set of frozen parameters."""
    start = state.step
    changes = state.lineage[-1].change.freeze.changes() if state.lineage else ()
    for step, next_step in pairwise([start, *(start + age for age in sorted(changes) if start + age < end), end]):
        state.step = step
        if step > start:
            state.refreeze()
        yield (next_step - step) * _flops_of_step(state, config, data)


def _flops_of_step(state: TrainState, config: RunConfig, data: TaskData) -> int:
    specs = output_specs(state.model, state.lineage, state.effects, data)
    known = specs.label_map.known(data.train.labels).nonzero().squeeze(1)
    examples = data.train.take(known[:FEW])

    def passes() -> None:
        batch = forward_batch(state, examples, specs, needs_of(config.training.losses.values()))
        batch_loss(state, batch, config.training).total.backward()

    state.set_train_mode()
    with seeded_global_stream(config.seed, "count", device=state.device):
        flops = flops_of(passes)
    state.optimizer.zero_grad(set_to_none=True)
    state.memory = stand_in(data, config.training, specs)
    size = batches_of(state, data, config.training, specs.label_map).size
    return flops * size // len(examples)


def _frozen_at(state: TrainState, step: int) -> frozenset[str]:
    if not state.lineage:
        return frozenset()
    last, growths = state.lineage[-1], len(state.lineage)
    return last.change.freeze.frozen(candidates(state.model, state.identities), growth=growths, age=step - last.step)
