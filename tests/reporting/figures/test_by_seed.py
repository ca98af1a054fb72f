from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.by_seed import MOST_SEEDS, by_seed_figure

StudyDataOf = Callable[..., StudyData]


def test_the_means_of_seeds_average_to_the_difference_of_the_verdict(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=6, seeds=3, layout="crossed"))

    figure = by_seed_figure(context)

    assert figure is not None
    means = figure.data.groupby("seed")["difference"].mean()
    assert len(figure.data) == 18
    assert means.mean() == pytest.approx(context.comparison.mean.mean)
    assert f"from +{100 * means.min():.2f} to +{100 * means.max():.2f} percentage points" in figure.alt


@pytest.mark.parametrize("sizes", [{"trials": 6, "seeds": 1}, {"trials": 1, "seeds": 3}])
def test_one_seed_or_one_configuration_is_no_comparison_of_seeds(
    study_data: StudyDataOf, sizes: dict[str, int]
) -> None:
    assert by_seed_figure(ReportContext(study_data(**sizes))) is None


def test_seeds_that_not_all_configurations_have_are_not_compared(study_data: StudyDataOf) -> None:
    data = study_data(trials=6, seeds=3, layout="crossed")
    lacking = data.runs[(data.runs["trial"] > 0) | (data.runs["seed"] > 0)].reset_index(drop=True)

    assert by_seed_figure(ReportContext(replace(data, runs=lacking))) is None


def test_rows_are_few_enough_to_be_told_apart(study_data: StudyDataOf) -> None:
    assert by_seed_figure(ReportContext(study_data(trials=2, seeds=MOST_SEEDS + 1))) is None
