from collections.abc import Callable

import pytest
import torch
from torch import nn

from harness.growth.rollback import all_or_nothing, undone


class Saboteur(nn.Module):
    """A network with parameters, buffers, hooks and settings to spoil."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.fc = nn.Linear(3, 2)
        self.settings = {"tap": "body"}

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map `[B, 2]` to `[B, 2]`."""
        outputs: torch.Tensor = self.fc(self.body(inputs))
        return outputs


def replace_layer(model: Saboteur, _: torch.optim.Optimizer) -> None:
    model.fc = nn.Linear(3, 5)


def insert_layer(model: Saboteur, _: torch.optim.Optimizer) -> None:
    model.body.insert(0, nn.Linear(2, 2))


def resize_in_place(model: Saboteur, _: torch.optim.Optimizer) -> None:
    model.fc.weight = nn.Parameter(torch.zeros(7, 3))
    model.fc.out_features = 7


def change_settings(model: Saboteur, _: torch.optim.Optimizer) -> None:
    model.settings["tap"] = "fc"
    model.extra = "more"  # type: ignore[assignment]


def add_hook(model: Saboteur, _: torch.optim.Optimizer) -> None:
    model.fc.register_forward_hook(lambda *_: None)


def freeze(model: Saboteur, _: torch.optim.Optimizer) -> None:
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None


def change_mode(model: Saboteur, _: torch.optim.Optimizer) -> None:
    model.eval()


def draw(_: Saboteur, __: torch.optim.Optimizer) -> None:
    torch.randn(100)


def spoil_optimizer(model: Saboteur, optimizer: torch.optim.Optimizer) -> None:
    optimizer.state.pop(model.fc.weight)
    optimizer.param_groups[0]["params"].pop()
    optimizer.param_groups[0]["lr"] = 7.0
    optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]})


SABOTAGES = [
    replace_layer,
    insert_layer,
    resize_in_place,
    change_settings,
    add_hook,
    freeze,
    change_mode,
    draw,
    spoil_optimizer,
]


Sabotage = Callable[[Saboteur, torch.optim.Optimizer], None]


def failing(sabotage: Sabotage, model: Saboteur, optimizer: torch.optim.Optimizer, error: BaseException) -> None:
    with all_or_nothing(model, optimizer):
        sabotage(model, optimizer)
        raise error


def look(model: Saboteur, optimizer: torch.optim.Optimizer) -> dict[str, object]:
    parameters = dict(model.named_parameters())
    return {
        "names": list(model.state_dict()),
        "tensors": [id(tensor) for tensor in model.state_dict(keep_vars=True).values()],
        "values": [tensor.tolist() for tensor in model.state_dict().values()],
        "flags": {
            name: (p.requires_grad, None if p.grad is None else p.grad.tolist()) for name, p in parameters.items()
        },
        "modes": [module.training for module in model.modules()],
        "attributes": sorted(vars(model)),
        "settings": dict(model.settings),
        "features": model.fc.out_features,
        "hooks": len(model.fc._forward_hooks),
        "groups": [{**group, "params": [id(p) for p in group["params"]]} for group in optimizer.param_groups],
        "moments": {id(p): {k: torch.as_tensor(v).tolist() for k, v in s.items()} for p, s in optimizer.state.items()},
        "stream": torch.get_rng_state().tolist(),
    }


@pytest.fixture
def model() -> Saboteur:
    return Saboteur()


@pytest.fixture
def optimizer(model: Saboteur) -> torch.optim.Optimizer:
    found = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.randn(4, 2)).sum().backward()
    found.step()
    return found


@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_a_failure_leaves_everything_as_it_was(
    sabotage: Sabotage, model: Saboteur, optimizer: torch.optim.Optimizer
) -> None:
    before = look(model, optimizer)

    with pytest.raises(RuntimeError, match="sabotage"):
        failing(sabotage, model, optimizer, RuntimeError("sabotage"))

    assert look(model, optimizer) == before


def test_an_interruption_is_a_failure_too(model: Saboteur, optimizer: torch.optim.Optimizer) -> None:
    before = look(model, optimizer)

    with pytest.raises(KeyboardInterrupt):
        failing(replace_layer, model, optimizer, KeyboardInterrupt())

    assert look(model, optimizer) == before


def test_success_keeps_what_was_done_but_not_what_was_drawn(model: Saboteur, optimizer: torch.optim.Optimizer) -> None:
    stream = torch.get_rng_state()

    with all_or_nothing(model, optimizer):
        replace_layer(model, optimizer)

    assert model.fc.out_features == 5
    assert torch.equal(torch.get_rng_state(), stream)


def test_what_others_hold_is_still_the_models_and_the_optimizers(
    model: Saboteur, optimizer: torch.optim.Optimizer
) -> None:
    calls: list[str] = []
    handle = model.fc.register_forward_hook(lambda *_: calls.append("called"))
    group, parameters = optimizer.param_groups[0], optimizer.param_groups[0]["params"]
    groups, settings, moments = optimizer.param_groups, model.settings, optimizer.state[model.fc.weight]

    for sabotage in SABOTAGES:
        with pytest.raises(RuntimeError, match="sabotage"):
            failing(sabotage, model, optimizer, RuntimeError("sabotage"))
    handle.remove()
    model(torch.randn(4, 2))

    assert calls == []
    assert optimizer.param_groups is groups
    assert optimizer.param_groups[0] is group
    assert group["params"] is parameters
    assert optimizer.state[model.fc.weight] is moments
    assert model.settings is settings


def test_an_optimizer_within_an_optimizer_is_restored(model: Saboteur) -> None:
    outer = torch.optim.SGD(model.parameters(), lr=0.1)
    inner = torch.optim.SGD(model.parameters(), lr=0.2)
    vars(outer)["base_optimizer"] = inner

    def spoil(_: Saboteur, __: torch.optim.Optimizer) -> None:
        inner.param_groups[0]["lr"] = 7.0
        inner.param_groups.append({"params": []})

    with pytest.raises(RuntimeError, match="sabotage"):
        failing(spoil, model, outer, RuntimeError("sabotage"))

    assert [group["lr"] for group in inner.param_groups] == [0.2]


def test_what_is_only_tried_is_undone() -> None:
    model = Saboteur()
    layer = model.fc

    with undone(model):
        model.fc = nn.Linear(3, 5)

    assert model.fc is layer
