from collections.abc import Iterator

import pytest
import torch

from harness.core.errors import SpecError
from harness.core.history import History
from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.growth import AttachHead, NoFreezing, Unchanged
from harness.growth.lineage import Change
from harness.growth.probe import Probe
from harness.growth.rules import TriggerMonitor
from harness.models import ConvNet, GrowableModel
from harness.training.config import TrainingConfig
from harness.training.held_out import held_out, held_out_probe
from harness.training.loop import StageLoop
from harness.training.memory import AbstractMemory, Herding, RandomExamples, Reservoir
from harness.training.optimizers import SGD
from harness.training.output_specs import output_specs
from harness.training.rehearsal import filled, grown_memory
from harness.training.state import TrainState, fresh_state

LATE = Change(operation=AttachHead(name="late", outputs=2, tap="hidden"), freeze=NoFreezing())


@pytest.fixture
def data() -> TaskData:
    """Five classes, twelve examples each; an example's inputs are its number."""
    labels = torch.arange(60) % 5
    images = torch.arange(60.0).view(60, 1, 1, 1).expand(60, 1, 8, 8).clone() / 30
    split = Split(images, labels)
    return TaskData(split, split, split, {"known": (0, 1, 2), "late": (3, 4)})


@pytest.fixture
def state() -> TrainState:
    model = GrowableModel(ConvNet(image=(1, 8, 8), channels=(4,), hidden=6).build(3), "known")
    return fresh_state(model, SGD(lr=0.05), seed=0, precision="fp32")


def specs_of(state: TrainState, data: TaskData) -> OutputSpecs:
    return output_specs(state.model, state.lineage, state.effects, data)


def grow(state: TrainState, data: TaskData, config: TrainingConfig, change: Change = LATE) -> None:
    memory = filled(state, data, config, specs_of(state, data))
    state.grow(change, probe=Probe(data.train.inputs[:2]))
    state.memory = grown_memory(state, memory, data, specs_of(state, data))


def trained_on(state: TrainState, data: TaskData, config: TrainingConfig) -> Iterator[int]:
    """Yield the numbers of the examples in the next batches."""
    loop = StageLoop(state, state.step + 20, config=config, data=data, monitor=TriggerMonitor(()), history=History())
    for _ in range(15):
        yield from (round(value) for value in (loop.next_batch().inputs[:, 0, 0, 0] * 30).tolist())
        loop.advance()


def held(state: TrainState, data: TaskData, config: TrainingConfig) -> torch.Tensor:
    return held_out(state, data.train.labels, config, specs_of(state, data).label_map).nonzero().squeeze(1)


@pytest.mark.parametrize(
    "memory",
    [
        RandomExamples(per_class=10, held_out=0.2, fraction=0.5),
        Herding(per_class=10, tap="hidden", held_out=0.2),
        Reservoir(size=36, held_out=0.1, per_batch=4),
    ],
    ids=lambda memory: str(memory.kind),
)
def test_as_many_of_each_class_are_held_out_and_no_step_is_trained_on_them(
    memory: AbstractMemory, state: TrainState, data: TaskData
) -> None:
    config = TrainingConfig(batch_size=8, memory=memory, evaluate_every=100)
    grow(state, data, config)
    each = 1 if memory.kind == "reservoir" else 2

    chosen = held(state, data, config)

    assert state.memory is not None
    assert torch.bincount(data.train.labels[chosen]).tolist() == [each] * 5
    assert set(chosen[data.train.labels[chosen] < 3].tolist()) <= set(state.memory.indices.tolist())
    seen = set(trained_on(state, data, config))
    remembered, new = set(state.memory.indices.tolist()), set((data.train.labels >= 3).nonzero().flatten().tolist())
    assert seen == (remembered | new) - set(chosen.tolist())


def test_they_stay_the_same_until_the_next_arrival(state: TrainState, data: TaskData) -> None:
    config = TrainingConfig(memory=RandomExamples(per_class=6, held_out=0.5))
    grow(state, data, config)
    before = held(state, data, config)

    grow(state, data, config, Change(operation=Unchanged(), freeze=NoFreezing()))

    assert torch.equal(held(state, data, config), before)


def test_before_classes_arrive_and_where_nothing_is_held_out_every_example_is_trained_on(
    state: TrainState, data: TaskData
) -> None:
    config = TrainingConfig(memory=RandomExamples(per_class=6, held_out=0.5))
    assert not len(held(state, data, config))
    grow(state, data, config)

    for memory in (None, RandomExamples(per_class=6), RandomExamples(size=0, held_out=0.5)):
        state.memory = state.memory if memory and memory.per_class else None
        assert not len(held(state, data, TrainingConfig(memory=memory)))


def test_one_example_of_a_class_is_trained_on(state: TrainState, data: TaskData) -> None:
    config = TrainingConfig(memory=RandomExamples(size=4, held_out=0.5))  # two of the first class, one of the others
    grow(state, data, config)

    assert torch.bincount(data.train.labels[held(state, data, config)], minlength=5).tolist() == [1, 0, 0, 1, 1]


def test_the_probe_has_the_cross_entropy_of_all_classes(state: TrainState, data: TaskData) -> None:
    config = TrainingConfig(memory=RandomExamples(per_class=6, held_out=0.5))
    grow(state, data, config)
    chosen = held(state, data, config)

    probe = held_out_probe(state, data, config, specs_of(state, data))

    outputs = state.model(data.train.inputs[chosen])
    logits = torch.cat([outputs["known"], outputs["late"]], dim=1)
    assert torch.equal(probe.inputs, data.train.inputs[chosen])
    torch.testing.assert_close(
        probe.loss_of(outputs), torch.nn.functional.cross_entropy(logits, data.train.labels[chosen])
    )


def test_without_any_an_operation_is_refused(state: TrainState, data: TaskData) -> None:
    config = TrainingConfig(memory=RandomExamples(size=3, held_out=0.5))
    grow(state, data, config)

    with pytest.raises(SpecError, match="expected examples that are held out at step 0, found none"):
        held_out_probe(state, data, config, specs_of(state, data))
