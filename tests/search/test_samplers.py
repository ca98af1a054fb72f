import dataclasses
import math
from collections import Counter
from typing import Any
from unittest import mock

import optuna
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from optuna.samplers import GPSampler

from harness.search.conditions import existing, exists
from harness.search.samplers import (
    CMAES,
    GP,
    NSGAII,
    TPE,
    AbstractSampler,
    Grid,
    LatinHypercube,
    PastTrial,
    QuasiRandom,
    Random,
    Search,
    _base,
)
from harness.search.space import AbstractDimension, Choice
from harness.staging.study_spec import SamplerSpec
from tests.search.spaces import SPACE, TREE

DIGITS = Search("digits", SPACE)
WEIGHED = Search("weighed", SPACE, "maximize", ("minimize",))
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def begin_anew() -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)  # as it is unless told otherwise
    _base._replayed.clear()


@pytest.fixture(autouse=True)
def _search_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process look for its best point among a few: how good proposals are is Optuna's affair."""

    class Brief(GPSampler):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self._n_preliminary_samples, self._n_local_search = 128, 2

    monkeypatch.setattr("harness.search.samplers.gp.GPSampler", Brief)


class Points:
    """The quasi-random points of a study."""

    def __init__(self, space: dict[str, AbstractDimension], name: str) -> None:
        self._search = Search(name, space)

    def point(self, number: int) -> dict[str, Any]:
        return QuasiRandom().point(self._search, number)


SAMPLERS: list[AbstractSampler] = [
    CMAES(),
    GP(startup=3),
    Grid(points=2),
    LatinHypercube(block=4),
    NSGAII(population=4),
    QuasiRandom(),
    Random(),
    TPE(startup=3),
]
each = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.kind)


@each
def test_a_sampler_is_fair_if_it_learns_nothing(sampler: AbstractSampler) -> None:
    assert SamplerSpec(sampler.to_json()).fair != sampler.learns


def forget() -> None:
    """Let the next proposal begin from nothing, as in another process."""
    _base._replayed.clear()


def continued(sampler: AbstractSampler, past: list[PastTrial], count: int, search: Search = DIGITS) -> list[PastTrial]:
    """Return the past trials and so many more; the score is best for early growth with a light weight."""
    past = list(past)
    for number in range(len(past), len(past) + count):
        params = sampler.point(search, number, past if sampler.learns else ())
        past.append(ended(search, params, failed=number == 5))
    return past


def ended(search: Search, params: dict[str, Any], *, failed: bool, given: bool = False) -> PastTrial:
    numbers = [value for value in params.values() if isinstance(value, int | float)]
    others = tuple(value + len(params) for value, _ in zip(numbers, search.others, strict=False))
    value = -params.get("when", 0) / 800 - params.get("weight", sum(numbers))
    return PastTrial(params, None if failed else value, given, () if failed else others)


SEARCHES = [
    pytest.param(
        sampler,
        search,
        id=f"{sampler.kind}-{search.name}",
        marks=[pytest.mark.slow] if sampler.kind == "gp" and search.others else [],
    )
    for sampler in SAMPLERS
    for search in (DIGITS, Search("tree", TREE, "minimize"), WEIGHED)
    if sampler.weighs or not search.others
]
each_search = pytest.mark.parametrize(("sampler", "search"), SEARCHES)


@each_search
def test_a_search_in_one_go_equals_some_trials_and_then_the_rest(sampler: AbstractSampler, search: Search) -> None:
    again = type(sampler).model_validate(sampler.to_json())
    trials = 10 if sampler.kind == "gp" else 30  # each fits a process to those before it

    whole = continued(sampler, [], trials, search)

    for first in (trials // 2, 7):
        forget()
        assert continued(again, whole[:first], trials - first, search) == whole


@each_search
def test_proposals_lie_in_the_space_and_have_what_exists_there(sampler: AbstractSampler, search: Search) -> None:
    for trial in continued(sampler, [], 12, search):
        assert list(trial.params) == [name for name in search.space if exists(search.space, name, trial.params)]
        assert all(search.space[name].contains(value) for name, value in trial.params.items())


@pytest.mark.parametrize("sampler", [s for s in SAMPLERS if s.learns], ids=lambda sampler: sampler.kind)
def test_what_is_remembered_changes_no_proposal(sampler: AbstractSampler) -> None:
    """Whatever was asked before: other numbers, other results, baselines, the same again."""
    search = Search("tree", TREE)
    baseline = {"where": "hidden", "hidden width": 2, "second": False, "drop": 0.3}
    past = [ended(search, baseline, failed=False, given=True)]
    for number in range(9):
        past.append(ended(search, sampler.point(search, number, past), failed=number == 3))
    other = [*past[:5], dataclasses.replace(past[5], value=-99.0)]
    asked = [
        (5, past[:6]),
        (6, past[:7]),
        (6, past[:7]),
        (5, other),
        (9, past),
        (0, past[:1]),
        (3, past[:1]),
        (7, past),
    ]

    remembered = [sampler.point(search, number, known) for number, known in asked]

    fresh = []
    for number, known in asked:
        forget()
        fresh.append(sampler.point(search, number, known))
    assert remembered == fresh


def test_optuna_tells_nobody_of_the_studies_in_memory() -> None:
    TPE().point(DIGITS, 0, [])

    assert optuna.logging.get_verbosity() == optuna.logging.WARNING


def test_few_memories_are_kept() -> None:
    for number in range(9):
        TPE().point(Search(f"study-{number}", SPACE), 0, [])

    assert len(_base._replayed) == _base.MOST_REPLAYED


def test_a_proposal_after_the_last_asks_optuna_once(monkeypatch: pytest.MonkeyPatch) -> None:
    past = continued(NSGAII(population=4), [], 20)
    ask = mock.create_autospec(optuna.Study.ask, side_effect=optuna.Study.ask)
    monkeypatch.setattr(optuna.Study, "ask", ask)

    continued(NSGAII(population=4), past, 5)

    assert ask.call_count == 5


@pytest.mark.parametrize("block", [0, 3])
def test_each_latin_hypercube_takes_every_dimension_evenly(block: int) -> None:
    points = [LatinHypercube(block=12).point(DIGITS, number, ()) for number in range(12 * block, 12 * (block + 1))]

    assert Counter(point["init"] for point in points) == dict.fromkeys(("zeros", "orthogonal", "xavier_uniform"), 4)
    assert Counter(point["when"] for point in points) == dict.fromkeys((200, 400, 600, 800), 3)
    parts = [int(12 * math.log(point["weight"] / 0.25) / math.log(4 / 0.25)) for point in points]
    assert sorted(parts) == list(range(12)) != parts


@pytest.mark.parametrize("sampler", [QuasiRandom(), Random()], ids=lambda sampler: sampler.kind)
def test_what_does_not_exist_drops_its_coordinate_and_moves_no_other(sampler: AbstractSampler) -> None:
    always = {name: one.model_copy(update={"when": {}}) for name, one in TREE.items()}

    for number in range(20):
        whole, found = (sampler.point(Search("tree", space), number, []) for space in (always, TREE))
        assert found == existing(TREE, whole)


@each
def test_conditions_come_to_different_shapes_and_nothing_is_said(
    sampler: AbstractSampler, caplog: pytest.LogCaptureFixture
) -> None:
    found = continued(sampler, [], 12 if sampler.kind == "gp" else 24, Search("tree", TREE))

    assert {"width", "hidden width"} <= {name for trial in found for name in trial.params}
    assert len({tuple(trial.params) for trial in found}) > 2
    assert caplog.records == []


@each
def test_the_global_stream_is_left_alone(sampler: AbstractSampler) -> None:
    stream = torch.get_rng_state()

    continued(sampler, [], 6)

    assert torch.equal(torch.get_rng_state(), stream)


@pytest.mark.parametrize("sampler", [s for s in SAMPLERS if s.learns], ids=lambda sampler: sampler.kind)
def test_a_sampler_that_learns_proposes_something_else_after_other_results(sampler: AbstractSampler) -> None:
    past = continued(sampler, [], 13)
    other = [PastTrial(trial.params, trial.value and -trial.value, trial.given) for trial in past]

    more = continued(sampler, past, 3 if sampler.kind == "gp" else 10)

    assert more[13:] != [
        PastTrial(sampler.point(Search("digits", SPACE), n, other), t.value) for n, t in enumerate(more) if n >= 13
    ]


@pytest.mark.parametrize("sampler", [s for s in SAMPLERS if s.learns], ids=lambda sampler: sampler.kind)
def test_what_is_minimized_is_searched_as_its_negative_is_maximized(sampler: AbstractSampler) -> None:
    past = continued(sampler, [], 13)
    negative = [PastTrial(trial.params, trial.value and -trial.value) for trial in past]

    forget()
    found = sampler.point(Search("digits", SPACE, "maximize"), 13, past)
    forget()

    assert sampler.point(Search("digits", SPACE, "minimize"), 13, negative) == found


@pytest.mark.parametrize("sampler", [TPE(startup=3), GP(startup=3)], ids=lambda sampler: sampler.kind)
def test_results_count_after_so_many_trials(sampler: AbstractSampler) -> None:
    past = [PastTrial(Random().point(DIGITS, number, ()), float(number)) for number in range(5)]
    other = [PastTrial(trial.params, -float(number)) for number, trial in enumerate(past)]

    same = [sampler.point(DIGITS, n, past[:n]) == sampler.point(DIGITS, n, other[:n]) for n in (2, 5)]

    assert same == [True, False]


def test_how_far_a_pruned_trial_came_is_learned_from() -> None:
    points = [Random().point(DIGITS, number, ()) for number in range(12)]
    past, other, failed = (
        [
            PastTrial(point, None, pruned=None if came is None else {7: came * number})
            for number, point in enumerate(points)
        ]
        for came in (1.0, -1.0, None)
    )

    proposed = [TPE(startup=3).point(DIGITS, 12, trials) for trials in (past, other, failed)]

    assert all(proposed.count(point) == 1 for point in proposed)


@pytest.mark.parametrize("sampler", [s for s in SAMPLERS if s.learns], ids=lambda sampler: sampler.kind)
def test_optuna_hears_of_no_value_of_what_does_not_exist(sampler: AbstractSampler) -> None:
    continued(sampler, [], 12, Search("tree", TREE))

    (memory,) = _base._replayed.values()
    assert all(set(existing(TREE, trial.params)) == set(trial.params) for trial in memory._study.trials)


@pytest.mark.parametrize("sampler", [s for s in SAMPLERS if s.kind != "grid"], ids=lambda sampler: sampler.kind)
def test_studies_of_different_names_begin_differently_whoever_proposes(sampler: AbstractSampler) -> None:
    first, second = ([sampler.point(Search(name, SPACE), number, ()) for number in range(2)] for name in ("a", "b"))

    assert first != second


@each
def test_an_empty_space_has_one_configuration(sampler: AbstractSampler) -> None:
    assert [sampler.point(Search("digits", {}), number, []) for number in range(3)] == [{}, {}, {}]


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
