import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from harness.reporting.data.wording import in_unit
from harness.reporting.figures import _style as style
from harness.reporting.figures._compact import compact
from harness.reporting.figures._style import (
    add_legend,
    applied,
    arm_handles,
    arm_styles,
    label,
    lay_out,
    new_figure,
    plain_numbers,
    png,
    svg,
    text_width,
    wrapped,
)


def test_the_users_own_settings_change_no_byte() -> None:
    def drawn() -> bytes:
        with applied():
            figure = new_figure(2, 1)
            figure.subplots().plot([0, 1], [0, 1])
            return png(figure)

    plain = drawn()
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "savefig.dpi": 50}):
        changed = drawn()

    assert changed == plain


def laid_out_by_itself() -> Figure:
    made = new_figure(5, 2)
    made.set_layout_engine("constrained")
    left, right = made.subplots(1, 2, sharey=True)
    left.set_title("a long title that is wider than its axes", loc="left")
    made.colorbar(right.scatter([0, 1000], [1, 2], c=[0, 1]), label="colors")
    add_legend(made, arm_handles(["one", "two"]))
    return made


def test_to_lay_out_once_gives_the_vector_figure_that_matplotlib_gives_by_drawing_twice() -> None:
    with applied():
        content = io.BytesIO()
        laid_out_by_itself().savefig(content, format="svg", dpi=style.DPI, metadata={"Date": None, "Creator": None})
        figure = laid_out_by_itself()
        lay_out(figure)
        found = svg(figure)

    assert found == compact(content.getvalue())


def test_a_picture_has_the_layout_of_the_vector_figure_and_the_pixels_that_matplotlib_draws_in_few_colors() -> None:
    with applied():
        figure, content = laid_out_by_itself(), io.BytesIO()
        lay_out(figure)
        places = [axes.get_position().bounds for axes in figure.axes[:2]]
        picture = Image.open(io.BytesIO(png(figure)))
        figure.savefig(content, format="png", dpi=style.DPI)
        expected = np.asarray(Image.open(content))

    assert [axes.get_position().bounds for axes in figure.axes[:2]] == places
    found, white = np.asarray(picture.convert("RGB")).astype(int), (expected[:, :, :3] == 255).all(axis=2)
    assert picture.mode == "P"
    assert (found[white] == 255).all()
    assert np.abs(found - expected[:, :, :3]).mean() < 0.5
    assert (expected[:, :, 3] == 255).all()


def test_drawing_leaves_the_users_settings_as_they_were() -> None:
    before = dict(mpl.rcParams)

    with applied():
        new_figure(1, 1)

    assert dict(mpl.rcParams) == before


def test_a_label_is_short_and_has_only_signs_that_the_font_has() -> None:
    assert label("plain $x$") == "plain $x$"
    assert label("a" * 30, 10) == "a" * 9 + "\N{HORIZONTAL ELLIPSIS}"
    assert label("\u6f22 \u202e") == "\N{REPLACEMENT CHARACTER} <U+202E>"


def test_wider_words_need_more_room() -> None:
    assert text_width(["wide words"], 9) > text_width(["words"], 9) > 0
    assert text_width([], 9) == 0


def test_arms_differ_in_gray_too() -> None:
    def gray(color: str) -> float:
        red, green, blue = mpl.colors.to_rgb(color)
        return 0.299 * red + 0.587 * green + 0.114 * blue

    first, second = (gray(arm.color) for arm in style.STYLES[:2])
    assert abs(first - second) > 0.25


@pytest.mark.parametrize("attribute", ["color", "line", "marker"])
def test_arms_differ_in_every_way(attribute: str) -> None:
    assert len({str(getattr(arm, attribute)) for arm in style.STYLES}) == len(style.STYLES)


def test_a_vector_figure_has_the_same_bytes_twice() -> None:
    def drawn() -> bytes:
        with applied():
            figure = new_figure(2, 1)
            axes = figure.subplots()
            axes.plot([0, 1], [0, 1])
            axes.set_title("a < b & \u202e")
            return svg(figure)

    assert drawn() == drawn()
    assert b"<dc:date>" not in drawn()


def test_of_very_many_arms_no_two_look_the_same() -> None:
    arms = [str(number) for number in range(36)]

    styles = arm_styles(arms)

    assert len({(style.color, str(style.line), style.marker) for style in styles.values()}) == 36
    assert [styles[arm] for arm in arms[:6]] == list(style.STYLES)


def test_long_words_are_broken_into_lines_and_then_cut() -> None:
    assert wrapped("accuracy averaged over arrivals of classes", 24) == "accuracy averaged over\narrivals of classes"
    assert wrapped("a" * 90, 10) == "a" * 10 + "\n" + "a" * 9 + "\N{HORIZONTAL ELLIPSIS}"
    assert wrapped("", 10) == ""


def test_what_has_no_unit_has_no_brackets() -> None:
    assert (in_unit("%"), in_unit("")) == (" (%)", "")


@pytest.mark.parametrize(("low", "high"), [(0.2, 3.0), (0.001, 500.0)])
def test_a_logarithmic_axis_has_plain_numbers_that_are_not_formulas(low: float, high: float) -> None:
    with applied():
        figure = new_figure(3, 2)
        axes = figure.subplots()
        axes.plot([0, 1], [low, high])
        axes.set_yscale("log")
        plain_numbers(axes)
        figure.canvas.draw()

    written = [tick.get_text() for tick in (*axes.get_yticklabels(), *axes.get_yticklabels(minor=True))]
    assert len(set(written) - {""}) >= 3
    assert all(text.replace(",", "").replace(".", "").isdigit() for text in written if text)


@pytest.mark.parametrize("words", ["short", "words as long as a label may be", "W" * 24])
@pytest.mark.parametrize("width", [4.2, 6.8])
def test_a_legend_is_never_wider_than_its_figure(words: str, width: float) -> None:
    with applied():
        figure = new_figure(width, 3)
        figure.set_layout_engine("constrained")
        figure.subplots()
        add_legend(figure, arm_handles([f"{number} {words}" for number in range(5)]))
        figure.canvas.draw()

    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= width * style.DPI
