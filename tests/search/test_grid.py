from itertools import product

from harness.search.conditions import existing
from harness.search.samplers import Grid, Search
from harness.search.space import AbstractDimension, Choice, Float, Int, Present
from tests.search.spaces import SPACE, TREE


def test_a_grid_has_every_combination_once() -> None:
    grid, search = Grid(points=2), Search("digits", SPACE)

    points = [tuple(grid.point(search, number).values()) for number in range(grid.limit(search))]

    assert len(points) == len(set(points)) == 2 * 3 * 2


def test_the_last_dimension_of_a_grid_is_the_fastest() -> None:
    space: dict[str, AbstractDimension] = {
        "one": Choice(field="seed", options=(1, 2)),
        "other": Choice(field="steps", options=(3, 4, 5)),
    }

    points = [tuple(Grid().point(Search("grid", space), number).values()) for number in range(6)]

    assert points == [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]


def test_a_grid_has_every_combination_of_what_exists_once() -> None:
    grid, search = Grid(points=3), Search("tree", TREE)

    points = [grid.point(search, number) for number in range(grid.limit(search))]

    # Three tenths; three widths at one place, at the other three, with three weights if there is a second growth,
    # which comes at three times.
    assert len(points) == len({tuple(point.items()) for point in points}) == 3 * (3 * (1 + 3) + 3 * (1 + 3 * 3))
    assert all(list(point) == list(existing(TREE, point)) for point in points)
    assert grid.point(search, len(points)) == points[0]


def test_a_grid_of_conditions_on_conditions_is_what_exists_of_all_combinations() -> None:
    space: dict[str, AbstractDimension] = {
        "leaf": Choice(field="leaf", options=(7, 8), when={"twig": "y", "other": False}),
        "root": Choice(field="root", options=("a", "b", "c")),
        "other": Present(field="others.0", when={"root": ("a", "b")}),
        "twig": Choice(field="twig", options=("x", "y"), when={"root": ("b", "c")}),
    }
    everything = [dict(zip(space, values, strict=True)) for values in product((7, 8), "abc", (False, True), "xy")]
    grid, search = Grid(), Search("nested", space)

    points = [tuple(grid.point(search, number).items()) for number in range(grid.limit(search))]

    assert len(points) == len(set(points))
    assert set(points) == {tuple(existing(space, values).items()) for values in everything}


def test_a_grid_has_no_value_twice() -> None:
    space = {"n": Int(field="n", low=1, high=4, log=True), "x": Float(field="x", low=0.1, high=0.3, step=0.1)}
    grid, search = Grid(points=9), Search("few", space)

    points = [tuple(grid.point(search, number).values()) for number in range(grid.limit(search))]

    assert points == [(n, x) for n in (1, 2, 3, 4) for x in (0.1, 0.2, 0.3)]
