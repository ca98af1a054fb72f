import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from harness.core.seeding import generator, seed_global_stream, seeded_global_stream, stream_seed

CPU = torch.device("cpu")
SEEDS = st.integers(0, 2**40)
PURPOSES = st.lists(st.sampled_from(["batches", "model", "step", "growth"]) | st.integers(0, 999), max_size=3).map(
    tuple
)


@given(seed=SEEDS, purpose=PURPOSES)
def test_a_stream_seed_fits_every_generator(seed: int, purpose: tuple[str | int, ...]) -> None:
    assert 0 <= stream_seed(seed, *purpose) < 2**63


def test_stream_seeds_stay_the_same_in_every_version() -> None:
    assert stream_seed(0, "batches", 1) == 2584960415640344800
    assert stream_seed(7) == 3193050612831425908


@given(one=st.tuples(SEEDS, PURPOSES), other=st.tuples(SEEDS, PURPOSES))
def test_streams_differ_by_seed_and_by_purpose(
    one: tuple[int, tuple[str | int, ...]], other: tuple[int, tuple[str | int, ...]]
) -> None:
    (seed, purpose), (another_seed, another_purpose) = one, other

    assert (stream_seed(seed, *purpose) == stream_seed(another_seed, *another_purpose)) == (one == other)


def test_many_streams_have_no_value_in_common() -> None:
    firsts = {
        torch.randint(2**62, (), generator=generator(seed, purpose, step)).item()
        for seed in range(10)
        for purpose in ("batches", "step")
        for step in range(20)
    }

    assert len(firsts) == 10 * 2 * 20


def test_a_stream_gives_the_same_values_after_unrelated_draws() -> None:
    before = torch.randn(5, generator=generator(3, "growth", 1))

    torch.randn(100)
    torch.randn(100, generator=generator(3, "growth", 2))
    after = torch.randn(5, generator=generator(3, "growth", 1))

    assert torch.equal(before, after)


def test_a_generator_leaves_the_global_stream_alone() -> None:
    stream = torch.get_rng_state()

    torch.randn(5, generator=generator(3, "growth"))

    assert torch.equal(torch.get_rng_state(), stream)


def dropped(value: int) -> Tensor:
    seed_global_stream(value, CPU)
    kept: Tensor = nn.Dropout(0.5)(torch.ones(200))
    return kept


def test_dropout_follows_the_global_stream() -> None:
    with torch.random.fork_rng():
        first, again, other = dropped(1), dropped(1), dropped(2)

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_seeding_the_global_stream_does_what_torch_does() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        expected = torch.randn(5)
        seed_global_stream(11, CPU)
        found = torch.randn(5)

    assert torch.equal(found, expected)


def test_a_block_draws_from_its_stream_whatever_came_before() -> None:
    layers = []
    for unrelated in (0, 13):
        torch.randn(unrelated)
        with seeded_global_stream(5, "model"):
            layers.append(nn.Linear(4, 3))

    assert torch.equal(layers[0].weight, layers[1].weight)


def test_blocks_of_other_purposes_draw_other_values() -> None:
    draws = []
    for seed, purpose in [(5, "model"), (5, "head"), (6, "model")]:
        with seeded_global_stream(seed, purpose):
            draws.append(torch.randn(3))

    assert not torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_a_block_puts_the_global_stream_back() -> None:
    stream = torch.get_rng_state()

    with seeded_global_stream(5, "model"):
        torch.randn(9)

    assert torch.equal(torch.get_rng_state(), stream)


def fail_after_a_draw() -> None:
    with seeded_global_stream(5, "model"):
        torch.randn(9)
        raise RuntimeError("foreign")


def test_a_block_that_fails_puts_the_global_stream_back() -> None:
    stream = torch.get_rng_state()

    with pytest.raises(RuntimeError, match="foreign"):
        fail_after_a_draw()

    assert torch.equal(torch.get_rng_state(), stream)


def test_a_block_within_a_block_gives_the_outer_stream_back() -> None:
    with seeded_global_stream(5, "model"):
        expected = torch.randn(4)

    with seeded_global_stream(5, "model"):
        first = torch.randn(2)
        with seeded_global_stream(6, "model"):
            torch.randn(3)
        second = torch.randn(2)

    assert torch.equal(torch.cat([first, second]), expected)


def test_purposes_of_other_parts_or_types_are_other_streams() -> None:
    seeds = [stream_seed(0, "a/b"), stream_seed(0, "a", "b"), stream_seed(0, "1"), stream_seed(0, 1)]

    assert len(set(seeds)) == 4
