import pytest
import torch
from hypothesis import given, reject
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.data.parts import Parts
from harness.data.splits import stratified_split


def test_without_groups_every_class_is_divided_alike() -> None:
    labels = torch.arange(100) % 4

    parts = Parts(fractions=(0.5, 0.25, 0.25), seed=3).divide(labels, None)

    expected = stratified_split(labels, (0.5, 0.25, 0.25), seed=3)
    assert [part.tolist() for part in parts] == [part.tolist() for part in expected]


@given(
    groups=st.lists(st.sampled_from([3, 10**12, 0, 77, 5, 6, 7, 8, 9, 10]), min_size=30, max_size=40),
    seed=st.integers(0, 9),
)
def test_a_group_is_in_exactly_one_part(groups: list[int], seed: int) -> None:
    numbers = torch.tensor(groups)
    try:
        parts = Parts(group="patient", seed=seed).divide(numbers % 2, numbers)
    except DataError:
        reject()

    held = [set(numbers[part].tolist()) for part in parts]

    assert sum(map(len, held)) == len(set(groups))
    assert sorted(torch.cat(parts).tolist()) == list(range(len(groups)))


def test_other_seeds_divide_otherwise() -> None:
    labels, groups = torch.zeros(60, dtype=torch.int64), torch.arange(60) // 2

    train = [Parts(group="patient", seed=seed).divide(labels, groups)[0].tolist() for seed in (0, 0, 1)]

    assert train[0] == train[1] != train[2]


def test_too_few_groups_are_refused() -> None:
    groups = torch.arange(20) // 10

    with pytest.raises(DataError, match=r"expected examples in every part, found \[20, 0, 0\]; .*give more groups"):
        Parts(group="patient").divide(groups, groups)
