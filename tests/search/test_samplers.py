from itertools import islice
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.search.samplers import QuasiRandomSampler
from harness.search.space import AbstractDimension, Choice, Float, Int

SPACE: dict[str, AbstractDimension] = {
    "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
    "init": Choice(field="growths.0.operation.init", options=("zeros", "orthogonal", "xavier_uniform")),
    "weight": Float(field="growths.0.loss_weight", low=0.25, high=4, log=True),
}
DISTRIBUTIONS = {name: dimension.distribution() for name, dimension in SPACE.items()}
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12)


def asked(folder: Path, name: str, count: int) -> list[dict[str, Any]]:
    """Ask an Optuna study, stored in `folder` and loaded anew, `count` times."""
    storage = f"sqlite:///{folder / 'optuna.sqlite'}"
    sampler = QuasiRandomSampler(SPACE, name)
    study = optuna.create_study(storage=storage, study_name=name, sampler=sampler, load_if_exists=True)
    return [study.ask(fixed_distributions=DISTRIBUTIONS).params for _ in range(count)]


@pytest.fixture(autouse=True)
def silence() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_thirty_in_one_go_equal_fifteen_and_then_fifteen(tmp_path: Path) -> None:
    (tmp_path / "at-once").mkdir()
    (tmp_path / "in-two").mkdir()

    at_once = asked(tmp_path / "at-once", "digits", 30)
    in_two = asked(tmp_path / "in-two", "digits", 15) + asked(tmp_path / "in-two", "digits", 15)

    assert at_once == in_two == [QuasiRandomSampler(SPACE, "digits").point(number) for number in range(30)]


@given(name=names, numbers=st.lists(st.integers(0, 200), min_size=1, max_size=5))
def test_a_proposal_depends_on_name_and_number_alone(name: str, numbers: list[int]) -> None:
    sampler, stream = QuasiRandomSampler(SPACE, name), torch.get_rng_state()

    proposed = [sampler.point(number) for number in numbers]

    assert proposed == [QuasiRandomSampler(SPACE, name).point(number) for number in numbers]
    assert torch.equal(torch.get_rng_state(), stream)


@given(one=names, other=names)
def test_different_studies_differ(one: str, other: str) -> None:
    first, second = ([QuasiRandomSampler(SPACE, name).point(number) for number in range(8)] for name in (one, other))

    assert (first == second) == (one == other)


@given(name=names, counts=st.lists(st.integers(1, 9), min_size=1, max_size=5), start=st.integers(0, 3))
def test_every_option_of_every_dimension_comes_within_one_period(name: str, counts: list[int], start: int) -> None:
    space: dict[str, AbstractDimension] = {
        f"d{index}": Choice(field="x", options=tuple(range(count))) for index, count in enumerate(counts)
    }
    period = 2 ** (2 * max(counts) - 1).bit_length()  # so many Sobol' points leave no half of any option out
    sampler = QuasiRandomSampler(space, name)

    proposed = [sampler.point(number) for number in range(start * period, (start + 1) * period)]

    assert all({point[f"d{index}"] for point in proposed} == set(range(n)) for index, n in enumerate(counts))


def test_options_are_proposed_equally_often() -> None:
    space: dict[str, AbstractDimension] = {"init": Choice(field="x", options=("a", "b", "c", "d"))}
    sampler = QuasiRandomSampler(space, "digits")

    proposed = [sampler.point(number)["init"] for number in range(32)]

    assert {option: proposed.count(option) for option in "abcd"} == dict.fromkeys("abcd", 8)


def test_no_configuration_of_numbers_comes_twice() -> None:
    sampler = QuasiRandomSampler(SPACE, "digits")

    weights = [sampler.point(number)["weight"] for number in range(64)]

    assert len(set(weights)) == len(weights)


def test_an_empty_space_has_one_configuration() -> None:
    points = islice(map(QuasiRandomSampler({}, "digits").point, range(3)), 3)

    assert list(points) == [{}, {}, {}]


def test_a_parameter_outside_of_the_space_is_sampled_all_the_same() -> None:
    study = optuna.create_study(sampler=QuasiRandomSampler(SPACE, "digits"))

    value = study.ask().suggest_float("another", 0, 1)

    assert 0 <= value <= 1
