import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from harness.core.errors import DataError
from harness.data import BatchOrder, ReplayedOrder

SIZES = st.integers(1, 12)
SEEN = st.lists(st.integers(0, 500), min_size=1, max_size=40, unique=True).map(torch.tensor)
SEEDS = st.integers(0, 2**31)


def epoch_of(order: BatchOrder, epoch: int) -> list[int]:
    steps = range(epoch * order.per_epoch, (epoch + 1) * order.per_epoch)
    return [index for step in steps for index in order.indices(step).tolist()]


@given(seen=SEEN, size=SIZES, seed=SEEDS)
def test_every_epoch_sees_each_example_at_most_once(seen: Tensor, size: int, seed: int) -> None:
    order = BatchOrder(seen, size, seed=seed, growths=0)

    for epoch in range(3):
        indices = epoch_of(order, epoch)
        assert len(indices) == len(set(indices))
        assert set(indices) <= set(seen.tolist())
        assert len(seen) - len(indices) < size


@given(seen=SEEN, size=SIZES, seed=SEEDS)
def test_every_batch_is_full(seen: Tensor, size: int, seed: int) -> None:
    order = BatchOrder(seen, size, seed=seed, growths=0)

    lengths = {len(order.indices(step)) for step in range(3 * order.per_epoch)}

    assert lengths == {min(size, len(seen))}


@given(seen=SEEN, size=SIZES, seed=SEEDS, steps=st.lists(st.integers(0, 200), max_size=10))
def test_a_batch_depends_on_nothing_that_was_asked_before(seen: Tensor, size: int, seed: int, steps: list[int]) -> None:
    asked_often = BatchOrder(seen, size, seed=seed, growths=1)

    for step in steps:
        fresh = BatchOrder(seen, size, seed=seed, growths=1)
        assert torch.equal(asked_often.indices(step), fresh.indices(step))


def test_unrelated_draws_change_no_batch() -> None:
    before = BatchOrder(torch.arange(50), 8, seed=0, growths=0).indices(3)

    torch.randn(100)

    assert torch.equal(BatchOrder(torch.arange(50), 8, seed=0, growths=0).indices(3), before)


def test_the_global_random_stream_is_left_alone() -> None:
    stream = torch.get_rng_state()

    BatchOrder(torch.arange(50), 8, seed=0, growths=0).indices(3)

    assert torch.equal(torch.get_rng_state(), stream)


@pytest.mark.parametrize(("seed", "growths", "epoch"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_seed_growths_and_epoch_each_shuffle_anew(seed: int, growths: int, epoch: int) -> None:
    first = epoch_of(BatchOrder(torch.arange(100), 10, seed=0, growths=0), 0)

    other = epoch_of(BatchOrder(torch.arange(100), 10, seed=seed, growths=growths), epoch)

    assert other != first
    assert sorted(other) == sorted(first)


def test_every_example_has_its_turn_though_some_are_left_over() -> None:
    order = BatchOrder(torch.arange(10), 7, seed=0, growths=0)

    assert {index for epoch in range(30) for index in epoch_of(order, epoch)} == set(range(10))


def test_first_places_are_shared_evenly() -> None:
    order = BatchOrder(torch.arange(4), 1, seed=0, growths=0)

    firsts = torch.tensor([order.indices(4 * epoch).item() for epoch in range(2000)])

    # The standard deviation of each count is 19.
    assert (firsts.bincount(minlength=4) - 500).abs().max() < 90


def test_fewer_examples_than_a_batch_are_one_batch() -> None:
    order = BatchOrder(torch.tensor([4, 7, 9]), 32, seed=0, growths=0)

    assert order.per_epoch == 1
    assert all(sorted(order.indices(step).tolist()) == [4, 7, 9] for step in range(5))


def test_changing_what_can_be_seen_changes_only_which_examples_come() -> None:
    low = BatchOrder(torch.arange(20), 4, seed=2, growths=0)
    high = BatchOrder(torch.arange(20) + 100, 4, seed=2, growths=0)

    assert all(torch.equal(low.indices(step) + 100, high.indices(step)) for step in range(10))


def test_no_example_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="found none"):
        BatchOrder(torch.tensor([], dtype=torch.int64), 4, seed=0, growths=0)


@given(count=st.integers(1, 40), size=st.integers(1, 12), step=st.integers(0, 30), steps=st.integers(1, 30))
def test_what_will_be_seen_is_known_beforehand(count: int, size: int, step: int, steps: int) -> None:
    batches = BatchOrder(torch.arange(count), size, seed=0, growths=0)

    foreseen = batches.within(step, steps)

    seen = {index for later in range(step, step + steps) for index in batches.indices(later).tolist()}
    assert seen <= set(foreseen.tolist())
    assert len(foreseen) <= min(count, steps * size) or steps >= 2 * batches.per_epoch


def replayed(fraction: float, *, old: int = 30, size: int = 10) -> ReplayedOrder:
    new, earlier = torch.arange(40), 100 + torch.arange(old)
    return ReplayedOrder(new, earlier, size, fraction=fraction, seed=3, growths=1)


@pytest.mark.parametrize(("fraction", "count"), [(0.0, 0), (0.1, 1), (0.25, 2), (0.5, 5), (0.99, 9)])
def test_a_fraction_of_each_batch_is_old(fraction: float, count: int) -> None:
    order = replayed(fraction)

    batches = [order.indices(step) for step in range(2 * order.per_epoch)]

    assert {len(batch) for batch in batches} == {10}
    assert {int((batch >= 100).sum()) for batch in batches} == {count}


def test_without_old_examples_a_batch_is_new() -> None:
    order = replayed(0.5, old=0)

    assert len(order.indices(0)) == 10
    assert (order.indices(0) < 100).all()


def test_an_epoch_is_one_of_the_new_examples() -> None:
    order = replayed(0.5)

    seen = torch.cat([order.indices(step) for step in range(order.per_epoch)])

    assert order.per_epoch == 8
    assert sorted(seen[seen < 100].tolist()) == list(range(40))


def test_all_old_examples_have_their_turn() -> None:
    order = replayed(0.5, old=12)

    seen = torch.cat([order.indices(step) for step in range(20)])

    assert set(seen[seen >= 100].tolist()) == set(range(100, 112))


def test_a_replayed_batch_depends_on_nothing_that_was_asked_before() -> None:
    order = replayed(0.5)
    for step in (17, 3, 9):
        assert torch.equal(order.indices(step), replayed(0.5).indices(step))


def test_replay_of_nothing_sees_what_a_stream_of_the_new_examples_alone_sees() -> None:
    alone = BatchOrder(torch.arange(40), 10, seed=3, growths=1)

    assert all(torch.equal(replayed(0.0).indices(step), alone.indices(step)) for step in range(10))


def test_old_examples_are_shuffled_in_a_stream_of_their_own() -> None:
    new, old = torch.arange(20), 100 + torch.arange(20)
    order = ReplayedOrder(new, old, 10, fraction=0.5, seed=3, growths=1)

    batches = torch.stack([order.indices(step) for step in range(8)])

    assert not torch.equal(batches[:, :5], batches[:, 5:] - 100)
