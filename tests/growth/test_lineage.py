import copy

import torch

from harness.growth import AttachHead, GrowthEvent, Nothing
from harness.growth.identities import Identities
from harness.growth.lineage import Change, replay
from harness.growth.probe import Probe
from harness.models import GrowableModel


def event(number: int) -> GrowthEvent:
    operation = AttachHead(name=f"head{number}", outputs=2, tap=f"blocks.{number}", width=number)
    return GrowthEvent(step=number, change=Change(operation=operation, freeze=Nothing(), loss_weight=number + 0.5))


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


def test_an_event_survives_json() -> None:
    assert GrowthEvent.model_validate(event(1).to_json()) == event(1)
