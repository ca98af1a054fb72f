from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.glossary import glossary_table


def test_every_word_has_one_meaning(finished_data: StudyData) -> None:
    table = glossary_table(ReportContext(finished_data))

    assert table is not None
    words = [word for word, _ in table.rows]
    assert len(words) == len(set(words)) > 10
    assert all(meaning.endswith((".", ")")) for _, meaning in table.rows)
