"""What every memory promises."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from harness.core.seeding import generator
from harness.training.memory import (
    AbstractByClass,
    AbstractMemory,
    AllExamples,
    Candidates,
    Herding,
    LargestLoss,
    RandomExamples,
    Reservoir,
)

MEMORIES = [
    AllExamples(fraction=0.3),
    Herding(size=7, tap="hidden"),
    Herding(per_class=2, tap="hidden", per_batch=4),
    LargestLoss(size=7),
    LargestLoss(per_class=2),
    RandomExamples(size=0),
    RandomExamples(size=7),
    RandomExamples(per_class=2),
    Reservoir(size=0),
    Reservoir(size=7),
]
ARRIVALS = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=3), min_size=1, max_size=4)


def stages(arrivals: list[list[int]]) -> Iterator[Tensor]:
    """Yield the labels of the examples of each arrival, given how many examples each of its classes has."""
    first = 0
    for counts in arrivals:
        labels = torch.arange(first, first + len(counts)).repeat_interleave(torch.tensor(counts))
        yield labels[torch.randperm(len(labels), generator=generator(first, "order"))]
        first += len(counts)


def candidates_of(held: Tensor, new: Tensor, seen: int) -> Candidates:
    features = torch.randn(len(new), 4, generator=generator(seen, "features"))
    return Candidates(held=held, new=new, seen=seen, features=lambda _: features, losses=lambda: features[:, 0])


def remembered(memory: AbstractMemory, arrivals: list[list[int]], seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield after each arrival the numbers of the examples that are held, and the labels of all that were seen."""
    labels, held = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    for number, new in enumerate(stages(arrivals)):
        candidates = candidates_of(labels[held], new, len(labels))
        numbers = torch.cat([held, torch.arange(len(labels), len(labels) + len(new))])
        labels = torch.cat([labels, new])
        held = numbers[memory.choose(candidates, generator(seed, "memory", number))]
        yield held, labels


def test_every_memory_is_tested_here() -> None:
    leaves = {*AbstractMemory.__subclasses__(), *AbstractByClass.__subclasses__()} - {AbstractByClass}

    assert {type(memory) for memory in MEMORIES} == {one for one in leaves if one.__module__.startswith("harness.")}


def test_each_survives_json() -> None:
    assert [memory for memory in MEMORIES if AbstractMemory.model_validate(memory.to_json()) != memory] == []


@given(arrivals=ARRIVALS)
def test_each_holds_as_many_examples_as_it_says_each_once(arrivals: list[list[int]]) -> None:
    for memory in MEMORIES:
        for held, labels in remembered(memory, arrivals):
            assert len(held) == len(held.unique()) == memory.room(labels), memory


@given(arrivals=ARRIVALS)
def test_what_was_given_up_never_comes_back(arrivals: list[list[int]]) -> None:
    for memory in MEMORIES:
        before, count = set[int](), 0
        for held, labels in remembered(memory, arrivals):
            assert {number for number in held.tolist() if number < count} <= before, memory
            before, count = set(held.tolist()), len(labels)


def test_each_is_a_function_of_the_stream_it_gets_and_draws_from_no_other() -> None:
    global_stream = torch.get_rng_state()
    for memory in MEMORIES:
        one, other = (list(remembered(memory, [[6, 5], [4], [3, 9]])) for _ in range(2))

        assert all(torch.equal(left, right) for (left, _), (right, _) in zip(one, other, strict=True)), memory
    assert torch.equal(torch.get_rng_state(), global_stream)


@given(arrivals=ARRIVALS, size=st.integers(0, 12))
def test_a_size_in_all_is_divided_among_classes_and_the_best_of_each_stay(arrivals: list[list[int]], size: int) -> None:
    for memory in (RandomExamples(size=size), LargestLoss(size=size), Herding(size=size, tap="hidden")):
        before: dict[int, list[int]] = {}
        for held, labels in remembered(memory, arrivals):
            own = {label: held[labels[held] == label].tolist() for label in labels.unique().tolist()}
            counts = {label: int((labels == label).sum()) for label in own}
            each, rest = divmod(size, len(own))
            room = {label: each + (place < rest) for place, label in enumerate(own)}

            assert {label: len(numbers) for label, numbers in own.items()} == {
                label: min(room[label], counts[label]) for label in own
            }
            assert all(own[label] == numbers[: len(own[label])] for label, numbers in before.items())
            before = own


def herded_by_the_paper(features: Tensor, count: int) -> list[int]:
    """Choose exemplars as algorithm 4 of arXiv 1611.07725 says, word for word."""
    unit = [row / row.norm() for row in features.double()]
    mean, chosen = sum(unit) / len(unit), list[int]()
    for k in range(1, count + 1):
        distances = {
            x: float((mean - (unit[x] + sum(unit[p] for p in chosen)) / k).norm())
            for x in range(len(unit))
            if x not in chosen
        }
        chosen.append(min(distances, key=lambda x: distances[x]))
    return chosen


@pytest.mark.parametrize("seed", range(3))
def test_herding_chooses_as_the_paper_does(seed: int) -> None:
    features = torch.randn(20, 5, generator=torch.Generator().manual_seed(seed)) + 0.5
    candidates = Candidates(
        held=torch.zeros(0, dtype=torch.int64),
        new=torch.tensor([0, 1] * 10),
        seen=0,
        features={"hidden": features}.__getitem__,
        losses=lambda: torch.zeros(20),
    )

    chosen = Herding(size=9, tap="hidden").choose(candidates, torch.Generator())

    even, odd = (herded_by_the_paper(features[start::2], count) for start, count in ((0, 5), (1, 4)))
    assert chosen.tolist() == [*(2 * place for place in even), *(2 * place + 1 for place in odd)]


def test_the_largest_losses_of_each_class_stay_the_first_of_equals() -> None:
    candidates = Candidates(
        held=torch.tensor([7, 7, 7]),
        new=torch.tensor([3, 8, 3, 8, 3, 3]),
        seen=9,
        features=lambda _: torch.zeros(6, 1),
        losses=lambda: torch.tensor([0.1, 0.5, 2.0, 0.7, 2.0, 3.0]),
    )

    chosen = LargestLoss(size=7).choose(candidates, torch.Generator())

    assert chosen.tolist() == [3 + 5, 3 + 2, 3 + 4, 0, 1, 3 + 3, 3 + 1]  # classes 3, 7 and 8; the rest is for 3


def test_every_example_is_in_a_reservoir_equally_often() -> None:
    times, tries = torch.zeros(12), 1500
    for seed in range(tries):
        held, _ = list(remembered(Reservoir(size=3), [[5], [2, 2], [3]], seed))[-1]
        times[held] += 1

    deviation = (tries * 0.25 * 0.75) ** 0.5
    assert (times - tries / 4).abs().max() < 4 * deviation


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "herding", "tap": "hidden"}, "expected a size in all or per class, found size=None"),
        ({"kind": "random_examples", "size": 3, "per_class": 1}, "found size=3 and per_class=1; give one"),
        ({"kind": "reservoir", "size": 3, "fraction": 0.5, "per_batch": 2}, "found fraction=0.5 and per_batch=2"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AbstractMemory.model_validate(wrong)
