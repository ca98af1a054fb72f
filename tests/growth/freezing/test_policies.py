import pytest

from harness.core.errors import SpecError
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

NAMES = [
    "stem.weight",
    "blocks.0.conv.weight",
    "blocks.0.norm.running_mean",
    "blocks.1.conv.weight",
    "blocks.1.norm.running_mean",
    "blocks.10.conv.weight",
    "output.weight",
    "output.bias",
]
OLD = tuple(Candidate(f"0/{name}", name, 0) for name in NAMES)
CANDIDATES = (*OLD, Candidate("1/heads.late.weight", "heads.late.weight", 1))


def frozen(policy: AbstractFreezePolicy, age: int = 0) -> list[str]:
    """Return the names of what is frozen after the first growth, in order."""
    ids = policy.frozen(CANDIDATES, growth=1, age=age)
    return [candidate.name for candidate in CANDIDATES if candidate.id in ids]


def test_old_parameters_are_those_born_before_the_growth() -> None:
    candidates = (Candidate("0/a", "a", 0), Candidate("1/b", "b", 1), Candidate("2/c", "c", 2))

    assert OldParameters().frozen(candidates, growth=2, age=0) == {"0/a", "1/b"}


def test_nothing_freezes_nothing() -> None:
    assert frozen(NoFreezing()) == []


@pytest.mark.parametrize(
    ("tap", "count"),
    [("stem", 1), ("blocks.0", 3), ("blocks.0.conv", 2), ("blocks.1", 5), ("blocks", 6), ("output", 8)],
)
def test_up_to_a_tap_everything_before_and_within_it_is_frozen(tap: str, count: int) -> None:
    assert frozen(UpToTap(tap=tap)) == NAMES[:count]


@pytest.mark.parametrize(("count", "first_trained"), [(1, 5), (2, 3), (3, 1)])
def test_all_but_the_last_blocks_means_all_that_lies_before_them(count: int, first_trained: int) -> None:
    assert frozen(AllButLast(blocks="blocks", count=count)) == NAMES[:first_trained]


def test_names_are_frozen_or_trained_by_pattern() -> None:
    patterns = ("blocks.1.*", "*.bias")
    fitting = ["blocks.1.conv.weight", "blocks.1.norm.running_mean", "output.bias"]

    assert frozen(ByName(patterns=patterns)) == fitting
    assert frozen(ByName(patterns=patterns, matched="train")) == [name for name in NAMES if name not in fitting]


def test_after_the_warm_up_everything_thaws_at_once() -> None:
    policy = WarmUpThenThaw(steps=3)

    assert [len(frozen(policy, age)) for age in range(5)] == [8, 8, 8, 0, 0]


def test_thawing_goes_from_the_output_down_one_part_at_a_time() -> None:
    policy = GradualThaw(layers=("blocks.0", "blocks.10"), every=10)

    assert [len(frozen(policy, age)) for age in (0, 9, 10, 19, 20, 29, 30, 99)] == [8, 8, 6, 6, 3, 3, 0, 0]
    assert frozen(policy, 20) == NAMES[:3]


def test_a_part_that_holds_nothing_old_costs_no_time() -> None:
    policy = GradualThaw(layers=("blocks.0", "output"), every=10)

    assert frozen(policy, 10) == NAMES[:3]


def test_rates_fall_from_part_to_part_towards_the_input() -> None:
    policy = DiscriminativeRates(layers=("stem", "blocks"), decay=0.5, top=0.8)

    factors = policy.lr_factors(CANDIDATES, growth=1, age=0)

    assert factors["0/output.bias"] == pytest.approx(0.8)
    assert factors["0/blocks.1.conv.weight"] == pytest.approx(0.4)
    assert factors["0/stem.weight"] == pytest.approx(0.2)
    assert "1/heads.late.weight" not in factors
    assert frozen(policy) == []


def test_a_decay_to_zero_freezes_all_below_the_top() -> None:
    assert frozen(DiscriminativeRates(layers=("stem", "blocks"), decay=0)) == NAMES[:6]


def test_what_is_old_and_trained_has_a_rate_of_its_own() -> None:
    rates = DiscriminativeRates(layers=("stem", "blocks"), decay=0.5)
    slow = OldRate(factor=0.1, policy=UpToTap(tap="blocks"))

    factors = OldRate(factor=0.1, policy=rates).lr_factors(CANDIDATES, growth=1, age=0)

    assert (factors["0/output.bias"], factors["0/stem.weight"]) == pytest.approx((0.1, 0.025))
    assert "1/heads.late.weight" not in factors
    assert frozen(slow) == frozen(slow.policy)
    assert slow.lr_factors(CANDIDATES, growth=1, age=0)["0/output.bias"] == pytest.approx(0.1)


def test_norms_are_treated_as_the_policy_within_says() -> None:
    with pytest.raises(SpecError, match="expected the frozen_norm of the policy, 'track', found 'eval'; give both"):
        OldRate(factor=0.1, policy=OldParameters(frozen_norm="track"))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (UpToTap(tap="pool"), r"expected a module that holds.*found 'pool'.*There are: stem, blocks, blocks\.0"),
        (UpToTap(tap="block"), "Did you mean 'blocks'"),
        (UpToTap(tap="blocks.100"), "found 'blocks.100'"),
        (UpToTap(tap="stem.weight"), "found 'stem.weight'"),
        (AllButLast(blocks="blocks", count=4), "expected at most 3 blocks in 'blocks', found count=4"),
        (AllButLast(blocks="stem"), "found 'stem'"),
        (AllButLast(blocks="nowhere"), "found 'nowhere'"),
        (
            ByName(patterns=("*", "blocks.7.*")),
            r"expected a pattern that fits something to freeze, found 'blocks\.7\.\*'",
        ),
        (ByName(patterns=("heads.*",)), "expected a pattern that fits something to freeze"),
        (GradualThaw(layers=("blocks.1", "blocks.0"), every=1), "expected layers in the order"),
        (GradualThaw(layers=("blocks", "blocks.10"), every=1), "expected layers in the order"),
        (DiscriminativeRates(layers=("nowhere",)), "found 'nowhere'"),
    ],
    ids=repr,
)
def test_a_place_that_is_not_there_is_refused(policy: AbstractFreezePolicy, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        frozen(policy)
