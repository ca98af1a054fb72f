"""What is frozen stands still in anyone's loop."""

import copy
import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm as spectral_norm_by_hook
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim import SGD, AdamW
from torch.optim.swa_utils import AveragedModel, update_bn

from harness.growth import InsertLayer, OldParameters, Probe, Unchanged, WidenHead, consolidate, grow
from harness.growth.freezing import ByName, UpToTap
from harness.growth.frozen_modes import MODE_DEPENDENT
from harness.growth.layers import MLPBlock

INPUTS = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))


class Attentive(nn.Module):
    """Dropout as a function, statistics as buffers of its own, attention, recurrence and a parametrization."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Buffer(torch.zeros(6))
        self.encoder = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.3, batch_first=True)
        self.memory = nn.GRU(6, 6, num_layers=2, dropout=0.3, batch_first=True)
        self.mix = spectral_norm(nn.Linear(6, 6))
        self.fc = nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 6]` to `[B, 3]`."""
        if self.training:
            self.mean.add_(inputs.mean(dim=0))
        hidden = nn.functional.dropout(inputs - self.mean, 0.3, self.training)
        sequence, _ = self.memory(self.encoder(hidden[:, None]))
        outputs: Tensor = self.fc(self.mix(sequence[:, 0]))
        return outputs


class Net(nn.Module):
    """A body and a head, with a random activation in between."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.body = nn.Sequential(nn.Linear(6, 8), self.norm, nn.ReLU(), nn.Dropout(0.5))
        self.rrelu = nn.RReLU()
        self.fc = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[B, 6]` to `[B, classes]`."""
        outputs: Tensor = self.fc(self.rrelu(self.body(inputs)))
        return outputs


def net() -> Net:
    torch.manual_seed(0)
    return Net()


def frozen_net() -> tuple[Net, SGD]:
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    grow(model, optimizer, WidenHead(path="fc", to=5), freeze_policy=UpToTap(tap="body"))
    return model, optimizer


def frozen_values(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items() if "body" in name or "norm" in name}


def unchanged(model: nn.Module, before: dict[str, Tensor]) -> bool:
    return all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())


def restore_flags(model: nn.Module) -> None:
    for module in model.modules():
        module.training = True


@pytest.mark.parametrize("to_train_mode", [nn.Module.train, restore_flags], ids=["train", "flags"])
def test_what_is_frozen_stands_still_in_a_plain_loop(to_train_mode: Callable[[nn.Module], object]) -> None:
    model, optimizer = frozen_net()
    before, features = frozen_values(model), model.body(INPUTS)

    for _ in range(3):
        to_train_mode(model)
        optimizer.zero_grad()
        model(INPUTS).square().mean().backward()
        optimizer.step()
        model.eval()
        model(INPUTS)

    model.train()
    assert torch.equal(model.body(INPUTS), features)  # no dropout, and no statistics of the batch
    assert unchanged(model, before)
    assert model.rrelu.training


def test_foreign_modules_that_ask_for_their_mode_stand_still() -> None:
    model = Attentive()
    optimizer = AdamW(model.parameters())
    grow(model, optimizer, WidenHead(path="fc", to=5), freeze_policy=ByName(patterns=("fc.*",), matched="train"))
    wrapped = nn.Sequential(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items() if not name.startswith("fc")}
    assert any("_u" in name for name in before)

    wrapped.train()
    first = model.mix(model.memory(model.encoder(INPUTS[:, None]))[0])
    second = model.mix(model.memory(model.encoder(INPUTS[:, None]))[0])

    assert torch.equal(first, second)
    assert unchanged(model, {name: tensor for name, tensor in before.items() if name != "mean"})


def pickled(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert isinstance(loaded, nn.Module)
    return loaded


def compiled(model: nn.Module) -> nn.Module:
    found = torch.compile(model, backend="eager", fullgraph=True)
    assert isinstance(found, nn.Module)
    return found


COPIES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "a deep copy": copy.deepcopy,
    "a pickle": pickled,
    "compiled": compiled,
    "wrapped": nn.Sequential,
}


@pytest.mark.parametrize("kind", COPIES)
def test_what_is_frozen_stands_still_in(kind: str) -> None:
    model, _ = frozen_net()
    twin = COPIES[kind](model)
    before = {name: tensor.clone() for name, tensor in twin.state_dict().items() if "running" in name}

    for _ in range(2):
        twin.train()
        twin(INPUTS)

    assert before
    assert unchanged(twin, before)


def test_a_copy_is_thawed_apart_from_the_original() -> None:
    model, _ = frozen_net()
    twin = copy.deepcopy(model)

    twin.requires_grad_(True).train()
    twin(INPUTS)
    model.train()
    model(INPUTS)

    assert twin.norm.num_batches_tracked == 1
    assert model.norm.num_batches_tracked == 0


def test_a_part_that_is_thawed_by_hand_follows_the_mode_again() -> None:
    model, _ = frozen_net()

    model.body.requires_grad_(True)
    model.train()
    model(INPUTS)

    assert model.norm.num_batches_tracked == 1
    assert [module.training for module in model.body] == [True] * 4


def test_the_next_growth_gives_frozen_modules_back_their_mode() -> None:
    model, optimizer = frozen_net()
    model.rrelu.eval()

    grow(model, optimizer, Unchanged())

    assert not model.rrelu.training
    assert [module.training for module in model.body] == [True] * 4
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_growth_during_an_evaluation_leaves_eval_mode_to_the_loop() -> None:
    model, optimizer = frozen_net()
    before = frozen_values(model)
    modes = {module: module.training for module in model.modules()}
    model.eval()

    grow(model, optimizer, WidenHead(path="fc", to=6), freeze_policy=UpToTap(tap="body"))
    for module, mode in modes.items():  # as Lightning does after a validation
        module.training = mode
    model(INPUTS)

    assert unchanged(model, before)


@pytest.mark.parametrize(("norm", "moves"), [("eval", False), ("track", True), ("train", True)])
def test_norms_do_what_the_policy_says(norm: str, moves: bool) -> None:
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    policy = UpToTap.model_validate({"tap": "body", "frozen_norm": norm})

    grow(model, optimizer, WidenHead(path="fc", to=5), freeze_policy=policy)
    before = frozen_values(model)
    model.train()
    outputs = model.body(INPUTS)

    assert unchanged(model, before) != moves
    assert torch.equal(model.eval().body(INPUTS), outputs) == (norm != "train")


def test_statistics_stand_still_beside_weights_that_are_trained() -> None:
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    policy = ByName(patterns=("*.weight", "*.bias"), matched="train")

    grow(model, optimizer, Unchanged(), freeze_policy=policy)
    model.train()
    model(INPUTS).sum().backward()

    assert model.norm.num_batches_tracked == 0
    assert model.norm.weight.grad is not None


def test_a_new_layer_in_a_frozen_part_is_in_train_mode() -> None:
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)

    insertion = InsertLayer(after="norm", layer=MLPBlock(width=4))
    grow(model, optimizer, insertion, freeze_policy=OldParameters(), probe=Probe(INPUTS))
    model.train()
    model(INPUTS).sum().backward()

    assert model.norm.get_submodule("inserted").training
    assert model.norm.num_batches_tracked == 0


def test_statistics_of_an_average_can_be_computed_anew() -> None:
    model, _ = frozen_net()
    average = AveragedModel(model)

    update_bn([INPUTS], average)

    assert average.module.state_dict()["norm.running_mean"].abs().sum() > 0


def test_a_hook_of_the_user_that_asks_for_the_mode_finds_eval_mode() -> None:
    model = net()
    model.body[0] = spectral_norm_by_hook(nn.Linear(6, 8))
    optimizer = SGD(model.parameters(), lr=0.1)
    grow(model, optimizer, WidenHead(path="fc", to=5), freeze_policy=OldParameters())
    before = frozen_values(model)

    model.train()
    model(INPUTS)

    assert "body.0.weight_u" in before
    assert unchanged(model, before)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_a_part_in_torch_script_stands_still_and_a_copy_without_hooks_can_be_scripted() -> None:
    model = net()
    model.set_submodule("body", torch.jit.script(model.body))
    grow(model, SGD(model.parameters(), lr=0.1), WidenHead(path="fc", to=5), freeze_policy=OldParameters())
    before = frozen_values(model)

    model.train()
    model(INPUTS)

    assert unchanged(model, before)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_a_frozen_network_says_how_it_is_scripted() -> None:
    model, _ = frozen_net()
    expected = model.eval()(INPUTS)

    with pytest.raises(AttributeError, match=r"TorchScript compiles no hooks .*consolidate\(copy\.deepcopy"):
        torch.jit.script(model)
    twin = copy.deepcopy(model)
    consolidate(twin)

    torch.testing.assert_close(torch.jit.script(twin)(INPUTS), expected)
    assert model.norm._forward_pre_hooks


def test_every_module_of_torch_that_asks_for_its_mode_is_known() -> None:
    kinds = {kind for kind in vars(nn).values() if isinstance(kind, type) and issubclass(kind, nn.Module)}
    asking = {kind for kind in kinds if "training" in kind.forward.__code__.co_names}

    assert len(asking) > 10
    assert all(issubclass(kind, MODE_DEPENDENT) for kind in asking)
