"""What every freeze policy promises."""

import pytest

from harness.core.spec import LeafSpec
from harness.growth.freezing import AbstractFreezePolicy, Candidate, Nothing, OldParameters

POLICIES = [Nothing(), OldParameters()]
CANDIDATES = tuple(Candidate(f"{birth}/{name}", name, birth) for birth in range(3) for name in ("weight", "mean"))


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    return {leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")}


@pytest.fixture(params=POLICIES, ids=repr)
def policy(request: pytest.FixtureRequest) -> AbstractFreezePolicy:
    found: AbstractFreezePolicy = request.param
    return found


def test_every_policy_is_tested_here() -> None:
    assert {type(policy) for policy in POLICIES} == own_leaves(AbstractFreezePolicy)


def test_it_survives_json(policy: AbstractFreezePolicy) -> None:
    assert AbstractFreezePolicy.model_validate(policy.to_json()) == policy


def test_it_freezes_candidates_only(policy: AbstractFreezePolicy) -> None:
    known = {candidate.id for candidate in CANDIDATES}

    assert policy.frozen(CANDIDATES, growth=2, age=0) <= known


def test_what_is_frozen_changes_only_when_it_says_so(policy: AbstractFreezePolicy) -> None:
    answers = [policy.frozen(CANDIDATES, growth=2, age=age) for age in range(200)]

    changed = [age for age in range(1, 200) if answers[age] != answers[age - 1]]
    assert set(changed) <= set(policy.changes())


def test_what_was_just_born_is_trained(policy: AbstractFreezePolicy) -> None:
    frozen = policy.frozen(CANDIDATES, growth=2, age=0)

    assert not any(candidate.id in frozen for candidate in CANDIDATES if candidate.birth == 2)
