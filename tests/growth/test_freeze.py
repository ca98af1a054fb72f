import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.growth.freeze import candidates, freeze, set_train_mode
from harness.growth.freezing import Nothing, OldParameters
from harness.growth.identities import Identities
from harness.models import GrowableModel, Head
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW

OPTIMIZERS = [SGD(lr=0.1, weight_decay=0.1), AdamW(lr=0.1, weight_decay=0.1)]


def grown(model: GrowableModel) -> Identities:
    identities = Identities(model)
    model.attach("late", Head((7, 2)), "hidden")
    identities.register(model, birth=1)
    return identities


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=repr)
def test_what_is_frozen_stays_bit_for_bit(
    spec: AbstractOptimizer, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    optimizer = spec.start(conv_model.parameters())
    functional.mse_loss(conv_model(images)["known"], torch.ones(5, 3)).backward()
    optimizer.step()  # moments that would move a parameter, and a gradient left behind
    identities = grown(conv_model)
    optimizer.add_param_group({"params": list(conv_model.heads.parameters())})

    frozen = freeze(conv_model, identities, OldParameters(), growth=1)
    before = {key: identities[key].tensor.clone() for key in frozen}
    for _ in range(3):
        set_train_mode(conv_model, identities, frozen)
        optimizer.zero_grad()
        outputs = conv_model(images)
        (outputs["late"].square().sum() + outputs["known"].square().sum()).backward()
        optimizer.step()

    assert any("running_mean" in key for key in before)
    assert all(torch.equal(identities[key].tensor, value) for key, value in before.items())


def test_nothing_that_is_frozen_holds_a_gradient(conv_model: GrowableModel, images: torch.Tensor) -> None:
    conv_model(images)["known"].sum().backward()
    identities = grown(conv_model)

    freeze(conv_model, identities, OldParameters(), growth=1)

    assert all(p.grad is None and not p.requires_grad for p in conv_model.backbone.parameters())
    assert all(p.requires_grad for p in conv_model.heads.parameters())


def test_frozen_modules_are_in_eval_mode_and_the_new_ones_are_not(conv_model: GrowableModel) -> None:
    identities = grown(conv_model)

    set_train_mode(conv_model, identities, freeze(conv_model, identities, OldParameters(), growth=1))

    assert not any(module.training for module in conv_model.backbone.modules())
    assert all(module.training for module in conv_model.heads["late"].modules())


def test_a_norm_without_weights_stands_still_in_a_parent_that_trains() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2, affine=False))
    identities = Identities(model)
    model.append(nn.Linear(2, 2))
    identities.register(model, birth=1)

    set_train_mode(model, identities, freeze(model, identities, OldParameters(), growth=1))

    assert not model[0].training
    assert model.training


def test_thawing_trains_all_but_what_was_never_to_be_trained() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].weight.requires_grad_(False)
    identities = Identities(model)

    freeze(model, identities, OldParameters(), growth=1)
    freeze(model, identities, Nothing(), growth=1)

    assert [p.requires_grad for p in model.parameters()] == [False, True, True, True]


def test_candidates_carry_the_names_of_today() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    identities = Identities(model)
    model.insert(0, nn.Flatten())

    found = candidates(model, identities)

    assert [(c.id, c.name, c.birth) for c in found] == [("0/0.weight", "1.weight", 0), ("0/0.bias", "1.bias", 0)]
