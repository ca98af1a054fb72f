from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import NOTHING
from harness.reporting.tables.class_accuracies import class_accuracies_table
from tests.reporting.synthetic_arrivals import incremental


def test_every_class_of_every_arm_has_a_row_and_every_stage_a_column() -> None:
    table = class_accuracies_table(ReportContext(incremental(telling=True)))

    assert table is not None
    assert table.head == ("arm", "class", "stage 0", "stage 1", "stage 2")
    assert table.rows == (
        ("a", "3", "90.0", "40.0", "20.0"),
        ("a", "7", NOTHING, "80.0", "60.0"),
        ("b", "3", "90.0", "40.0", "20.0"),
        ("b", "7", NOTHING, "80.0", "60.0"),
    )


def test_where_classes_were_not_recorded_or_came_once_there_is_no_table(finished_data: StudyData) -> None:
    assert class_accuracies_table(ReportContext(incremental())) is None
    assert class_accuracies_table(ReportContext(finished_data)) is None
