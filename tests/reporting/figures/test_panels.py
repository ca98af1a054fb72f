"""Panels side by side, with a line for each arm."""

import pandas as pd

from harness.reporting.figures._panels import Panel, draw_panels
from harness.reporting.figures._style import lay_out


def test_a_legend_of_many_arms_leaves_room_for_the_panels() -> None:
    arms = [f"a long name of arm {number}" for number in range(21)]
    means = pd.DataFrame(
        [{"arm": arm, "grown": False, "offset": step, "value": step} for arm in arms for step in (0, 1)]
    )

    figure = draw_panels([Panel("known", "share (%)", means, (0, 1)), Panel("late", "share (%)", means, (0, 1))], arms)
    lay_out(figure)  # which warns, and so fails, if panels collapse

    assert min(axes.get_position().height for axes in figure.axes) > 0.1
