import copy
import hashlib
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from itertools import pairwise, product
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RMSprop

from harness.core.errors import SpecError
from harness.growth.freeze import candidates, freeze, lr_factors, named_parameters
from harness.growth.freezing import (
    AbstractFreezePolicy,
    ByName,
    Candidate,
    DiscriminativeRates,
    NoFreezing,
    OldParameters,
    UpToTap,
    WarmUpThenThaw,
)
from harness.growth.frozen_modes import set_train_mode
from harness.growth.grow import grow
from harness.growth.identities import Identities
from harness.growth.operations import AttachHead
from harness.growth.probe import Probe
from harness.models import GrowableModel, Head

Build = Callable[[Iterable[nn.Parameter]], Optimizer]
OPTIMIZERS: dict[str, Build] = {
    "sgd": lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
    "sgd, nesterov": lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.1, nesterov=True, foreach=False),
    "sgd, foreach": lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.1, foreach=True),
    "sgd, fused": lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.1, fused=True),
    "adam": lambda p: Adam(p, 0.1, weight_decay=0.1, foreach=False),
    "adam, foreach": lambda p: Adam(p, 0.1, weight_decay=0.1, foreach=True),
    "adam, fused": lambda p: Adam(p, 0.1, weight_decay=0.1, fused=True),
    "adam, amsgrad": lambda p: Adam(p, 0.1, amsgrad=True),
    "adamw, foreach": lambda p: AdamW(p, 0.1, weight_decay=0.1, foreach=True),
    "adamw, fused": lambda p: AdamW(p, 0.1, weight_decay=0.1, fused=True),
    "adamw, amsgrad": lambda p: AdamW(p, 0.1, weight_decay=0.1, amsgrad=True),
    "nadam": lambda p: NAdam(p, 0.1, weight_decay=0.1),
    "rmsprop": lambda p: RMSprop(p, 0.1, momentum=0.9, weight_decay=0.1),
    "rmsprop, centered": lambda p: RMSprop(p, 0.01, momentum=0.9, centered=True, foreach=True),
    "adagrad": lambda p: Adagrad(p, 0.1, weight_decay=0.1),
    "adagrad, fused": lambda p: Adagrad(p, 0.1, weight_decay=0.1, fused=True),
    "adadelta": lambda p: Adadelta(p, 0.1, weight_decay=0.1),
}


class Training:
    """Updates of a model, in one precision, over one or several backward passes each."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, precision: str = "fp32", passes: int = 1) -> None:
        self.model, self.optimizer, self.passes = model, optimizer, passes
        self.dtype = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self.scaler = torch.amp.GradScaler("cpu", enabled=precision == "fp16", init_scale=256.0)

    def backward(self, inputs: Tensor) -> None:
        for part in range(self.passes):
            with torch.autocast("cpu", self.dtype) if self.dtype else nullcontext():
                outputs = self.model(inputs + part)
                loss = torch.stack([output.float().square().mean() for output in outputs.values()]).sum()
            self.scaler.scale(loss / self.passes).backward()

    def step(self) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update()
        # Zeros and not None: what holds a zero gradient would still be moved.
        self.optimizer.zero_grad(set_to_none=False)


def hashes(identities: Identities, names: Iterable[str]) -> dict[str, str]:
    values = {name: identities[name].tensor.detach().numpy().tobytes() for name in sorted(names)}
    return {name: hashlib.sha256(value).hexdigest() for name, value in values.items()}


def grown(model: GrowableModel, optimizer: Optimizer | None = None) -> Identities:
    identities = Identities(model)
    model.attach("late", Head((7, 2)), "hidden")
    identities.register(model, birth=1)
    if optimizer is not None:
        optimizer.add_param_group({"params": list(model.heads.parameters())})
    return identities


# What gradients are when a part is frozen, in which precision, and the backward passes of an update.
LEFT_BEHIND = [*product(("a stale gradient", "a zero gradient"), ("fp32", "bf16", "fp16"), (1, 3))]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_frozen_stays_bit_for_bit(name: str, conv_model: GrowableModel, images: Tensor) -> None:
    for left_behind, precision, passes in LEFT_BEHIND:
        torch.manual_seed(0)  # for dropout and the head
        model = copy.deepcopy(conv_model)
        optimizer = OPTIMIZERS[name](model.parameters())
        training = Training(model, optimizer, precision, passes)
        for _ in range(2):
            training.backward(images)
            training.step()
        if left_behind == "a stale gradient":
            training.backward(images)
        identities = grown(model, optimizer)

        frozen = freeze(model, identities, OldParameters(), growth=1)
        new = identities.keys() - frozen
        before, others = hashes(identities, frozen), hashes(identities, new)
        for _ in range(3):
            model.train()
            set_train_mode(model, identities, frozen)
            training.backward(images)
            training.step()

        case = (left_behind, precision, passes)
        assert any("running_mean" in key for key in before), case
        assert hashes(identities, frozen) == before, case
        assert not set(hashes(identities, new).items()) & set(others.items()), case


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_part_that_thaws_goes_on_with_the_moments_it_had(
    name: str, conv_model: GrowableModel, images: Tensor
) -> None:
    optimizer = OPTIMIZERS[name](conv_model.parameters())
    training = Training(conv_model, optimizer)
    for _ in range(2):
        training.backward(images)
        training.step()
    identities, policy = grown(conv_model, optimizer), WarmUpThenThaw(steps=2)
    weight = conv_model.get_parameter("backbone.hidden.linear.weight")
    moments = copy.deepcopy(optimizer.state[weight])

    values = [weight.detach().clone()]
    for age in range(4):
        frozen = freeze(conv_model, identities, policy, growth=1, age=age)
        set_train_mode(conv_model, identities, frozen)
        if age == 2:
            torch.testing.assert_close(dict(optimizer.state[weight]), dict(moments), rtol=0, atol=0)
        training.backward(images)
        training.step()
        values.append(weight.detach().clone())

    assert [torch.equal(old, new) for old, new in pairwise(values)] == [True, True, False, False]


def test_gradients_that_were_being_accumulated_are_dropped(conv_model: GrowableModel, images: Tensor) -> None:
    conv_model(images)["known"].sum().backward()
    identities = grown(conv_model)

    freeze(conv_model, identities, OldParameters(), growth=1)
    sum(output.sum() for output in conv_model(images).values()).backward()

    assert all(p.grad is None and not p.requires_grad for p in conv_model.backbone.parameters())
    assert all(p.grad is not None and p.requires_grad for p in conv_model.heads.parameters())


def test_frozen_modules_are_in_eval_mode_and_the_new_ones_are_not(conv_model: GrowableModel) -> None:
    identities = grown(conv_model)

    set_train_mode(conv_model, identities, freeze(conv_model, identities, OldParameters(), growth=1))

    assert not any(module.training for module in conv_model.backbone.modules())
    assert all(module.training for module in conv_model.heads["late"].modules())


def test_thawing_trains_all_but_what_was_never_to_be_trained() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].weight.requires_grad_(False)
    identities = Identities(model)

    freeze(model, identities, OldParameters(), growth=1)
    freeze(model, identities, NoFreezing(), growth=1)

    assert [p.requires_grad for p in model.parameters()] == [False, True, True, True]


def test_candidates_carry_the_names_of_today() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    identities = Identities(model)
    model.insert(0, nn.Flatten())

    found = candidates(model, identities)

    assert [(c.id, c.name, c.birth) for c in found] == [("0/0.weight", "1.weight", 0), ("0/0.bias", "1.bias", 0)]


def test_candidates_are_named_as_in_a_study_and_stand_in_the_order_of_modules(conv_model: GrowableModel) -> None:
    names = [candidate.name for candidate in candidates(conv_model, grown(conv_model))]

    assert names.index("blocks.0.norm.running_var") < names.index("blocks.1.conv.weight")
    assert names[-2:] == ["heads.late.output.weight", "heads.late.output.bias"]


def test_a_tap_is_frozen_with_its_statistics_and_what_follows_is_trained(conv_model: GrowableModel) -> None:
    identities = grown(conv_model)

    frozen = freeze(conv_model, identities, UpToTap(tap="blocks.0"), growth=1)
    set_train_mode(conv_model, identities, frozen)

    blocks = conv_model.backbone.get_submodule("blocks")
    assert [block.training for block in blocks.children()] == [False, True]
    assert {name.split(".")[2] for name in frozen} == {"0"}


def test_frozen_statistics_stand_still_beside_weights_that_are_trained() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3))
    identities = Identities(model)

    frozen = freeze(model, identities, ByName(patterns=("*.weight", "*.bias"), matched="train"), growth=1)
    set_train_mode(model, identities, frozen)

    assert frozen == {"0/0.running_mean", "0/0.running_var", "0/0.num_batches_tracked"}
    assert [module.training for module in model] == [False, True]
    assert all(p.requires_grad for p in model.parameters())


def test_a_module_that_shares_a_frozen_weight_is_frozen_with_it() -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    identities = Identities(model)

    frozen = freeze(model, identities, UpToTap(tap="0"), growth=1)
    set_train_mode(model, identities, frozen)

    assert [module.training for module in model] == [False, False, True]


def test_rates_are_given_for_all_that_is_trained(conv_model: GrowableModel) -> None:
    identities = grown(conv_model)
    policy = DiscriminativeRates(layers=("blocks.0", "blocks.1"), decay=0.5)

    freeze(conv_model, identities, policy, growth=1)
    factors = lr_factors(conv_model, identities, policy, growth=1)

    assert factors.keys() == identities.parameters().keys()
    assert factors["0/backbone.blocks.0.conv.weight"] == 0.25
    assert factors["0/backbone.output.bias"] == 1.0
    assert factors["1/heads.late.output.weight"] == 1.0


def test_no_rate_is_given_for_what_is_frozen(conv_model: GrowableModel) -> None:
    identities = grown(conv_model)
    policy = DiscriminativeRates(layers=("blocks",), decay=0)

    frozen = freeze(conv_model, identities, policy, growth=1)
    factors = lr_factors(conv_model, identities, policy, growth=1)

    assert factors.keys() == identities.parameters().keys() - frozen
    assert set(factors.values()) == {1.0}


class Careless(AbstractFreezePolicy):
    kind: Literal["careless"] = "careless"

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:  # noqa: ARG002
        return frozenset()

    def lr_factors(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> dict[str, float]:  # noqa: ARG002
        return {candidates[0].id: 0.0}


def test_a_rate_of_zero_for_what_is_not_frozen_is_refused(conv_model: GrowableModel) -> None:
    with pytest.raises(
        SpecError, match=r"to freeze '0/backbone\.blocks\.0\.conv\.weight', found the factor 0\.0 alone"
    ):
        lr_factors(conv_model, grown(conv_model), Careless(), growth=1)


def test_a_frozen_part_that_feeds_a_trained_one_gives_it_the_same_gradient(
    conv_model: GrowableModel, images: Tensor
) -> None:
    identities = grown(conv_model)
    conv_model.eval()
    functional.mse_loss(conv_model(images)["late"], torch.ones(5, 2)).backward()
    expected = [parameter.grad for parameter in conv_model.heads.parameters()]

    frozen = freeze(conv_model, identities, OldParameters(), growth=1)
    set_train_mode(conv_model, identities, frozen)
    conv_model.zero_grad()
    functional.mse_loss(conv_model(images)["late"], torch.ones(5, 2)).backward()

    found = [parameter.grad for parameter in conv_model.heads.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True) if a is not None and b is not None)


def test_a_policy_that_cannot_be_followed_undoes_the_growth(conv_model: GrowableModel, images: Tensor) -> None:
    optimizer, before = AdamW(conv_model.parameters()), dict(conv_model.state_dict())
    operation, policy = AttachHead(name="late", outputs=2, tap="hidden"), UpToTap(tap="hidden.activation")

    with pytest.raises(SpecError, match=r"found 'hidden\.activation'; name the last one before it"):
        grow(conv_model, optimizer, operation, freeze_policy=policy, probe=Probe(images))

    assert conv_model.state_dict().keys() == before.keys()
    assert all(p.requires_grad for p in conv_model.parameters())
    assert len(optimizer.param_groups) == 1


def test_learned_weights_of_losses_are_never_frozen(conv_model: GrowableModel) -> None:
    conv_model.learn_weights(["known"])
    identities = Identities(conv_model)

    frozen = freeze(conv_model, identities, OldParameters(), growth=1)

    assert "0/log_variances.known" in identities
    assert "0/log_variances.known" not in frozen
    assert conv_model.log_variances["known"].requires_grad
    assert not any(parameter.requires_grad for parameter in conv_model.backbone.parameters())
    assert list(named_parameters(conv_model))[-1].startswith("output.")
