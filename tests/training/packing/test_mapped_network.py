from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.data import Split, TaskData
from harness.models import GrowableModel
from harness.training.features import Feed
from harness.training.packing.mapped_network import map_networks

PART = Split(torch.zeros(1, 3), torch.zeros(1, dtype=torch.int64))
NOTHING = TaskData(PART, PART, PART, classes={})


class Centered(nn.Module):
    """Subtracts what it has seen, which it remembers in place or anew."""

    mean: Tensor

    def __init__(self, *, in_place: bool) -> None:
        super().__init__()
        self.layer, self._in_place = nn.Linear(3, 2), in_place
        self.register_buffer("mean", torch.zeros(2))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.layer(inputs)
        seen = 0.5 * self.mean + outputs.detach().mean(0)
        if self._in_place:
            self.mean.copy_(seen)
        else:
            self.mean = seen
        return outputs - self.mean


def feeds(make: Callable[[], nn.Module], count: int = 3) -> list[Feed]:
    return [Feed(GrowableModel(make(), "known"), NOTHING) for _ in range(count)]


def test_each_network_has_its_own_values_and_remembers_what_it_has_seen() -> None:
    inputs, own = torch.randn(3, 4, 3), feeds(lambda: Centered(in_place=True))
    expected = []
    for feed, rows in zip(own, inputs, strict=True):
        before = {name: value.clone() for name, value in feed.model.state_dict().items()}
        expected.append((feed.model(rows)["known"].detach(), feed.model.backbone.get_buffer("mean").clone()))
        feed.model.load_state_dict(before)

    network = map_networks(own)

    assert network is not None
    outputs = network(inputs, None)["known"]
    for row, (output, mean) in enumerate(expected):
        assert torch.equal(outputs[row], output)
        assert torch.equal(own[row].model.backbone.get_buffer("mean"), mean)


def test_a_buffer_that_is_replaced_is_no_network_for_a_pack() -> None:
    network = map_networks(feeds(lambda: Centered(in_place=False)))

    assert network is not None
    with pytest.raises(RuntimeError, match="changed in place"):
        network(torch.randn(3, 4, 3), None)


def test_a_network_that_somebody_watches_is_none_either() -> None:
    own = feeds(lambda: nn.Linear(3, 2))
    own[1].model.backbone.register_forward_hook(lambda *_: None)

    assert map_networks(own) is None
