import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.growable import GrowableModel
from harness.models.teacher import Teacher, keep_teacher


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.LSTM(4, 2))


def keep(model: nn.Module) -> Teacher:
    teacher = keep_teacher(model)
    teacher.join(model)
    return teacher


def output(value: tuple[Tensor, object]) -> Tensor:
    return value[0]


def test_a_teacher_stays_in_eval_mode_as_it_was() -> None:
    model, inputs = network(), torch.randn(5, 3)
    model(inputs)  # statistics
    with torch.no_grad():  # in which an LSTM rounds otherwise
        before = output(model.eval()(inputs))

    teacher = keep(model)
    for _ in range(3):
        model.train()(inputs)
    with torch.no_grad():
        model.get_parameter("0.weight").zero_()

    assert torch.equal(output(teacher(inputs)), before)


def test_a_teacher_of_a_network_in_training_drops_nothing() -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.9)).train(), torch.ones(5, 3)

    teacher = keep(model)

    assert torch.equal(teacher(inputs), model.eval()(inputs))


def test_a_teacher_is_in_no_list_of_what_is_trained_stored_or_called() -> None:
    model = network()
    keys, count, modules = list(model.state_dict()), len(list(model.parameters())), len(list(model.modules()))

    teacher = keep(model)

    assert list(model.state_dict()) == keys
    assert len(list(model.parameters())) == count
    assert len(list(model.modules())) == modules
    assert len(model) == 4
    assert not output(teacher(torch.randn(5, 3))).requires_grad


def test_a_teacher_follows_its_student_to_another_type() -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    teacher = keep(model)

    model.double()

    assert teacher(torch.randn(5, 3, dtype=torch.float64)).dtype == torch.float64


def test_a_copied_student_has_a_teacher_of_its_own() -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 4)), torch.randn(5, 3)
    before = keep(model)(inputs)

    twin = copy.deepcopy(model)
    model.double()

    assert isinstance(twin.teacher, Teacher)
    assert torch.equal(twin.teacher(inputs), before)


def test_a_new_teacher_takes_the_place_of_the_old_one_and_forgets_it() -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 4)), torch.randn(5, 3)
    keep(model)
    model.append(nn.Linear(4, 2))

    keep(model)

    assert isinstance(model.teacher, Teacher)
    assert torch.equal(model.teacher(inputs), model(inputs))
    names = [name for name, _ in model.named_buffers()]
    assert not hasattr(model.teacher._network, "teacher")
    assert names == [f"teacher/{layer}/{name}" for layer in (0, 1) for name in ("weight", "bias")]


def test_tied_weights_are_kept_once() -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)), torch.randn(5, 3)
    model[1].weight = model[0].weight
    before = model(inputs)

    teacher = keep(model)
    model.get_buffer("teacher/0/weight").mul_(1)

    assert torch.equal(teacher(inputs), before)
    assert len(list(model.named_buffers())) == 3


def test_a_teacher_listens_to_values_that_are_loaded_into_its_student() -> None:
    model, inputs = nn.Sequential(nn.Linear(3, 4)), torch.randn(5, 3)
    teacher, stored = keep(model), {name: tensor.clone() for name, tensor in model.named_buffers()}
    before = teacher(inputs)
    other = nn.Sequential(nn.Linear(3, 4))

    replayed = keep(other)
    for name, tensor in other.named_buffers():
        tensor.copy_(stored[name])

    assert torch.equal(replayed(inputs), before)


def test_a_teachers_features_are_those_it_had() -> None:
    model = GrowableModel(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), "known")
    inputs = torch.randn(5, 3)
    before = model.backbone[0](inputs)  # type: ignore[index]

    teacher = keep(model)
    with torch.no_grad():
        model.get_parameter("backbone.0.weight").zero_()
    outputs, features = teacher.forward(inputs, ["0", "7.not.there.yet"])

    assert list(features) == ["0"]
    torch.testing.assert_close(features["0"], before)
    assert torch.equal(outputs["known"], teacher(inputs)["known"])


class Keeping(nn.Module):
    """Keeps what it computes, as networks do whose features are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.last: Tensor | None = None
        self.all: list[Tensor] = []

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 3]` to `[B, 2]`."""
        self.last = self.fc(inputs)
        return self.last


def test_a_network_that_keeps_its_features_can_have_a_teacher() -> None:
    model, inputs = Keeping(), torch.randn(5, 3)
    before: torch.Tensor = model(inputs)

    teacher = keep(model)

    assert model.last is before
    assert torch.equal(teacher(inputs), before)


def test_a_network_that_cannot_be_copied_is_refused_in_one_line() -> None:
    model = Keeping()
    model.all.append(model(torch.randn(5, 3)))
    model.last = None

    with pytest.raises(ModulePathError, match=r"a network that can be copied.* Keeping cannot be: Only Tensors"):
        keep_teacher(model)
