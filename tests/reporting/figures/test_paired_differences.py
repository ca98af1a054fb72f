from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._forest import ForestData
from harness.reporting.figures._style import applied
from harness.reporting.figures.paired_differences import draw_differences, paired_differences_figure

StudyDataOf = Callable[..., StudyData]
WIDE, HIGH = 5.0, 3.2  # inches that a first screen and a phone have room for


@pytest.mark.parametrize("rows", [1, 12, 3000])
@pytest.mark.parametrize("mean", [0.01, -0.01])
def test_however_many_configurations_the_plot_fits_on_a_screen(rows: int, mean: float) -> None:
    frame = pd.DataFrame({"trial": range(rows), "difference": mean, "low": np.nan, "high": np.nan})
    data = ForestData(frame, [], (mean, mean - 0.01, mean + 0.01), 0.005, "a", "b", measure_of("test/accuracy/all"))

    with applied():
        figure = draw_differences(data)

    width, height = figure.get_size_inches()
    assert (width <= WIDE, height <= HIGH) == (True, True)


@pytest.mark.parametrize(
    ("trials", "seeds", "shown"), [(6, 2, "Forest plot of 6 configurations"), (1, 4, "Forest plot of 4 pairs")]
)
def test_of_one_configuration_its_pairs_of_runs_are_shown(
    study_data: StudyDataOf, trials: int, seeds: int, shown: str
) -> None:
    figure = paired_differences_figure(ReportContext(study_data(trials=trials, seeds=seeds)))

    assert figure is not None
    assert figure.alt.startswith(shown)
    assert len(figure.data) == trials
    assert list(figure.data["difference"]) == sorted(figure.data["difference"], reverse=True)
    assert ("pair of runs" in figure.caption) == (trials == 1)


@pytest.mark.parametrize(
    "overall", [(-1.6682, -3.3333, -0.0031), (0.5, -3.4, 4.4), (-0.5, -4.4, 3.4), (0.9, np.nan, np.nan)]
)
def test_the_mean_is_written_beside_its_diamond(overall: tuple[float, float, float]) -> None:
    frame = pd.DataFrame(
        {"trial": range(5), "difference": [-3.5, -2.7, -1.0, -0.6, -0.5], "low": np.nan, "high": np.nan}
    )
    data = ForestData(frame, [], overall, 0.05, "a", "b", measure_of("test/loss/total"))

    with applied():
        figure = draw_differences(data)
        figure.canvas.draw()

    (axes,), (low, high) = figure.axes, (np.nanmin(overall), np.nanmax(overall))
    (text,) = (text for text in axes.texts if text.get_text().startswith("mean "))
    box = text.get_window_extent().transformed(axes.transData.inverted())
    assert box.x0 > high or box.x1 < low


def test_a_band_too_thin_to_be_seen_is_not_called_gray(study_data: StudyDataOf) -> None:
    thin, wide = (
        paired_differences_figure(ReportContext(study_data(trials=6, seeds=1, smallest_effect=size)))
        for size in (1e-5, 0.005)
    )

    assert thin is not None
    assert wide is not None
    assert "Gray" not in thin.caption
    assert wide.caption.endswith("Gray: differences too small to matter.")
