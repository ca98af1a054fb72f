"""What every freeze policy promises."""

import importlib
import json
import pkgutil

import pytest

from harness.core.spec import LeafSpec
from harness.growth import freezing
from harness.growth.freezing import (
    AbstractFreezePolicy,
    AllButLast,
    ByName,
    Candidate,
    DiscriminativeRates,
    GradualThaw,
    NoFreezing,
    OldParameters,
    UpToTap,
    WarmUpThenThaw,
)
from harness.staging.frozen import freezes_old_parameters

POLICIES = [
    NoFreezing(),
    OldParameters(),
    OldParameters(frozen_norm="track"),
    UpToTap(tap="blocks.3"),
    AllButLast(blocks="blocks"),
    ByName(patterns=("blocks.*", "*.bias")),
    ByName(patterns=("*.weight",), matched="train", frozen_norm="train"),
    WarmUpThenThaw(steps=7),
    GradualThaw(layers=("blocks.0", "blocks.2"), every=30),
    DiscriminativeRates(layers=("blocks.0", "blocks.1"), decay=0.5),
    DiscriminativeRates(layers=("blocks.0",), decay=0, top=0.1),
]
NAMES = {
    "stem.weight": 0,
    **{f"blocks.{block}.{name}": block % 3 for block in range(4) for name in ("weight", "bias", "running_mean")},
    "output.weight": 0,
    "heads.first.weight": 1,
    "heads.first.bias": 1,
    "heads.second.weight": 2,
}
CANDIDATES = tuple(Candidate(f"{birth}/{name}", name, birth) for name, birth in NAMES.items())
AGES = range(200)


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    for module in pkgutil.iter_modules(freezing.__path__, f"{freezing.__name__}."):
        importlib.import_module(module.name)
    return {leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")}


@pytest.fixture(params=POLICIES, ids=repr)
def policy(request: pytest.FixtureRequest) -> AbstractFreezePolicy:
    found: AbstractFreezePolicy = request.param
    return found


def test_every_policy_is_tested_here() -> None:
    assert {type(policy) for policy in POLICIES} == own_leaves(AbstractFreezePolicy)


def test_it_survives_json(policy: AbstractFreezePolicy) -> None:
    assert AbstractFreezePolicy.model_validate(json.loads(json.dumps(policy.to_json()))) == policy


def test_it_speaks_of_candidates_only(policy: AbstractFreezePolicy) -> None:
    known = {candidate.id for candidate in CANDIDATES}

    assert policy.frozen(CANDIDATES, growth=2, age=0) <= known
    assert policy.lr_factors(CANDIDATES, growth=2, age=0).keys() <= known


def test_its_answers_change_only_when_it_says_so(policy: AbstractFreezePolicy) -> None:
    decisions = [
        (policy.frozen(CANDIDATES, growth=2, age=age), policy.lr_factors(CANDIDATES, growth=2, age=age)) for age in AGES
    ]

    changed = [age for age in AGES[1:] if decisions[age] != decisions[age - 1]]
    assert set(changed) <= set(policy.changes())
    assert all(age > 0 for age in policy.changes())


@pytest.mark.parametrize("age", [0, 1, 50, 199])
def test_what_was_just_born_is_trained_at_the_rate_it_was_given(policy: AbstractFreezePolicy, age: int) -> None:
    frozen = policy.frozen(CANDIDATES, growth=2, age=age)
    factors = policy.lr_factors(CANDIDATES, growth=2, age=age)

    new = {candidate.id for candidate in CANDIDATES if candidate.birth == 2}
    assert not frozen & new
    assert not factors.keys() & new


@pytest.mark.parametrize("age", [0, 1, 50, 199])
def test_a_rate_of_zero_means_frozen(policy: AbstractFreezePolicy, age: int) -> None:
    factors = policy.lr_factors(CANDIDATES, growth=2, age=age)

    assert all(factor >= 0 for factor in factors.values())
    assert {name for name, factor in factors.items() if factor == 0} <= policy.frozen(CANDIDATES, growth=2, age=age)


def test_the_same_question_has_the_same_answer(policy: AbstractFreezePolicy) -> None:
    first = [policy.frozen(CANDIDATES, growth=2, age=age) for age in AGES]

    assert first == [policy.frozen(CANDIDATES, growth=2, age=age) for age in reversed(AGES)][::-1]


def test_one_that_freezes_old_parameters_freezes_all_of_them_at_every_age(policy: AbstractFreezePolicy) -> None:
    for growth in (1, 2):
        old = {candidate.id for candidate in CANDIDATES if candidate.birth < growth}
        always = all(policy.frozen(CANDIDATES, growth=growth, age=age) == old for age in AGES)
        assert policy.freezes_old_parameters == (always and policy.frozen_norm == "eval")


def test_whether_it_freezes_old_parameters_is_read_from_its_json_alike(policy: AbstractFreezePolicy) -> None:
    assert freezes_old_parameters(policy.to_json()) == policy.freezes_old_parameters
