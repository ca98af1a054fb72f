from collections.abc import Iterator
from typing import Any

import pytest
import torch

from harness.core.history import History
from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.growth import AttachHead, NoFreezing, Unchanged, WidenHead
from harness.growth.lineage import Change
from harness.growth.probe import Probe
from harness.growth.rules import TriggerMonitor
from harness.losses import Batch, DarkExperience, JointCrossEntropy, OfExamples
from harness.models import ConvNet, GrowableModel
from harness.models.eval_mode import eval_mode
from harness.training.config import TrainingConfig
from harness.training.evaluation import evaluate, forward_split
from harness.training.exemplars import Exemplars
from harness.training.forward import Needs
from harness.training.loop import StageLoop
from harness.training.memory import AbstractMemory, AllExamples, Herding, LargestLoss, RandomExamples, Reservoir
from harness.training.nearest_mean import NearestMean
from harness.training.optimizers import SGD
from harness.training.output_specs import output_specs
from harness.training.rehearsal import filled, grown_memory, nearest_mean, stand_in, without_forgotten
from harness.training.state import TrainState, fresh_state

LOSSES = {"classes": OfExamples(which="new", loss=JointCrossEntropy()), "stored": DarkExperience()}
PLAIN = {"classes": JointCrossEntropy()}
LATE = Change(operation=AttachHead(name="late", outputs=1, tap="hidden"), freeze=NoFreezing())
MORE = Change(operation=WidenHead(path="heads.late.output", to=2), freeze=NoFreezing(), reveals=(4,))


@pytest.fixture
def data() -> TaskData:
    """Five classes, twelve examples each; an example's inputs are its number."""
    labels = torch.arange(60) % 5
    images = torch.arange(60.0).view(60, 1, 1, 1).expand(60, 1, 8, 8).clone() / 30
    split = Split(images, labels)
    return TaskData(split, split, split, {"known": (0, 1, 2), "late": (3,)})


@pytest.fixture
def state() -> TrainState:
    model = GrowableModel(ConvNet(image=(1, 8, 8), channels=(4,), hidden=6).build(3), "known")
    return fresh_state(model, SGD(lr=0.05), seed=0, precision="fp32")


def config_of(memory: AbstractMemory, **changes: Any) -> TrainingConfig:
    return TrainingConfig(batch_size=8, memory=memory, evaluate_every=100, **changes)


def specs_of(state: TrainState, data: TaskData) -> OutputSpecs:
    return output_specs(state.model, state.lineage, state.effects, data)


def grow(state: TrainState, data: TaskData, config: TrainingConfig, change: Change) -> Exemplars:
    memory = filled(state, data, config, specs_of(state, data))
    state.grow(change, probe=Probe(data.train.inputs[:2]))
    state.memory = grown_memory(state, memory, data, specs_of(state, data))
    assert state.memory is not None
    return state.memory


def loop_of(state: TrainState, data: TaskData, config: TrainingConfig) -> StageLoop:
    return StageLoop(state, state.step + 20, config=config, data=data, monitor=TriggerMonitor(()), history=History())


def batches(loop: StageLoop, count: int = 15) -> Iterator[Split]:
    for _ in range(count):
        yield loop.next_batch()
        loop.advance()


def numbers(batch: Split) -> set[int]:
    return {round(value) for value in (batch.inputs[:, 0, 0, 0] * 30).tolist()}


WAYS = [
    Herding(per_class=2, tap="hidden", fraction=0.4),
    LargestLoss(size=6, per_batch=4),
    RandomExamples(size=6),
    Reservoir(size=5, per_batch=20),
    RandomExamples(size=0, per_batch=4),
]


@pytest.mark.parametrize("memory", WAYS, ids=lambda memory: f"{memory.kind} {memory.fraction} {memory.per_batch}")
def test_old_examples_come_from_the_memory_alone(memory: AbstractMemory, state: TrainState, data: TaskData) -> None:
    config = config_of(memory)
    for change, label in ((LATE, 3), (MORE, 4)):
        held = set(grow(state, data, config, change).indices.tolist())
        new = set((data.train.labels == label).nonzero().squeeze(1).tolist())

        seen = set[int]().union(*map(numbers, batches(loop_of(state, data, config))))

        assert seen == new | held
        assert held.isdisjoint(new)
        assert len(held) == memory.room(data.train.labels[data.train.labels < label])


@pytest.mark.parametrize(
    ("memory", "new", "old"),
    [
        (AllExamples(fraction=0.25), 6, 2),
        (AllExamples(per_batch=5), 8, 5),
        (RandomExamples(size=3, per_batch=5), 8, 3),
        (RandomExamples(size=1, fraction=0.99), 7, 1),
    ],
)
def test_a_batch_has_as_many_of_both_as_asked(
    memory: AbstractMemory, new: int, old: int, state: TrainState, data: TaskData
) -> None:
    config = config_of(memory, losses=LOSSES)
    grow(state, data, config, LATE)

    batch = loop_of(state, data, config).next_batch()

    assert (batch.new, len(batch)) == (new, new + old)
    assert (batch.labels[:new] == 3).all()
    assert (batch.labels[new:] < 3).all()


def test_answers_are_those_of_the_network_when_an_example_was_stored(state: TrainState, data: TaskData) -> None:
    config, answers = config_of(RandomExamples(size=9, per_batch=4), losses=LOSSES), []
    for change in (LATE, MORE):
        for _ in batches(loop_of(state, data, config), 3):
            pass
        with eval_mode(state.model), torch.no_grad():
            answers.append(state.model(data.train.inputs))
        memory = grow(state, data, config, change)

    arrived = data.train.labels[memory.indices]
    first, second = (memory.indices[arrived < 3], memory.indices[arrived == 3])
    nan = torch.full((9, 1), torch.nan)
    known = torch.cat([answers[0]["known"][first], answers[1]["known"][second]])
    late = torch.cat([torch.cat([nan[: len(first)], answers[1]["late"][second]]), nan], dim=1)
    torch.testing.assert_close(dict(memory.outputs), {"known": known, "late": late}, equal_nan=True)
    for batch in batches(loop_of(state, data, config), 3):
        assert batch.new is not None
        places = [memory.indices.tolist().index(number) for number in (batch.inputs[batch.new :, 0, 0, 0] * 30).long()]
        assert torch.equal(batch.stored["known"][batch.new :], memory.outputs["known"][places])


def test_what_a_memory_asks_is_measured_on_the_network_before_the_growth(state: TrainState, data: TaskData) -> None:
    with eval_mode(state.model), torch.no_grad():
        losses = torch.nn.functional.cross_entropy(
            state.model(data.train.inputs)["known"], data.train.labels.clamp(max=2), reduction="none"
        )

    memory = grow(state, data, config_of(LargestLoss(per_class=2)), LATE)

    own = [(data.train.labels == label).nonzero().squeeze(1) for label in range(3)]
    assert memory.indices.tolist() == [int(x) for rows in own for x in rows[losses[rows].argsort(descending=True)[:2]]]
    assert memory.outputs == {}


def test_a_growth_that_brings_no_class_changes_no_memory(state: TrainState, data: TaskData) -> None:
    config = config_of(Reservoir(size=5))
    before = grow(state, data, config, LATE)

    after = grow(state, data, config, Change(operation=Unchanged(), freeze=NoFreezing()))

    assert torch.equal(after.indices, before.indices)
    assert after.seen == before.seen == 36


def test_what_is_forgotten_is_gone_for_those_who_look_at_examples(state: TrainState, data: TaskData) -> None:
    config = config_of(RandomExamples(size=4))
    assert without_forgotten(state, data, config, specs_of(state, data)) is data
    memory = grow(state, data, config, LATE)

    left = without_forgotten(state, data, config, specs_of(state, data)).train

    unseen = set((data.train.labels >= 3).nonzero().squeeze(1).tolist())
    assert numbers(left) == unseen | set(memory.indices.tolist())
    assert len(left) == 28


def test_a_stand_in_has_the_size_of_the_memory(state: TrainState, data: TaskData) -> None:
    config = config_of(RandomExamples(size=7))
    memory = grow(state, data, config, LATE)

    other = stand_in(data, config, specs_of(state, data))

    assert other is not None
    assert len(other.indices) == len(memory.indices) == 7
    assert stand_in(data, TrainingConfig(), specs_of(state, data)) is None


def test_without_a_memory_there_is_none(state: TrainState, data: TaskData) -> None:
    assert filled(state, data, TrainingConfig(), specs_of(state, data)) is None
    state.grow(LATE, probe=Probe(data.train.inputs[:2]))
    assert grown_memory(state, None, data, specs_of(state, data)) is None


def test_only_loops_that_recall_answers_are_never_packed(state: TrainState, data: TaskData) -> None:
    plain, recalling = (config_of(RandomExamples(size=6, per_batch=4), losses=losses) for losses in (PLAIN, LOSSES))
    assert loop_of(state, data, recalling).signature is not None
    grow(state, data, recalling, LATE)

    assert loop_of(state, data, recalling).signature is None
    assert loop_of(state, data, plain).signature is not None


def test_means_are_of_the_examples_that_the_memory_would_hold_now(state: TrainState, data: TaskData) -> None:
    config = config_of(Herding(size=9, tap="hidden", per_batch=4), nearest_mean="hidden")
    grow(state, data, config, LATE)
    for _ in batches(loop_of(state, data, config), 4):
        pass
    specs = specs_of(state, data)

    means, held = nearest_mean(state, data, config, specs), filled(state, data, config, specs)

    assert means is not None
    assert held is not None
    labels = data.train.labels[held.indices]
    examples = data.train.inputs[held.indices]
    features = forward_split(state, Split(examples, labels), specs, Needs(taps=("hidden",))).features["hidden"]
    torch.testing.assert_close(means.means, NearestMean.of("hidden", features, labels).means)
    assert means.classes.tolist() == [0, 1, 2, 3]


def test_evaluations_answer_by_means_and_measure_the_losses_of_logits(state: TrainState, data: TaskData) -> None:
    memory, rows = RandomExamples(per_class=12), torch.arange(60)
    data.train.inputs.zero_()[rows, 0, data.train.labels] = 3  # by which classes can be told apart
    plain, by_means = config_of(memory), config_of(memory, nearest_mean="hidden")
    specs, shown = specs_of(state, data), list[Batch]()
    answers = nearest_mean(state, data, by_means, specs)

    expected = evaluate(state, data.validation, plain, specs)
    found = evaluate(state, data.validation, by_means, specs, answers=answers, on_block=shown.append)

    assert nearest_mean(state, data, plain, specs) is None
    assert {name: found[name] for name in found if name.startswith("loss")} == {
        name: expected[name] for name in expected if name.startswith("loss")
    }
    right = shown[0].outputs["known"].argmax(dim=1) == data.validation.labels
    assert found["accuracy/all"] == right.double().mean().item() == 0.6  # two classes are not known yet
    assert expected["accuracy/all"] < 0.6
    assert loop_of(state, data, by_means).signature is None
    assert loop_of(state, data, by_means)._metrics["val/accuracy/all"] == found["accuracy/all"]
