from typing import Any

import optuna
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.search.samplers import CMAES, GP, NSGAII, TPE, AbstractSampler, Grid, QuasiRandom, Random, Search, Told
from harness.search.space import AbstractDimension, Choice, Float, Int

SPACE: dict[str, AbstractDimension] = {
    "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
    "init": Choice(field="growths.0.operation.init", options=("zeros", "orthogonal", "xavier_uniform")),
    "weight": Float(field="growths.0.loss_weight", low=0.25, high=4, log=True),
}
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def silence() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


class Points:
    """The quasi-random points of a study."""

    def __init__(self, space: dict[str, AbstractDimension], name: str) -> None:
        self._search = Search(name, space)

    def point(self, number: int) -> dict[str, Any]:
        return QuasiRandom().point(self._search, number)


SAMPLERS: list[AbstractSampler] = [
    CMAES(),
    GP(startup=3),
    Grid(),
    NSGAII(population=4),
    QuasiRandom(),
    Random(),
    TPE(startup=3),
]
each = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.kind)


def continued(sampler: AbstractSampler, told: list[Told], count: int) -> list[Told]:
    """Return the trials told and so many more; the score is best for early growth with a light weight."""
    told = list(told)
    for number in range(len(told), len(told) + count):
        params = sampler.point(Search("digits", SPACE), number, told if sampler.learns else ())
        failed = number == 5
        told.append(Told(params, None if failed else -params["when"] / 800 - params["weight"]))
    return told


@each
def test_thirty_in_one_go_equal_fifteen_and_then_fifteen(sampler: AbstractSampler) -> None:
    fifteen = continued(sampler, [], 15)
    again = type(sampler).model_validate(sampler.to_json())

    assert continued(sampler, [], 30) == continued(again, fifteen, 15)


@each
def test_proposals_lie_in_the_space(sampler: AbstractSampler) -> None:
    for trial in continued(sampler, [], 12):
        assert list(trial.params) == list(SPACE)
        assert all(SPACE[name].contains(value) for name, value in trial.params.items())


@each
def test_the_global_stream_is_left_alone(sampler: AbstractSampler) -> None:
    stream = torch.get_rng_state()

    continued(sampler, [], 6)

    assert torch.equal(torch.get_rng_state(), stream)


@pytest.mark.parametrize("sampler", [s for s in SAMPLERS if s.learns], ids=lambda sampler: sampler.kind)
def test_a_sampler_that_learns_proposes_something_else_after_other_results(sampler: AbstractSampler) -> None:
    told = continued(sampler, [], 13)
    other = [Told(trial.params, trial.value and -trial.value, trial.given) for trial in told]

    assert continued(sampler, told, 10)[13:] != [
        Told(sampler.point(Search("digits", SPACE), n, other), t.value)
        for n, t in enumerate(continued(sampler, told, 10))
        if n >= 13
    ]


@each
def test_an_empty_space_has_one_configuration(sampler: AbstractSampler) -> None:
    assert [sampler.point(Search("digits", {}), number, []) for number in range(3)] == [{}, {}, {}]


def test_a_grid_has_every_combination_once() -> None:
    grid, search = Grid(points=2), Search("digits", SPACE)

    points = [tuple(grid.point(search, number).values()) for number in range(grid.limit(search))]

    assert len(points) == len(set(points)) == 2 * 3 * 2


@given(name=names, numbers=st.lists(st.integers(0, 200), min_size=1, max_size=5))
def test_a_proposal_depends_on_name_and_number_alone(name: str, numbers: list[int]) -> None:
    sampler, stream = Points(SPACE, name), torch.get_rng_state()

    proposed = [sampler.point(number) for number in numbers]

    assert proposed == [Points(SPACE, name).point(number) for number in numbers]
    assert torch.equal(torch.get_rng_state(), stream)


@given(one=names, other=names)
def test_different_studies_differ(one: str, other: str) -> None:
    first, second = ([Points(SPACE, name).point(number) for number in range(8)] for name in (one, other))

    assert (first == second) == (one == other)


@given(name=names, counts=st.lists(st.integers(1, 9), min_size=1, max_size=5), start=st.integers(0, 3))
def test_every_option_of_every_dimension_comes_within_one_period(name: str, counts: list[int], start: int) -> None:
    space: dict[str, AbstractDimension] = {
        f"d{index}": Choice(field="x", options=tuple(range(count))) for index, count in enumerate(counts)
    }
    period = 2 ** (2 * max(counts) - 1).bit_length()  # so many Sobol' points leave no half of any option out
    sampler = Points(space, name)

    proposed = [sampler.point(number) for number in range(start * period, (start + 1) * period)]

    assert all({point[f"d{index}"] for point in proposed} == set(range(n)) for index, n in enumerate(counts))


def test_options_are_proposed_equally_often() -> None:
    space: dict[str, AbstractDimension] = {"init": Choice(field="x", options=("a", "b", "c", "d"))}
    sampler = Points(space, "digits")

    proposed = [sampler.point(number)["init"] for number in range(32)]

    assert {option: proposed.count(option) for option in "abcd"} == dict.fromkeys("abcd", 8)


def test_no_configuration_of_numbers_comes_twice() -> None:
    sampler = Points(SPACE, "digits")

    weights = [sampler.point(number)["weight"] for number in range(64)]

    assert len(set(weights)) == len(weights)
