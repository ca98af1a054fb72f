"""What every freeze policy promises."""

import importlib
import json
import pkgutil
from itertools import product

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
    OldRate,
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
    OldRate(factor=0.1, policy=OldParameters()),
    OldRate(factor=2, policy=WarmUpThenThaw(steps=7, frozen_norm="track"), frozen_norm="track"),
    OldRate(factor=0.5, policy=DiscriminativeRates(layers=("blocks.0",), decay=0)),
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


def test_every_policy_is_tested_here() -> None:
    assert {type(policy) for policy in POLICIES} == own_leaves(AbstractFreezePolicy)


def test_each_survives_json() -> None:
    again = [AbstractFreezePolicy.model_validate(json.loads(json.dumps(policy.to_json()))) for policy in POLICIES]

    assert again == POLICIES


def test_each_names_candidates_only() -> None:
    known = {candidate.id for candidate in CANDIDATES}

    for policy in POLICIES:
        assert policy.frozen(CANDIDATES, growth=2, age=0) <= known, policy
        assert policy.lr_factors(CANDIDATES, growth=2, age=0).keys() <= known, policy


def test_decisions_change_only_at_the_ages_that_are_named() -> None:
    for policy in POLICIES:
        decisions = [
            (policy.frozen(CANDIDATES, growth=2, age=age), policy.lr_factors(CANDIDATES, growth=2, age=age))
            for age in AGES
        ]

        changed = [age for age in AGES[1:] if decisions[age] != decisions[age - 1]]
        assert set(changed) <= set(policy.changes()), policy
        assert all(age > 0 for age in policy.changes()), policy


def test_what_was_just_born_is_trained_at_the_rate_it_was_given() -> None:
    new = {candidate.id for candidate in CANDIDATES if candidate.birth == 2}

    for policy, age in product(POLICIES, (0, 1, 50, 199)):
        assert not policy.frozen(CANDIDATES, growth=2, age=age) & new, (policy, age)
        assert not policy.lr_factors(CANDIDATES, growth=2, age=age).keys() & new, (policy, age)


def test_a_rate_of_zero_means_frozen() -> None:
    for policy, age in product(POLICIES, (0, 1, 50, 199)):
        factors = policy.lr_factors(CANDIDATES, growth=2, age=age)

        assert all(factor >= 0 for factor in factors.values()), (policy, age)
        stopped = {name for name, factor in factors.items() if factor == 0}
        assert stopped <= policy.frozen(CANDIDATES, growth=2, age=age), (policy, age)


def test_the_same_question_has_the_same_answer() -> None:
    for policy in POLICIES:
        first = [policy.frozen(CANDIDATES, growth=2, age=age) for age in AGES]

        assert first == [policy.frozen(CANDIDATES, growth=2, age=age) for age in reversed(AGES)][::-1], policy


def test_one_that_freezes_old_parameters_freezes_all_of_them_at_every_age() -> None:
    for policy, growth in product(POLICIES, (1, 2)):
        old = {candidate.id for candidate in CANDIDATES if candidate.birth < growth}
        always = all(policy.frozen(CANDIDATES, growth=growth, age=age) == old for age in AGES)
        assert policy.freezes_old_parameters == (always and policy.frozen_norm == "eval"), (policy, growth)


def test_whether_it_freezes_old_parameters_is_read_from_its_json_alike() -> None:
    for policy in POLICIES:
        assert freezes_old_parameters(policy.to_json()) == policy.freezes_old_parameters, policy
