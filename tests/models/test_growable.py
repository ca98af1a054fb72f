import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError, TapNotFoundError
from harness.models import GrowableModel, Head


class Branching(nn.Module):
    """A foreign network that names its outputs itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(2, 3)
        self.answer = nn.Linear(3, 4)

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        features = self.stem(inputs)
        return {"answer": self.answer(features), "size_reg": features.square().mean()}


class Last(nn.Module):
    """The features at the end of a sequence."""

    def forward(self, result: tuple[Tensor, object]) -> Tensor:
        return result[0][:, -1]


def plain() -> GrowableModel:
    return GrowableModel(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 4)), "known")


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


INPUTS = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))


def test_the_backbones_tensor_has_the_name_it_was_given() -> None:
    model = plain()

    outputs = model(INPUTS)

    assert list(outputs) == ["known"]
    assert torch.equal(outputs["known"], model.backbone(INPUTS))


def test_the_backbones_own_names_are_kept() -> None:
    model = GrowableModel(Branching(), "known")
    model.attach("late", nn.Linear(3, 2), "stem")

    outputs = model(INPUTS)

    assert {name: value.shape for name, value in outputs.items()} == {"answer": (5, 4), "size_reg": (), "late": (5, 2)}


def test_a_backbones_dict_is_not_changed() -> None:
    shared = {"answer": torch.ones(5, 1)}
    backbone = nn.Sequential(nn.Identity())
    backbone.register_forward_hook(lambda *_: shared)
    model = GrowableModel(backbone, "known")
    model.attach("late", nn.Linear(2, 2), "0")

    assert list(model(INPUTS)) == ["answer", "late"]
    assert list(shared) == ["answer"]


def test_heads_read_their_taps_in_the_order_of_their_birth() -> None:
    model = plain()
    for name, tap in (("z", "1"), ("a", "0")):
        model.attach(name, nn.Linear(3, 2), tap)

    outputs = model(INPUTS)

    features = model.backbone[0](INPUTS)  # type: ignore[index]
    assert list(outputs) == ["known", "z", "a"]
    assert torch.equal(outputs["z"], model.heads["z"](features.tanh()))
    assert torch.equal(outputs["a"], model.heads["a"](features))


def test_two_heads_may_share_a_tap() -> None:
    model = plain()
    for name in ("one", "two"):
        model.attach(name, nn.Linear(3, 2), "1")

    assert list(model(INPUTS)) == ["known", "one", "two"]


def test_what_the_network_said_before_stays_to_the_bit() -> None:
    model = plain()
    before = model(INPUTS)["known"]

    model.attach("late", Head((3, 8, 2)), "1")

    assert torch.equal(model(INPUTS)["known"], before)


def test_a_heads_gradient_reaches_the_layers_before_its_tap_only() -> None:
    model = plain()
    model.attach("late", nn.Linear(3, 2), "1")

    model(INPUTS)["late"].sum().backward()

    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert reached == {"backbone.0.weight", "backbone.0.bias", "heads.late.weight", "heads.late.bias"}


def test_running_leaves_no_hook_and_copies_are_independent() -> None:
    model = plain()
    model.attach("late", nn.Linear(3, 2), "1")
    twin = copy.deepcopy(model)
    before = twin(INPUTS)["late"]

    with torch.no_grad():
        model.backbone.get_parameter("0.weight").zero_()
    model(INPUTS)

    assert hooks(model) == hooks(twin) == 0
    assert torch.equal(twin(INPUTS)["late"], before)


def test_a_failing_backbone_keeps_no_hook() -> None:
    model = plain()
    model.attach("late", nn.Linear(3, 2), "1")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        model(torch.ones(5, 9))

    assert hooks(model) == 0


@pytest.mark.parametrize(
    ("name", "tap", "error", "message"),
    [
        ("known", "1", SpecError, "expected a new name for the head, found 'known', which exists"),
        ("late", "0", SpecError, "expected a new name for the head, found 'late', which exists"),
        ("new", "9", TapNotFoundError, "no tap '9' in Sequential. There are: 0, 1, 2."),
        ("new", "backbone.1", TapNotFoundError, "no tap 'backbone.1' in Sequential"),
    ],
)
def test_an_impossible_head_leaves_the_model_as_it_was(
    name: str, tap: str, error: type[Exception], message: str
) -> None:
    model = plain()
    model.attach("late", nn.Linear(3, 2), "1")
    before, modules = model(INPUTS), list(model.modules())

    with pytest.raises(error) as caught:
        model.attach(name, nn.Linear(3, 7), tap)

    assert message in str(caught.value)
    assert list(model.modules()) == modules
    assert model.taps == {"late": "1"}
    assert hooks(model) == 0
    assert {key: value.tolist() for key, value in model(INPUTS).items()} == {k: v.tolist() for k, v in before.items()}


def test_heads_read_maps_and_sequences() -> None:
    model = GrowableModel(nn.Sequential(nn.LSTM(2, 6, batch_first=True), Last()), "known")
    model.attach("late", Head((6, 3)), "0")

    outputs = model(torch.randn(5, 7, 2))

    assert {name: value.shape for name, value in outputs.items()} == {"known": (5, 6), "late": (5, 3)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_type_is_that_of_the_backbone(dtype: torch.dtype) -> None:
    model = plain()
    model.backbone.to(dtype)

    assert model.dtype is dtype


def test_a_backbone_without_parameters_has_the_usual_type() -> None:
    assert GrowableModel(nn.Flatten(), "known").dtype is torch.float32


@pytest.mark.parametrize("name", ["a.b", "", "items", "training"])
def test_a_name_that_torch_cannot_take_is_refused(name: str) -> None:
    model = GrowableModel(nn.Sequential(nn.Linear(2, 2)), "known")

    with pytest.raises(SpecError, match="a name that a module can have"):
        model.attach(name, nn.Linear(2, 2), "0")


def test_a_name_of_the_backbones_own_outputs_is_not_overwritten() -> None:
    model = GrowableModel(Branching(), "known")
    model.attach("size_reg", nn.Linear(2, 3), "stem")

    with pytest.raises(SpecError, match="'size_reg' to have a name of its own"):
        model(torch.ones(1, 2))


def test_learned_weights_of_losses_are_parameters_of_no_part_of_the_network(conv_model: GrowableModel) -> None:
    before = dict(conv_model.named_parameters())

    conv_model.learn_weights(["late", "known"])

    new = dict(conv_model.named_parameters()).keys() - before.keys()
    assert new == {"log_variances.known", "log_variances.late"}
    assert all(value.shape == () and value == 0 for value in conv_model.log_variances.values())


def test_a_state_dict_of_a_network_that_has_grown_says_how_to_load_it() -> None:
    grown, fresh = (GrowableModel(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), "known") for _ in range(2))
    grown.attach("late", Head((4, 2)), "0")

    with pytest.raises(RuntimeError, match=r"heads\.late\.output\.weight(.|\n)*load with load_grown, which repeats"):
        fresh.load_state_dict(grown.state_dict())

    fresh.attach("late", Head((4, 2)), "0")
    fresh.load_state_dict(grown.state_dict())
    name = "heads.late.output.weight"
    assert torch.equal(fresh.get_parameter(name), grown.get_parameter(name))


def test_a_tensor_of_another_shape_is_what_torch_says_it_is() -> None:
    model = GrowableModel(nn.Linear(3, 4), "known")

    with pytest.raises(RuntimeError, match=r"size mismatch for backbone\.weight") as raised:
        model.load_state_dict({"backbone.weight": torch.zeros(5, 3), "backbone.bias": torch.zeros(4)})

    assert "load_grown" not in str(raised.value)
