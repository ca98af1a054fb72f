import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import TapNotFoundError
from harness.models.taps import capture, feature_shape, tap_names


class Outputs(nn.Module):
    """Returns whatever it was given to return."""

    def __init__(self, result: object) -> None:
        super().__init__()
        self.result = result

    def forward(self, _inputs: Tensor) -> object:
        return self.result


class Odd(nn.Module):
    """Has modules that give no features, and one that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.scalar = Outputs(torch.tensor(1.0))
        self.vector = Outputs(torch.ones(3))
        self.table = Outputs({"a": torch.ones(3, 2)})
        self.nested = Outputs(((torch.ones(3, 2),), None))
        self.unused = nn.Linear(2, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        for module in (self.scalar, self.vector, self.table, self.nested):
            module(inputs)
        return inputs


class Fails(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Dropout(0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        self.first(inputs)
        raise RuntimeError("foreign")


class Noise(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + torch.randn_like(inputs)


class Watching(nn.Module):
    """Remembers whether it ran in training mode, and whether gradients were wanted."""

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen = (self.training, torch.is_grad_enabled())
        return inputs


def conv_net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Dropout(0.5), nn.Flatten(), nn.Linear(96, 4))


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    return nn.TransformerEncoder(layer, num_layers=2)


IMAGES, SEQUENCES = (5, 3, 6, 6), (5, 7, 8)
NETWORKS = [
    (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4)), "1", (5, 2), (5, 3)),
    (nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.Linear(3, 4)), "0.0", (5, 2), (5, 3)),
    (nn.Sequential(nn.LSTM(8, 6, batch_first=True)), "0", SEQUENCES, (5, 7, 6)),
    (nn.GRU(8, 6, batch_first=True, bidirectional=True), "", SEQUENCES, (5, 7, 12)),
    (conv_net(), "0", IMAGES, (5, 6, 4, 4)),
    (conv_net(), "3", IMAGES, (5, 96)),
    (transformer(), "layers.0", SEQUENCES, (5, 7, 8)),
    (transformer(), "layers.1.linear1", SEQUENCES, (5, 7, 16)),
    (transformer(), "layers.1.self_attn", SEQUENCES, (5, 7, 8)),
]


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


@pytest.mark.parametrize(("model", "tap", "inputs", "expected"), NETWORKS)
def test_features_have_their_shape(
    model: nn.Module, tap: str, inputs: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert feature_shape(model, tap, torch.ones(inputs)) == expected


@pytest.mark.parametrize(("model", "tap", "inputs", "expected"), NETWORKS)
def test_the_shape_is_that_of_captured_features(
    model: nn.Module, tap: str, inputs: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    model.train()

    with capture(model, [tap]) as features:
        model(torch.ones(inputs))

    assert features[tap].shape == expected
    assert features[tap].requires_grad


@pytest.mark.parametrize(("model", "tap", "inputs", "expected"), NETWORKS)
def test_looking_at_a_shape_leaves_the_model_as_it_was(
    model: nn.Module, tap: str, inputs: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    for number, module in enumerate(model.modules()):
        module.training = number % 2 == 0
    modes = [module.training for module in model.modules()]
    state, stream = copy.deepcopy(model.state_dict()), torch.get_rng_state()

    assert feature_shape(model, tap, torch.ones(inputs)) == expected

    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), stream)
    assert hooks(model) == 0


def test_a_model_that_draws_in_eval_mode_shifts_no_stream() -> None:
    stream = torch.get_rng_state()

    feature_shape(nn.Sequential(Noise()), "0", torch.ones(2, 3))

    assert torch.equal(torch.get_rng_state(), stream)


def test_a_shape_is_looked_at_in_eval_mode_without_gradients() -> None:
    watching = Watching().train()

    feature_shape(nn.Sequential(watching), "0", torch.ones(2, 3))

    assert watching.seen == (False, False)
    assert torch.is_grad_enabled()


def test_a_model_that_fails_is_as_it_was() -> None:
    model, stream = Fails().train(), torch.get_rng_state()

    with pytest.raises(RuntimeError, match="foreign"):
        feature_shape(model, "first", torch.ones(2, 3))

    assert all(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), stream)
    assert hooks(model) == 0


def test_captured_values_are_those_of_the_module() -> None:
    model, inputs = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), torch.randn(4, 2)

    with capture(model, ["0", "1"]) as features:
        model(inputs)

    assert torch.equal(features["0"], model[0](inputs))
    assert torch.equal(features["1"], features["0"].tanh())


def test_hooks_live_no_longer_than_the_block() -> None:
    model = conv_net()

    with capture(model, ["0", "0", "3"]) as features:
        assert hooks(model) == 2
        model(torch.ones(IMAGES))
    before = dict(features)
    model(torch.zeros(IMAGES))

    assert hooks(model) == 0
    assert all(features[tap] is before[tap] for tap in before)


def test_hooks_of_others_stay() -> None:
    model, calls = nn.Sequential(nn.Linear(2, 2)), []
    model[0].register_forward_hook(lambda *_: calls.append(1))

    feature_shape(model, "0", torch.ones(1, 2))

    assert hooks(model) == 1
    assert calls == [1]


@pytest.mark.parametrize(
    ("tap", "message"),
    [
        ("layers.0.linaer1", "no tap 'layers.0.linaer1' in TransformerEncoder. Did you mean 'layers.0.linear1'? There"),
        ("hidden", "layers, layers.0, layers.0.self_attn, layers.0.self_attn.out_proj, layers.0.linear1, "),
        ("layers.0.linear1.weight", "no tap 'layers.0.linear1.weight'"),
        ("layers.7", "no tap 'layers.7'"),
    ],
)
def test_an_unknown_tap_is_answered_with_those_there_are(tap: str, message: str) -> None:
    model = transformer()

    with pytest.raises(TapNotFoundError) as caught:
        feature_shape(model, tap, torch.ones(SEQUENCES))

    assert message in str(caught.value)
    assert model.training
    assert hooks(model) == 0


def test_one_unknown_tap_among_others_leaves_no_hook() -> None:
    model = conv_net()

    with pytest.raises(TapNotFoundError, match="no tap 'nowhere'"), capture(model, ["0", "nowhere"]):
        pass

    assert hooks(model) == 0


@pytest.mark.parametrize(
    ("tap", "found"),
    [
        ("scalar", r"found \(\)"),
        ("vector", r"found \(3,\)"),
        ("table", "dict"),
        ("nested", "tuple"),
        ("unused", "nothing"),
    ],
)
def test_an_output_that_is_no_tensor_of_features_is_refused(tap: str, found: str) -> None:
    with pytest.raises(TapNotFoundError, match=rf"at tap '{tap}', found .*{found.removeprefix('found ')}"):
        feature_shape(Odd(), tap, torch.ones(3, 2))


def test_every_submodule_is_a_possible_tap() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.ReLU())

    assert tap_names(model) == ["0", "0.0", "1"]
