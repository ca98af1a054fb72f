from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.search.conditions import check_space, corner_points, distributions, existing, exists, parents_first
from harness.search.space import AbstractDimension, Choice, Float, Int, Present, Scalar

WHERE = Choice(field="tap", options=("stem", "hidden", "blocks.1"))


def width(field: str, **when: Any) -> Int:
    return Int(field=field, low=1, high=3, when=when)


NESTED: dict[str, AbstractDimension] = {
    "rate": Float(field="lr", low=0.1, high=0.5, step=0.1, when={"second": True, "depth": (2, 3)}),
    "depth": Int(field="depth", low=1, high=3, when={"where": ("stem", "hidden")}),
    "where": WHERE,
    "second": Present(field="growths.1"),
    "width": width("width", where="stem"),
    "hidden width": width("width", where=["hidden", "blocks.1"]),
}


@st.composite
def spaces(draw: st.DrawFn) -> dict[str, AbstractDimension]:
    """Return spaces of choices of three values, each depending on some of those before it, in any order."""
    space: dict[str, AbstractDimension] = {}
    for index in range(draw(st.integers(1, 6))):
        parents = draw(st.lists(st.sampled_from(sorted(space)), unique=True, max_size=2)) if space else []
        when: dict[str, Any] = {
            p: tuple(draw(st.lists(st.sampled_from("abc"), unique=True, min_size=1))) for p in parents
        }
        space[f"d{index}"] = Choice(field=f"x{index}", options=("a", "b", "c"), when=when)
    return dict(draw(st.permutations(list(space.items()))))


def defined_step_by_step(space: dict[str, AbstractDimension], values: Mapping[str, Scalar]) -> set[str]:
    """Return the names that exist, by looking at each condition on its own, parents before children."""
    found: set[str] = set()
    for name in sorted(space):
        if all(parent in found and values[parent] in wanted for parent, wanted in space[name].when.items()):
            found.add(name)
    return found


@given(space=spaces(), data=st.data())
def test_a_dimension_exists_where_its_conditions_hold_and_what_they_name_exists(
    space: dict[str, AbstractDimension], data: st.DataObject
) -> None:
    values = {name: data.draw(st.sampled_from("abc")) for name in space}

    found = existing(space, values)

    assert set(found) == defined_step_by_step(space, values)
    assert list(found) == [name for name in space if name in found]
    assert existing(space, found) == found


@given(space=spaces())
def test_each_comes_after_what_it_depends_on(space: dict[str, AbstractDimension]) -> None:
    order = parents_first(space)

    assert sorted(order) == sorted(space)
    assert all(order.index(parent) < order.index(name) for name in space for parent in space[name].when)


@given(space=spaces())
def test_a_space_is_accepted_exactly_if_each_dimension_can_exist(space: dict[str, AbstractDimension]) -> None:
    names = sorted(space)
    combinations: list[dict[str, Scalar]] = [{}]
    for name in names:
        combinations = [{**one, name: option} for one in combinations for option in "abc"]
    possible = set[str]().union(*(defined_step_by_step(space, values) for values in combinations))

    refused: AbstractContextManager[Any] = (
        nullcontext() if possible == set(names) else pytest.raises(ValueError, match="can hold together")
    )
    with refused:
        check_space(space)


def test_a_space_without_conditions_keeps_its_order() -> None:
    space = {name: Choice(field=name, options=(1, 2)) for name in "qwerty"}

    assert parents_first(space) == list("qwerty")


def test_the_corners_of_a_dimension_come_with_every_value_at_which_it_exists() -> None:
    check_space(NESTED)

    found = list(corner_points(NESTED))

    assert [params for name, params in found if name == "hidden width"] == [
        {"where": where, "hidden width": corner} for where in ("hidden", "blocks.1") for corner in (1, 3)
    ]
    rates = [params for name, params in found if name == "rate"]
    assert all(exists(NESTED, "rate", params) for params in rates)
    assert {params["depth"] for params in rates} == {2, 3}
    assert {params["where"] for params in rates} == {"stem", "hidden"}


def test_optuna_is_told_of_what_exists_alone() -> None:
    params = {"where": "hidden", "hidden width": 2}

    assert list(distributions(NESTED, params)) == ["where", "hidden width"]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"where": WHERE, "width": width("w", wherr="stem")}, r"space\.width\.when: no dimension 'wherr'.*'where'\?"),
        (
            {"where": WHERE, "width": width("w", where="steam")},
            "space.width.when: expected values of 'where', found 's",
        ),
        ({"on": Present(field="g.1"), "width": width("w", on=1)}, "expected values of 'on', found 1"),
        ({"n": Int(field="n", low=1, high=2), "w": width("w", n=True)}, "expected values of 'n', found True"),
        ({"lr": Float(field="lr", low=0, high=1), "w": width("w", lr=0.5)}, "space.w.when: .* few values, found 'lr'"),
        ({"w": width("w", w=1)}, "space.w.when: expected no circle, found w <- w"),
        ({"v": width("v", w=1), "w": width("w", v=1)}, "expected no circle, found . <- . <- ."),
        ({"where": WHERE, "v": width("w"), "w": width("w")}, "space.w: 'w' is searched as 'v' already, and both can"),
        ({"where": WHERE, "v": width("w", where="stem"), "w": width("w")}, "space.w: .* exclude each other"),
        (
            {"where": WHERE, "v": width("w", where="stem"), "w": width("w", where=("stem", "hidden"))},
            "space.w: 'w' is searched as 'v' already",
        ),
        (
            {"where": WHERE, "v": width("v", where="stem"), "w": width("w", where="hidden", v=1)},
            "space.w.when: expected conditions that can hold together, found no 'where'",
        ),
        (
            {"on": Present(field="growths.1"), "step": width("growths.1.trigger.step")},
            r"space\.step: .* is not there if 'on' is False; give it the condition when=\{'on': True\}",
        ),
    ],
)
def test_conditions_that_mean_nothing_are_refused_by_name(space: dict[str, AbstractDimension], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        check_space(space)

    assert "\n" not in str(refusal.value)


def test_what_lies_beside_an_item_needs_no_condition() -> None:
    check_space(
        {
            "on": Present(field="growths.1"),
            "tenth": width("growths.10.trigger.step"),
            "within": width("growths.1.trigger.step", on=True),
        }
    )
