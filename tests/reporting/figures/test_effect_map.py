from collections.abc import Callable

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.effect_map import effect_map_figure

StudyDataOf = Callable[..., StudyData]
THREE = {"frozen": {}, "unfrozen": {"a": 1}, "partly": {"a": 2}}
NEVER = {"frozen": {}, "unfrozen": {"a": 1}, "never": {"a": 2}}


@pytest.mark.parametrize("where", [(1, 2, 3), ("one", "two"), ({"kind": "a"}, {"kind": "b"}, None)])
def test_numbers_words_and_leaves_all_have_their_place_on_the_map(
    study_data: StudyDataOf, where: tuple[object, ...]
) -> None:
    figure = effect_map_figure(ReportContext(study_data(trials=11, seeds=1, where=where)))

    assert figure is not None
    assert set(figure.data.columns) == {"trial", "when", "where", "difference"}
    assert "11 configurations" in figure.caption


def test_too_few_configurations_make_no_map(study_data: StudyDataOf) -> None:
    assert effect_map_figure(ReportContext(study_data(trials=2, seeds=1))) is None
