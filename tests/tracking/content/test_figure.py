import re
from xml.etree import ElementTree as ET

import pytest

from harness.core.history import Series
from harness.tracking.content.figure import MOST_POINTS, figure

SVG = "{http://www.w3.org/2000/svg}"


def drawn(image: str) -> list[list[tuple[float, float]]]:
    """Return the points of each curve."""
    curves = ET.fromstring(image).iter(f"{SVG}polyline")
    return [[tuple(map(float, pair.split(","))) for pair in curve.get("points", "").split()] for curve in curves]  # type: ignore[misc]


def test_each_component_and_the_metric_is_a_curve_and_each_growth_a_line_in_both_panels() -> None:
    metrics = {
        "train/loss/known": Series([1, 2, 4], [3.0, 2.0, 1.0]),
        "train/loss/late": Series([2, 4], [2.0, 1.5]),
        "train/lr/group_0": Series([1], [9.0]),
        "val/accuracy/all": Series([2, 4], [0.5, 0.75]),
    }

    image = figure("trial 0", metrics, "accuracy/all", [2])

    texts = [text.text for text in ET.fromstring(image).iter(f"{SVG}text")]
    assert {"trial 0", "training loss", "accuracy/all", "known", "late", "val", "0.75", "3"} <= set(texts)
    assert texts.count("growth at 2") == 2
    assert len(drawn(image)) == 3


def test_a_higher_value_is_drawn_higher_and_the_growth_lies_at_its_step() -> None:
    image = figure("", {"train/loss/total": Series([0, 5, 10], [1.0, 2.0, 0.0])}, "m", [5])

    (curve,) = drawn(image)
    line = re.search(r'd="M([\d.]+) ', image)

    assert curve == [(70.0, 140.0), (430.0, 40.0), (790.0, 240.0), (790.0, 240.0)]
    assert line is not None
    assert float(line[1]) == 430.0


def test_a_run_that_measured_nothing_has_empty_panels() -> None:
    assert drawn(figure("", {}, "accuracy/all", [])) == []


@pytest.mark.parametrize(
    ("values", "heights"),
    [([2.0, 2.0], [240.0]), ([-1.7e308, 1.7e308], [240.0, 40.0]), ([5e-324, 0.0], [240.0])],
)
def test_extreme_values_stay_within_the_frame(values: list[float], heights: list[float]) -> None:
    (curve,) = drawn(figure("", {"train/loss/total": Series([1, 2], values)}, "m", []))

    assert sorted({y for _, y in curve}) == sorted(heights)


def test_a_long_curve_is_thinned_and_ends_where_it_ends() -> None:
    steps = [*range(1, 100_001)]

    (curve,) = drawn(figure("", {"train/loss/total": Series(steps, [1 / step for step in steps])}, "m", []))

    assert len(curve) <= MOST_POINTS + 1
    assert curve[-1] == (790.0, 240.0)


def test_names_are_no_markup() -> None:
    image = figure("</svg><script>\x00", {"train/loss/<&": Series([1], [1.0])}, '"m"', [])

    texts = {text.text for text in ET.fromstring(image).iter(f"{SVG}text")}
    assert {"</svg><script>?", "<&", '"m"'} <= texts
