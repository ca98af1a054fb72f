import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from harness.core.errors import SurgeryError
from harness.growth import AttachHead, OldParameters, Probe, WidenHead, WidenLayer, grow
from harness.growth.inheritance import inherit
from harness.growth.record import Carried
from harness.models import GrowableModel

IN_PLACE = WidenHead(path="fc", to=5, rows="in_place")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        """Map `[B, 3, H, W]` to `[B, classes]`."""
        outputs: Tensor = self.fc(self.conv(images).relu().mean(dim=(2, 3)))
        return outputs


@pytest.fixture
def model() -> Net:
    torch.manual_seed(0)
    return Net()


def images() -> Tensor:
    return torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("operation", [WidenHead(path="fc", to=5), IN_PLACE], ids=["own rows", "rows in place"])
def test_gradients_that_are_being_accumulated_are_those_of_a_whole_batch(operation: WidenHead, model: Net) -> None:
    optimizer, twin = SGD(model.parameters(), lr=0.1), Net()
    twin.load_state_dict(model.state_dict())
    first, second = images().split(3)

    model(first)[:, :3].square().sum().backward()
    grow(model, optimizer, operation)
    model(second)[:, :3].square().sum().backward()
    twin(images()).square().sum().backward()

    rows = model.get_parameter("fc.weight" if operation.rows == "in_place" else "fc.parts.0.weight").grad
    torch.testing.assert_close(model.conv.weight.grad, twin.conv.weight.grad)
    assert rows is not None
    torch.testing.assert_close(rows[:3], twin.fc.weight.grad)
    assert not rows[3:].any()


def test_what_is_frozen_has_no_gradient_left(model: Net) -> None:
    optimizer = SGD(model.parameters(), lr=0.1)
    model(images()).sum().backward()

    grow(model, optimizer, WidenHead(path="fc", to=5), freeze_policy=OldParameters())

    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_sparse_gradient_of_what_grows_is_refused() -> None:
    table = nn.Embedding(5, 3, sparse=True)
    table(torch.tensor([1])).sum().backward()
    new = nn.Parameter(torch.zeros(7, 3))

    with pytest.raises(SurgeryError, match=r"found one of shape \(5, 3\); call optimizer\.zero_grad\(\) before"):
        inherit(Carried(table.get_parameter("weight"), new, (slice(0, 5), slice(0, 3))))


def test_sparse_gradients_of_all_else_stay() -> None:
    model = nn.Sequential(nn.Embedding(5, 3, sparse=True))
    grown = GrowableModel(model, "known")
    optimizer = SGD(grown.parameters(), lr=0.1)
    grown(torch.tensor([1]))["known"].sum().backward()

    grow(grown, optimizer, AttachHead(name="late", outputs=2, tap="0"), probe=Probe(torch.tensor([1, 2])))

    gradient = grown.get_parameter("backbone.0.weight").grad
    assert gradient is not None
    assert gradient.is_sparse


def test_hooks_of_gradients_move_along_and_can_be_removed(model: Net) -> None:
    optimizer, calls = SGD(model.parameters(), lr=0.1), list[str]()
    handles = [
        model.fc.weight.register_hook(lambda _: calls.append("gradient")),
        model.fc.weight.register_post_accumulate_grad_hook(lambda _: calls.append("accumulated")),
    ]

    grow(model, optimizer, IN_PLACE)
    model(images()).sum().backward()
    handles[0].remove()
    model(images()).sum().backward()
    handles[1].remove()
    model(images()).sum().backward()

    assert calls == ["gradient", "accumulated", "accumulated"]


def test_the_memory_format_stays(model: Net) -> None:
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(images()).sum().backward()
    optimizer.step()

    grow(model, optimizer, WidenLayer(path="conv", by=2), probe=Probe(images()))
    model(images()).sum().backward()
    optimizer.step()

    assert model.conv.weight.shape == (6, 3, 3, 3)
    assert model.conv.weight.is_contiguous(memory_format=torch.channels_last)
