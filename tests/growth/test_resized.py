import torch
from torch import nn

from harness.growth.consumers import Reader, consumers
from harness.growth.resized import surroundings, with_inputs, with_statistics, with_units
from harness.growth.tracing import trace
from harness.growth.units import NewUnits


def reader_of(model: nn.Sequential, path: str) -> Reader:
    found = consumers(trace(model, torch.randn(2, 1, 2, 2)), "0", 2)
    return next(reader for reader in (*found.norms, *found.layers) if reader.path == path)


def flat() -> nn.Sequential:
    """Return two channels whose maps of four places are flattened, normalized and read."""
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.BatchNorm1d(8), nn.Linear(8, 3))


def test_weights_go_out_of_each_unit_to_each_place() -> None:
    model = flat()
    found = consumers(trace(model, torch.randn(2, 1, 2, 2)), "0", 2)
    layer = model.get_submodule("0")
    assert isinstance(layer, nn.Conv2d)

    around = surroundings(model, layer, found, lambda _: ())

    assert around.outgoing[0].shape == (3, 2, 4)
    assert torch.equal(around.outgoing[0][:, 1].float(), model.get_parameter("3.weight")[:, 4:])


def test_old_entries_come_first_and_the_record_says_so() -> None:
    model = flat()
    layer, old = model.get_submodule("0"), model.get_parameter("0.weight")
    assert isinstance(layer, nn.Conv2d)
    vars(old)["no_decay"] = True

    carried = with_units(layer, torch.ones(3, 1, 1, 1).double(), torch.zeros(3).double(), "mean")

    assert [item.region[0] for item in carried] == [slice(0, 2), slice(0, 2)]
    assert carried[0].old is old
    assert torch.equal(carried[0].new[carried[0].region], old)
    assert carried[0].moments == "mean"
    assert vars(carried[0].new)["no_decay"] is True
    assert layer.out_channels == 5


def test_inputs_of_others_stay_where_they_are() -> None:
    layer = nn.Linear(7, 2)
    old, outgoing = layer.weight.detach().clone(), torch.zeros(2, 3, 2).double()
    node = reader_of(flat(), "3").node

    with_inputs(layer, Reader("", node, offset=3, block=2), outgoing, "zero")

    assert torch.equal(layer.weight[:, :3], old[:, :3])
    assert not layer.weight[:, 3:].any()
    assert layer.in_features == 9


def test_statistics_of_all_places_follow_their_original() -> None:
    model = flat()
    norm, reader = model.get_submodule("2"), reader_of(flat(), "2")
    assert isinstance(norm, nn.BatchNorm1d)
    norm.running_mean = torch.arange(8.0)
    weights = torch.zeros(2, 1, 1, 1).double()

    with_statistics(norm, reader, NewUnits(weights, None, (), originals=(1, 0)), "zero")

    assert norm.running_mean.tolist() == [*range(8), 4, 5, 6, 7, 0, 1, 2, 3]
    assert norm.num_features == 16


def test_a_norm_without_statistics_or_scale_has_none_afterwards() -> None:
    norm = nn.BatchNorm1d(8, affine=False, track_running_stats=False)

    carried = with_statistics(norm, reader_of(flat(), "2"), NewUnits(torch.zeros(1, 1).double(), None, ()), "zero")

    assert carried == ()
    assert norm.running_mean is None
    assert norm.num_features == 12
