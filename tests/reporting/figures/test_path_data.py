import re
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reporting.figures._path_data import decimal, shortened_path

NUMBER = re.compile(r"-?\d*\.?\d+")
TAKEN = {"M": 2, "l": 2, "h": 1, "v": 1, "q": 4, "c": 6, "z": 0}


def drawn(data: str) -> list[tuple[float, float]]:
    """Return the points that a short path leads to, curves by all their points."""
    points, pen, start = [], (0.0, 0.0), (0.0, 0.0)
    for command, text in re.findall(r"([A-Za-z])([^A-Za-z]*)", data):
        values = [float(number) for number in NUMBER.findall(text)]
        for at in range(0, len(values), TAKEN[command] or 1):
            part = values[at : at + TAKEN[command]]
            across_down = {"h": [*part, 0.0], "v": [0.0, *part]}.get(command, part)
            pairs = zip(across_down[::2], across_down[1::2], strict=True)
            base = (0.0, 0.0) if command == "M" else pen
            moved = [(base[0] + across, base[1] + down) for across, down in pairs]
            points += moved
            pen = moved[-1]
            start = pen if command == "M" else start
        if command == "z":
            pen = start
    return points


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [(0, 2, "0"), (5, 1, ".5"), (-5, 2, "-.05"), (120, 1, "12"), (1234, 2, "12.34"), (-100, 2, "-1"), (7, 0, "7")],
)
def test_a_number_has_no_sign_too_many(value: int, decimals: int, written: str) -> None:
    assert decimal(value, decimals) == written


def test_lines_are_relative_and_straight_ones_have_a_letter_of_their_own() -> None:
    data = "M 10.04 20 \nL 12.06 21.5 \nL 12.06 30 \nL 8 30 \nz\n"

    assert shortened_path(data, 1) == "M10 20l2.1 1.5v8.5h-4.1z"


def test_a_command_that_comes_again_is_written_once() -> None:
    assert shortened_path("M 0 0 \nL 1 2 \nL 3 3 \nL 2 1 \n", 0) == "M0 0l1 2 2 1-1-2"


def test_a_line_of_no_length_goes_unless_it_is_all_there_is() -> None:
    assert shortened_path("M 0 0 \nL 0.04 0 \n", 1) == "M0 0h0"
    assert shortened_path("M 0 0 \nL 1 1 \nL 1.04 1 \nL 2 3 \n", 1) == "M0 0l1 1 1 2"


def test_after_a_closed_part_the_pen_is_where_it_began() -> None:
    assert drawn(shortened_path("M 1 1 \nL 5 5 \nz\nM 2 2 \nL 3 4 \n", 1)) == [(1, 1), (5, 5), (2, 2), (3, 4)]


def test_a_scale_makes_everything_smaller() -> None:
    assert shortened_path("M 160 32 \nQ 320 0 480 64 \n", 0, 1 / 16) == "M10 2q10-2 20 2"


POINTS = st.lists(st.tuples(*[st.floats(-1e4, 1e4, allow_nan=False)] * 2), min_size=2, max_size=40)


@given(points=POINTS, decimals=st.integers(0, 3))
def test_every_point_is_the_one_that_rounding_gives_however_long_the_path(
    points: list[tuple[float, float]], decimals: int
) -> None:
    data = "".join(f"{'L' if place else 'M'} {x:f} {y:f} \n" for place, (x, y) in enumerate(points))

    found = drawn(shortened_path(data, decimals))

    expected = [tuple(round(float(f"{part:f}") * 10**decimals) for part in point) for point in points]
    reached = [tuple(round(part * 10**decimals) for part in point) for point in found]
    assert without_repeats(reached) == without_repeats(expected)


def without_repeats(points: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Leave out points at which the pen already is."""
    return [point for point, _ in groupby(points)]
