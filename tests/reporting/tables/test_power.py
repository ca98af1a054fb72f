from collections.abc import Callable

import pytest

from harness.reporting.analysis.sample_size import sample_size_of
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.power import power_table

StudyDataOf = Callable[..., StudyData]


def test_the_numbers_are_those_that_planning_gives(study_data: StudyDataOf) -> None:
    data = study_data(trials=6, seeds=2, effect=0.003)

    table = power_table(ReportContext(data))

    plan = sample_size_of(data)
    assert table is not None
    assert table.frame["seeds"].tolist() == [option.seeds for option in plan.options]
    assert table.frame["cautious"].tolist() == [option.cautious for option in plan.options]
    assert table.rows[0][2] == f"{plan.options[0].cautious:,}"
    assert "0.50 percentage points" in table.note


def test_more_than_anybody_would_run_is_said_so(study_data: StudyDataOf) -> None:
    table = power_table(ReportContext(study_data(smallest_effect=1e-5, effect=0.0, trials=8)))

    assert table is not None
    assert table.rows[0][1] == "> 10,000"
    assert table.frame["configurations"].isna().all()


@pytest.mark.parametrize("size", [{"trials": 2}, {"smallest_effect": 0.0}, {"effect": 0.05}])
def test_without_effect_pilot_or_open_question_there_is_no_table(
    study_data: StudyDataOf, size: dict[str, float]
) -> None:
    assert power_table(ReportContext(study_data(**size))) is None


def test_a_number_that_the_verdict_names_is_told_apart_from_those_of_the_table(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=6, seeds=2, effect=-0.005, between=0.02))

    table = power_table(context)

    assert table is not None
    assert context.judged.settles_at is not None
    assert f"The verdict's {context.judged.settles_at:,} configurations settle it whatever" in table.note
