import copy

import pytest
import torch

from harness.core.errors import SpecError
from harness.growth import AttachHead, GrowthEvent, NoFreezing
from harness.growth.identities import Identities
from harness.growth.lineage import Change, replay
from harness.growth.probe import Probe
from harness.losses import Ramp, Uncertainty
from harness.models import GrowableModel
from harness.models.teacher import Teacher


def event(number: int) -> GrowthEvent:
    operation = AttachHead(name=f"head{number}", outputs=2, tap=f"blocks.{number}", width=number)
    return GrowthEvent(step=number, change=Change(operation=operation, freeze=NoFreezing(), loss_weight=number + 0.5))


def test_a_replay_gives_the_same_ids_and_shapes(conv_model: GrowableModel, images: torch.Tensor) -> None:
    fresh, lineage = copy.deepcopy(conv_model), (event(0), event(1))
    identities = Identities(conv_model)
    for birth, past in enumerate(lineage, start=1):
        past.change.operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())
        identities.register(conv_model, birth=birth)

    replayed, weights, effects = replay(fresh, lineage, probe=lambda _: Probe(images))

    assert [(k, s.tensor.shape) for k, s in replayed.items()] == [(k, s.tensor.shape) for k, s in identities.items()]
    assert weights == {"head0": 0.5, "head1": 1.5}
    assert [effect.outputs for effect in effects] == [("head0",), ("head1",)]


def test_a_ramp_begins_at_the_growth(conv_model: GrowableModel, images: torch.Tensor) -> None:
    ramp = Change(operation=event(0).change.operation, freeze=NoFreezing(), loss_weight=Ramp(steps=10, start=2))

    _, weights, _ = replay(conv_model, (GrowthEvent(step=100, change=ramp),), probe=lambda _: Probe(images))

    assert weights == {"head0": Ramp(steps=10, start=102)}


def test_a_growths_weight_is_not_learned() -> None:
    with pytest.raises(SpecError, match="expected a number or a ramp, found a weight that is learned"):
        Change(operation=event(0).change.operation, freeze=NoFreezing(), loss_weight=Uncertainty())


def test_a_kept_teacher_is_the_network_as_it_was(conv_model: GrowableModel, images: torch.Tensor) -> None:
    before, change = conv_model.eval()(images)["known"], event(0).change.model_copy(update={"keep_teacher": True})

    replay(conv_model, (GrowthEvent(step=1, change=change),), probe=lambda _: Probe(images))

    assert isinstance(conv_model.teacher, Teacher)
    assert list(conv_model.teacher(images)) == ["known"]
    assert torch.equal(conv_model.teacher(images)["known"], before)


def test_an_event_survives_json() -> None:
    assert GrowthEvent.model_validate(event(1).to_json()) == event(1)
