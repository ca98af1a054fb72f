from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.effect_map import effect_map_figure

StudyDataOf = Callable[..., StudyData]


@pytest.mark.parametrize("where", [(1, 2, 3), ("one", "two"), ({"kind": "a"}, {"kind": "b"}, None)])
def test_numbers_words_and_leaves_all_have_their_place_on_the_map(
    study_data: StudyDataOf, where: tuple[object, ...]
) -> None:
    data = study_data(trials=11, seeds=1)
    drawn = pd.Series([where[trial % len(where)] for trial in data.runs["trial"]], dtype=object)

    figure = effect_map_figure(ReportContext(replace(data, runs=data.runs.assign(**{"param/where": drawn}))))

    assert figure is not None
    assert set(figure.data.columns) == {"trial", "when", "where", "difference"}
    assert "11 configurations" in figure.caption


@pytest.mark.parametrize(("trials", "mapped"), [(2, False), (5, False), (6, True)])
def test_too_few_configurations_make_no_map(study_data: StudyDataOf, trials: int, mapped: bool) -> None:
    figure = effect_map_figure(ReportContext(study_data(trials=trials, seeds=1)))

    assert (figure is not None) == mapped
