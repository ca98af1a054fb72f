import torch
from torch import nn

from harness.growth.identities import Identities


def test_an_id_stays_when_an_insertion_shifts_names() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    identities = Identities(model)
    last = model[1].weight

    model.insert(1, nn.Linear(2, 2))
    identities.register(model, birth=1)

    assert identities["0/1.weight"].tensor is last
    assert dict(model.named_parameters())["2.weight"] is last


def test_only_tensors_without_an_id_are_born() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    identities = Identities(model)

    model.append(nn.BatchNorm1d(2))
    identities.register(model, birth=3)

    born = [name for name, slot in identities.items() if slot.birth == 3]
    assert born == [f"3/1.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]


def test_tied_weights_have_one_id() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight

    identities = Identities(model)

    assert list(identities) == ["0/0.weight", "0/0.bias", "0/1.bias"]


def test_a_buffer_that_a_module_replaces_keeps_its_id() -> None:
    module = nn.BatchNorm1d(2)
    identities = Identities(module)

    module.running_mean = torch.ones(2)

    assert torch.equal(identities["0/running_mean"].tensor, torch.ones(2))


def test_only_parameters_are_parameters() -> None:
    identities = Identities(nn.BatchNorm1d(2))

    assert list(identities.parameters()) == ["0/weight", "0/bias"]


def test_what_is_no_longer_in_the_network_has_no_id() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, bias=False))
    identities = Identities(model)

    model[1] = nn.Linear(2, 3, bias=False)
    model[0].register_parameter("bias", None)
    identities.register(model, birth=1)

    assert list(identities) == ["0/0.weight", "1/1.weight"]
