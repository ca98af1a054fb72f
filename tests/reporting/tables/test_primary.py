from dataclasses import replace

import pytest
from scipy import stats

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.paired_differences import paired_differences_figure
from harness.reporting.tables.primary import primary_table


def test_the_difference_of_the_means_is_the_mean_of_the_differences(finished_data: StudyData) -> None:
    table = primary_table(ReportContext(finished_data))

    assert table is not None
    means = table.frame["mean"]
    assert means[2] == pytest.approx(means[0] - means[1], abs=1e-15)


def test_the_primary_table_holds_the_test_and_the_size_of_the_difference(finished_data: StudyData) -> None:
    context = ReportContext(finished_data)

    table = primary_table(context)

    assert table is not None
    comparison, last = context.comparison, table.frame.iloc[2]
    expected = comparison.mean.p, comparison.mean.standardized, comparison.share_positive
    assert (last["p"], last["standardized"], last["share_positive"]) == pytest.approx(expected)
    assert last["iqm"] == pytest.approx(stats.trim_mean(comparison.configurations["difference"], 0.25))
    assert f"{comparison.mean.standardized:.2f} standard deviations between configurations (dz)" in table.note


def test_a_metric_without_a_unit_has_no_empty_brackets(finished_data: StudyData) -> None:
    context = ReportContext(finished_data)
    vars(context)["measure"] = replace(context.measure, unit="", level_unit="")

    table, figure = primary_table(context), paired_differences_figure(context)

    assert table is not None
    assert figure is not None
    assert table.head[1] == "mean"
    assert " ," not in figure.alt
