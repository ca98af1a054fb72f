import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from harness.data.splits import grouped_split, stratified_split

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=80).map(torch.tensor)
FRACTIONS = st.sampled_from([(1.0,), (0.5, 0.5), (5 / 6, 1 / 6), (0.5, 0.2, 0.3), (0.7, 0.1, 0.1, 0.1)])
SEEDS = st.integers(0, 2**31)


def as_lists(parts: list[Tensor]) -> list[list[int]]:
    return [part.tolist() for part in parts]


@given(labels=LABELS, fractions=FRACTIONS, seed=SEEDS)
def test_every_example_is_in_exactly_one_part(labels: Tensor, fractions: tuple[float, ...], seed: int) -> None:
    parts = stratified_split(labels, fractions, seed=seed)

    assert len(parts) == len(fractions)
    assert sorted(torch.cat(parts).tolist()) == list(range(len(labels)))


@given(labels=LABELS, fractions=FRACTIONS, seed=SEEDS)
def test_the_indices_of_a_part_are_sorted(labels: Tensor, fractions: tuple[float, ...], seed: int) -> None:
    parts = as_lists(stratified_split(labels, fractions, seed=seed))

    assert all(part == sorted(part) for part in parts)


@given(labels=LABELS, fractions=FRACTIONS, seed=SEEDS)
def test_every_class_is_divided_alike(labels: Tensor, fractions: tuple[float, ...], seed: int) -> None:
    first, *others = stratified_split(labels, fractions, seed=seed)

    for label, count in zip(*map(Tensor.tolist, labels.unique(return_counts=True)), strict=True):
        for part, fraction in zip(others, fractions[1:], strict=True):
            assert count * fraction - 1 < (labels[part] == label).sum() <= count * fraction + 1e-9
        assert count * fractions[0] - 1e-9 <= (labels[first] == label).sum()


@given(labels=LABELS, fractions=FRACTIONS, seed=SEEDS)
def test_a_split_does_not_depend_on_what_was_drawn_before(
    labels: Tensor, fractions: tuple[float, ...], seed: int
) -> None:
    first = stratified_split(labels, fractions, seed=seed)

    stratified_split(labels.flip(0), fractions, seed=seed + 1)
    torch.randn(3)

    assert as_lists(stratified_split(labels, fractions, seed=seed)) == as_lists(first)


def test_the_global_random_stream_is_left_alone() -> None:
    stream = torch.get_rng_state()

    stratified_split(torch.zeros(20), (0.5, 0.5), seed=0)

    assert torch.equal(torch.get_rng_state(), stream)


def test_another_seed_splits_otherwise() -> None:
    labels = torch.arange(100) % 4

    parts = [as_lists(stratified_split(labels, (0.5, 0.5), seed=seed)) for seed in range(5)]

    assert all(parts[0] != other for other in parts[1:])


@pytest.mark.parametrize(
    ("count", "fractions", "sizes"),
    [
        (6000, (5 / 6, 1 / 6), [5000, 1000]),
        (7, (0.5, 0.5), [4, 3]),
        (1, (0.5, 0.2, 0.3), [1, 0, 0]),
        (9, (0.1, 0.9), [1, 8]),
    ],
)
def test_what_rounding_leaves_over_goes_to_the_first_part(
    count: int, fractions: tuple[float, ...], sizes: list[int]
) -> None:
    parts = stratified_split(torch.zeros(count), fractions, seed=0)

    assert [len(part) for part in parts] == sizes


@given(data=st.data(), fractions=FRACTIONS, seed=SEEDS)
def test_groups_are_whole_in_exactly_one_part(data: st.DataObject, fractions: tuple[float, ...], seed: int) -> None:
    groups = data.draw(LABELS)
    labels = groups.flip(0)

    parts = grouped_split(labels, groups, fractions, seed=seed)

    held = [set(groups[part].tolist()) for part in parts]
    assert sorted(torch.cat(parts).tolist()) == list(range(len(groups)))
    assert sum(map(len, held)) == len(set(groups.tolist()))


@pytest.mark.parametrize("seed", range(5))
def test_with_many_small_groups_every_class_is_divided_nearly_alike(seed: int) -> None:
    stream = torch.Generator().manual_seed(seed)
    groups = torch.randint(200, (2000,), generator=stream)
    labels = (torch.rand(2000, generator=stream) < 0.1).long()  # a rare class

    parts = grouped_split(labels, groups, (0.5, 0.2, 0.3), seed=seed)

    for part, fraction in zip(parts, (0.5, 0.2, 0.3), strict=True):
        shares = labels[part].bincount() / labels.bincount()
        assert shares.tolist() == pytest.approx([fraction] * 2, abs=0.03)
