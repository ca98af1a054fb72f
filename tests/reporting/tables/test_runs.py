import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.runs import runs_table


def test_a_page_lists_the_first_of_very_many_runs_and_the_table_all(
    finished_data: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.reporting.tables.runs.MOST_RUNS", 5)

    table = runs_table(ReportContext(finished_data))

    assert table is not None
    assert (len(table.rows), len(table.frame)) == (5, 24)
    assert "the first 5 of 24 runs; tables/runs.csv has all" in table.note
