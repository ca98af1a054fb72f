from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.integrity import integrity_table


def test_the_table_counts_what_was_checked(finished_data: StudyData) -> None:
    context = ReportContext(finished_data)

    table = integrity_table(context)

    assert table is not None
    assert [row[:2] for row in table.rows] == [(badge.name, badge.status) for badge in context.badges]
    assert table.note.startswith("8 passed, 0 failed, 3 not checked.")
