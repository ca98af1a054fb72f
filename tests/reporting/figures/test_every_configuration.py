from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._forest import ForestData
from harness.reporting.figures._style import applied, png
from harness.reporting.figures.every_configuration import draw_forest

StudyDataOf = Callable[..., StudyData]


@pytest.mark.parametrize(("configurations", "tall"), [(60, True), (61, False), (5000, False)])
def test_very_many_configurations_make_no_endless_figure(configurations: int, tall: bool) -> None:
    rows = pd.DataFrame(
        {"trial": range(configurations), "when": "1", "difference": 0.01, "low": np.nan, "high": np.nan}
    )
    data = ForestData(rows, ["when"], (0.01, 0.0, 0.02), 0.005, "a", "b", measure_of("test/accuracy/all"))

    with applied():
        figure = draw_forest(data)
        png(figure)

    assert (figure.get_size_inches()[1] > 10) == tall
