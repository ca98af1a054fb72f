import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.arrival_measures import arrival_measures_table
from tests.reporting.synthetic_arrivals import incremental


def test_every_arm_has_its_measures_in_percent() -> None:
    table = arrival_measures_table(ReportContext(incremental()))

    assert table is not None
    assert table.head[:4] == ("arm", "average accuracy", "when learned", "forgetting")
    assert [row[0] for row in table.rows] == ["a", "b"]
    assert table.rows[0][1:5] == ("50.00", "80.00", "45.00", "\N{MINUS SIGN}45.00")
    assert table.frame["forgetting"].tolist() == pytest.approx([0.45, 0.45])


def test_where_classes_come_once_there_is_no_table(finished_data: StudyData) -> None:
    assert arrival_measures_table(ReportContext(finished_data)) is None


def test_what_was_not_measured_is_none() -> None:
    table = arrival_measures_table(ReportContext(incremental()))

    assert table is not None
    assert table.head[-2:] == ("forward transfer", "intransigence")
    assert [row[-2:] for row in table.rows] == [("none", "none")] * 2
    assert "none where runs do not record_untrained" in table.note


def test_what_an_untrained_network_answers_and_an_arm_of_all_examples_are_compared_with() -> None:
    told = arrival_measures_table(ReportContext(incremental(joint="all", telling=True)))

    assert told is not None
    assert [(row[0], *row[-2:]) for row in told.rows] == [
        ("a", "\N{MINUS SIGN}30.00", "+10.00"),
        ("b", "\N{MINUS SIGN}30.00", "+10.00"),
        ("all", "none", "0.00"),
    ]
