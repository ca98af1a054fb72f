"""Which dimensions of a space exist at which values of others.

A dimension exists where all its conditions hold, those of the dimensions that they name, and so on: in all, where each
of certain dimensions has one of certain values. So two dimensions never exist together exactly if some dimension would
need a value for the one that it cannot have for the other.
"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from typing import Any

from optuna.distributions import BaseDistribution

from harness.core.spec import did_you_mean
from harness.search.space import AbstractDimension, Scalar, same

__all__ = ["Space", "check_space", "corner_points", "distributions", "existing", "exists", "parents_first"]

Space = Mapping[str, AbstractDimension]
Needs = dict[str, tuple[Scalar, ...]]


def existing(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `values`, in the order of the space, whose dimensions exist at the others.

    >>> from harness.search.space import Choice, Int
    >>> where, width = Choice(field="x", options=("a", "b")), Int(field="y", low=1, high=9, when={"where": "b"})
    >>> space = {"where": where, "width": width}
    >>> existing(space, {"where": "a", "width": 5}), existing(space, {"where": "b", "width": 5})
    ({'where': 'a'}, {'where': 'b', 'width': 5})
    """
    return {name: values[name] for name in space if name in values and exists(space, name, values)}


def exists(space: Space, name: str, values: Mapping[str, Any]) -> bool:
    """Return whether the dimension exists where others have these values; one without a value does not exist."""
    return all(
        other in values and any(same(values[other], value) for value in wanted)
        for other, wanted in _needs(space, name).items()
    )


def parents_first(space: Space) -> list[str]:
    """Return the names in an order in which each comes after those that it depends on.

    Raises:
        CycleError: there is none.
    """
    return list(TopologicalSorter({name: dimension.when for name, dimension in space.items()}).static_order())


def distributions(space: Space, params: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """Return the dimensions of a configuration as Optuna knows them."""
    return {name: space[name].distribution() for name in params}


def corner_points(space: Space) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each dimension's corners, with values of others at which it exists, and each of these at least once."""
    for name, dimension in space.items():
        needed = _needs(space, name)
        for turn in range(max((len(values) for values in needed.values()), default=1)):
            around = {other: values[turn % len(values)] for other, values in needed.items()}
            for corner in dimension.corners():
                yield name, {**around, name: corner}


def check_space(space: Space) -> None:
    """Refuse conditions that mean nothing, and fields that would get two values.

    Raises:
        ValueError: with the name of the dimension.
    """
    for name, dimension in space.items():
        for parent, values in dimension.when.items():
            _check_condition(space, f"space.{name}.when", parent, values)
    _check_order(space)
    for name in space:
        if never := [other for other, values in _needs(space, name).items() if not values]:
            raise ValueError(f"space.{name}.when: expected conditions that can hold together, found no {never[0]!r}")
    for one, other in combinations(space, 2):
        if space[one].field == space[other].field and not _exclude(_needs(space, one), _needs(space, other)):
            raise ValueError(
                f"space.{other}: {space[other].field!r} is searched as {one!r} already, and both can exist at once; "
                "give them conditions, `when`, that exclude each other"
            )
    for name, dimension in space.items():
        if absent := tuple(value for value in dimension.corners() if dimension.leaves_out(value)):
            _check_within(space, name, absent)


def _check_condition(space: Space, where: str, parent: str, values: tuple[Scalar, ...]) -> None:
    if parent not in space:
        raise ValueError(f"{where}: no dimension {parent!r}.{did_you_mean(parent, space)}")
    if not space[parent].conditional:
        raise ValueError(f"{where}: expected a dimension of a few values, found {parent!r}, a {space[parent].kind}")
    for value in values:
        if not space[parent].contains(value):
            raise ValueError(f"{where}: expected values of {parent!r}, found {value!r}")


def _check_order(space: Space) -> None:
    try:
        parents_first(space)
    except CycleError as error:
        circle = error.args[1]
        raise ValueError(
            f"space.{circle[0]}.when: expected no circle, found {' <- '.join(circle)}; leave out one of the conditions"
        ) from None


def _check_within(space: Space, present: str, absent_at: tuple[Scalar, ...]) -> None:
    """Refuse dimensions of fields within an item that is absent at some values of `present` while they exist."""
    absent: Needs = {**_needs(space, present), present: absent_at}
    for name, dimension in space.items():
        within = dimension.field.startswith(f"{space[present].field}.")
        if within and not _exclude(_needs(space, name), absent):
            raise ValueError(
                f"space.{name}: {dimension.field!r} is not there if {present!r} is False; "
                f"give it the condition when={{{present!r}: True}}"
            )


def _needs(space: Space, name: str) -> Needs:
    """Return the values that others must have for the dimension to exist; none are left of some if it never does."""
    needs: Needs = {}
    for parent, values in space[name].when.items():
        for other, wanted in [(parent, values), *_needs(space, parent).items()]:
            needs[other] = _common(needs.get(other, wanted), wanted)
    return needs


def _common(one: tuple[Scalar, ...], other: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    return tuple(value for value in one if any(same(value, candidate) for candidate in other))


def _exclude(one: Needs, other: Needs) -> bool:
    return any(not _common(values, other[name]) for name, values in one.items() if name in other)
