from collections.abc import Callable

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.paired_differences import paired_differences_figure
from harness.reporting.figures.pairs import pairs_figure

StudyDataOf = Callable[..., StudyData]


def test_pairs_have_the_difference_of_the_verdict(finished_data: StudyData) -> None:
    context = ReportContext(finished_data)

    pairs, forest = pairs_figure(context), paired_differences_figure(context)

    assert pairs is not None
    assert forest is not None
    rows, differences = pairs.data, forest.data.set_index("trial")["difference"]
    assert (rows["first"] - rows["second"]).to_numpy() == pytest.approx(differences[rows["trial"]].to_numpy())
    kept = 100 * differences.var() / (rows["first"].var() + rows["second"].var())
    assert f"pairing leaves {kept:.0f} % of the variance" in pairs.caption
    assert "6 configurations" in pairs.caption


def test_two_pairs_say_nothing_of_a_correlation(study_data: StudyDataOf) -> None:
    pairs = pairs_figure(ReportContext(study_data(trials=2, seeds=1)))

    assert pairs is not None
    assert "correlation" not in pairs.caption
