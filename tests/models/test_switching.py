import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.models import GrowableModel, Head


def model() -> GrowableModel:
    grown = GrowableModel(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), "known")
    grown.attach("late", Head((4, 3)), "0")
    return grown


@pytest.mark.parametrize("name", ["known", "late"])
def test_an_output_that_is_off_is_not_returned(name: str) -> None:
    network, inputs = model(), torch.randn(5, 3)
    before = network(inputs)

    network.switch(name, on=False)

    after = network(inputs)
    assert set(after) == {"known", "late"} - {name}
    assert all(torch.equal(value, before[key]) for key, value in after.items())


def test_a_head_that_is_off_is_not_called() -> None:
    network = model()
    network.heads["late"].register_forward_hook(lambda _module, _inputs, _output: pytest.fail("called"))

    network.switch("late", on=False)

    assert set(network(torch.randn(5, 3))) == {"known"}


def test_a_copy_is_off_too_and_apart() -> None:
    network = model()
    network.switch("late", on=False)

    twin = copy.deepcopy(network)
    network.switch("late", on=True)

    assert (twin.off, network.off) == ({"late"}, set())


def test_switching_changes_no_state() -> None:
    network = model()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    network.switch("late", on=False)

    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_one_output_stays_on() -> None:
    network = model()
    network.switch("known", on=False)

    with pytest.raises(SpecError, match="found 'late' to be the last; switch another on first"):
        network.switch("late", on=False)


def test_an_unknown_output_is_not_switched() -> None:
    with pytest.raises(SpecError, match=r"no output 'lat' to switch\. Did you mean 'late'"):
        model().switch("lat", on=False)


def test_entries_of_a_backbones_dict_are_outputs_beside_the_heads() -> None:
    class Named(nn.Module):
        def forward(self, inputs: Tensor) -> dict[str, Tensor]:
            return {"logits": inputs, "extra_loss": inputs.sum()}

    assert set(GrowableModel(Named(), "known")(torch.randn(5, 3))) == {"logits", "extra_loss"}
