import copy

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.record import Carried, Copied, Growth
from harness.growth.surgery import check_coverage, operate, scale_rates
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW

SPECS = [SGD(momentum=0.9), AdamW()]


def stepped(model: nn.Module, spec: AbstractOptimizer) -> Optimizer:
    optimizer = spec.start(model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(3, 2)).square().sum().backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("spec", SPECS)
def test_old_moments_stay_and_new_parameters_start_without(spec: AbstractOptimizer) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer, before = stepped(model, spec), list(model.parameters())
    moments = {p: {k: torch.as_tensor(v).clone() for k, v in optimizer.state[p].items()} for p in before}

    model.append(nn.Linear(2, 3))
    operate(optimizer, Growth.between(before, model), step=2, lr_factor=10)

    check_coverage(model, optimizer)
    assert all(torch.equal(torch.as_tensor(optimizer.state[p][k]), v) for p in before for k, v in moments[p].items())
    assert not any(p in optimizer.state for p in model[1].parameters())


@pytest.mark.parametrize("spec", SPECS)
def test_a_first_step_of_new_parameters_is_that_of_a_fresh_optimizer(spec: AbstractOptimizer) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer, before = stepped(model, spec), list(model.parameters())
    model.append(nn.Linear(2, 3))
    operate(optimizer, Growth.between(before, model), step=2, lr_factor=1)
    twin = nn.Linear(2, 3)
    twin.load_state_dict(model[1].state_dict())
    fresh = spec.start(twin.parameters())

    for module, own in ((model[1], optimizer), (twin, fresh)):
        own.zero_grad()
        module(torch.ones(1, 2)).square().sum().backward()
        own.step()

    assert torch.equal(model.get_parameter("1.weight"), twin.weight)


@pytest.mark.parametrize("spec", SPECS)
def test_a_copy_goes_on_as_its_original_does_and_shares_no_state_with_it(spec: AbstractOptimizer) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer, before = stepped(model, spec), list(model.parameters())
    twin = copy.deepcopy(model[0])
    pairs = tuple(Copied(old, new) for old, new in zip(before, twin.parameters(), strict=True))

    model.append(twin)
    operate(optimizer, Growth.between(before, model, copied=pairs), step=2, lr_factor=10)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()

    check_coverage(model, optimizer)
    assert all(torch.equal(old, new) for old, new in zip(before, twin.parameters(), strict=True))
    assert not {id(v) for v in optimizer.state[pairs[0].old].values() if isinstance(v, torch.Tensor)} & {
        id(v) for v in optimizer.state[pairs[0].new].values() if isinstance(v, torch.Tensor)
    }


def test_a_new_group_has_a_rate_and_a_birth_of_its_own() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer, before = stepped(model, AdamW(lr=0.01, weight_decay=0.3)), list(model.parameters())

    model.append(nn.Linear(2, 3))
    operate(optimizer, Growth.between(before, model), step=7, lr_factor=10)

    group = optimizer.param_groups[1]
    assert (group["base_lr"], group["lr"], group["born"], group["weight_decay"]) == (0.1, 0.1, 7, 0.3)


@pytest.mark.parametrize("spec", SPECS)
def test_carried_moments_lie_in_their_region_and_zeros_elsewhere(spec: AbstractOptimizer) -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False))
    optimizer, old = stepped(model, spec), model.get_parameter("0.weight")
    before = {key: torch.as_tensor(value).clone() for key, value in optimizer.state[old].items()}

    model[0] = nn.Linear(2, 3, bias=False)
    new = model.get_parameter("0.weight")
    carried = (Carried(old, new, (slice(0, 2), slice(None))),)
    operate(optimizer, Growth.between([old], model, carried=carried), step=2, lr_factor=1)

    check_coverage(model, optimizer)
    after = optimizer.state[new]
    moment = "momentum_buffer" if "momentum_buffer" in after else "exp_avg"
    assert torch.equal(after[moment][:2], before[moment])
    assert not after[moment][2].any()
    assert old not in optimizer.state


@pytest.mark.parametrize("units", [0, 1])
def test_old_moments_stay_where_new_entries_lie_between_old_ones(units: int) -> None:
    old, new = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(3, 5))
    optimizer = torch.optim.Adam([old])
    old.grad = torch.arange(6.0).reshape(2, 3) + 1
    optimizer.step()
    size = optimizer.state[old]["exp_avg_sq"].clone()
    region = (torch.tensor([0, 2])[:, None], torch.tensor([0, 1, 4]))

    operate(optimizer, Growth((), (Carried(old, new, region, "mean", units),), (old,)), step=1)

    grown = optimizer.state[new]["exp_avg_sq"]
    assert torch.equal(grown[region], size)
    if units == 0:
        torch.testing.assert_close(grown[1, [0, 1, 4]], size.mean(dim=0))
        assert not grown[:, 2:4].any()
    else:
        torch.testing.assert_close(grown[[0, 2]][:, 2:4], size.mean(dim=1, keepdim=True).expand(2, 2))
        assert not grown[1].any()


def test_the_mean_of_old_moments_is_taken_of_sizes_and_not_of_directions() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False))
    optimizer, old = stepped(model, AdamW()), model.get_parameter("0.weight")
    size = optimizer.state[old]["exp_avg_sq"].clone()

    model[0] = nn.Linear(2, 3, bias=False)
    new = model.get_parameter("0.weight")
    carried = (Carried(old, new, (slice(0, 2), slice(None)), "mean"),)
    operate(optimizer, Growth.between([old], model, carried=carried), step=2)

    assert not optimizer.state[new]["exp_avg"][2].any()
    torch.testing.assert_close(optimizer.state[new]["exp_avg_sq"][2], size.mean(dim=0))


def test_a_new_group_inherits_no_factor_of_a_learning_rate() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer, before = AdamW(lr=0.1).start(model.parameters()), list(model.parameters())
    scale_rates(optimizer, dict.fromkeys(before, 0.25))

    model.append(nn.Linear(2, 3))
    operate(optimizer, Growth.between(before, model), step=2)

    assert [group["lr_scale"] for group in optimizer.param_groups] == [0.25, 1]


def test_what_is_gone_is_forgotten() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optimizer, before = stepped(model, AdamW()), list(model.parameters())

    del model[1]
    operate(optimizer, Growth.between(before, model), step=2, lr_factor=1)

    check_coverage(model, optimizer)
    assert len(optimizer.state) == 2


def test_a_parameter_in_no_group_is_named() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    model.append(nn.Linear(2, 2))

    with pytest.raises(SurgeryError, match=r"'1\.weight' in one optimizer group, found it in 0"):
        check_coverage(model, optimizer)


def test_an_orphan_in_a_group_is_found() -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD([*model.parameters(), nn.Parameter(torch.ones(7))], lr=0.1)

    with pytest.raises(SurgeryError, match=r"\(7,\)"):
        check_coverage(model, optimizer)


def test_a_gradient_on_a_frozen_parameter_is_named() -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.ones(1, 2)).sum().backward()
    model.bias.requires_grad_(False)

    with pytest.raises(SurgeryError, match="frozen 'bias'"):
        check_coverage(model, optimizer)


def test_equal_values_are_not_taken_for_the_same_parameter() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].load_state_dict(model[0].state_dict())
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)

    with pytest.raises(SurgeryError):
        check_coverage(model, optimizer)


def test_a_group_is_divided_by_the_factors_of_its_parameters() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    optimizer = AdamW(lr=0.1).start(model.parameters())
    factors = {**dict.fromkeys(model[0].parameters(), 0.25), **dict.fromkeys(model[2].parameters(), 0.5)}

    scale_rates(optimizer, factors)
    scale_rates(optimizer, factors)

    check_coverage(model, optimizer)
    scales = {id(p): group["lr_scale"] for group in optimizer.param_groups for p in group["params"]}
    assert [scales[id(p)] for p in model.parameters()] == [0.25, 0.25, 1, 1, 0.5, 0.5]
    assert len(optimizer.param_groups) == 3


def test_factors_that_are_named_no_more_are_one() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optimizer = AdamW(lr=0.1).start(model.parameters())

    scale_rates(optimizer, dict.fromkeys(model[0].parameters(), 0.25))
    scale_rates(optimizer, {})

    assert [group["lr_scale"] for group in optimizer.param_groups] == [1, 1]
