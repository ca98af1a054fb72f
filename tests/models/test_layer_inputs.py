import pytest
import torch
from torch import Tensor, nn

from harness.models.layer_inputs import layer_inputs


@pytest.mark.parametrize(("shape", "dims"), [((5, 3), ()), ((5, 7, 3), (1,)), ((5, 2, 7, 3), (1, 2))])
def test_positions_of_sequences_are_averaged(shape: tuple[int, ...], dims: tuple[int, ...]) -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 2)), torch.randn(shape, dtype=torch.float64)
    model.double()

    found = layer_inputs(model, model[0], inputs)

    assert found is not None
    torch.testing.assert_close(found, (inputs.mean(dim=dims) if dims else inputs).float())


def test_positions_of_maps_are_averaged() -> None:
    model, maps = nn.Sequential(nn.Conv2d(3, 2, 1)), torch.randn(5, 3, 4, 4)

    found = layer_inputs(model, model[0], maps, maps=True)

    assert found is not None
    torch.testing.assert_close(found, maps.mean(dim=(2, 3)))


def test_what_hooks_change_is_what_comes_in() -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 2)), torch.randn(5, 3)
    model[0].register_forward_pre_hook(lambda _module, args: (args[0] * 2,))

    found = layer_inputs(model, model[0], inputs)

    assert found is not None
    assert torch.equal(found, inputs * 2)


def test_a_layer_that_is_not_called_has_no_inputs() -> None:
    assert layer_inputs(nn.Sequential(nn.Identity()), nn.Linear(3, 2), torch.randn(5, 3)) is None


def test_modes_hooks_and_the_random_stream_are_put_back() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 2))
    model[0].eval()
    statistics, stream = model.get_buffer("0.running_mean").clone(), torch.get_rng_state()

    def broken(_module: nn.Module, _args: tuple[Tensor, ...]) -> None:
        torch.randn(3)
        raise RuntimeError

    model[2].register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError):
        layer_inputs(model, model[2], torch.randn(5, 3, generator=torch.Generator()))

    assert [module.training for module in model] == [False, True, True]
    assert torch.equal(model.get_buffer("0.running_mean"), statistics)
    assert torch.equal(torch.get_rng_state(), stream)
    assert len(model[2]._forward_pre_hooks) == 1
