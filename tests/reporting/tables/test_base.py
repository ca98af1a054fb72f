from collections.abc import Callable

import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.importance import permutation
from harness.reporting.sections import SECTIONS
from harness.reporting.tables._base import ReportTable, csv_bytes

MAKES = [make for spec in SECTIONS for make in (*spec.shown, *spec.folded) if make.__module__.split(".")[2] == "tables"]


def tables_of(data: StudyData) -> list[ReportTable]:
    context = ReportContext(data)
    return [table for make in MAKES if isinstance(table := make(context), ReportTable)]


def test_every_row_is_as_long_as_the_head(finished_data: StudyData) -> None:
    for table in tables_of(finished_data):
        assert all(len(row) == len(table.head) == len(table.numeric) for row in table.rows), table.name


def test_a_table_is_called_as_the_function_that_makes_it_and_the_file_that_holds_that(
    study_data: Callable[..., StudyData], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permutation, "RESAMPLES", 2)
    monkeypatch.setattr(permutation, "SHUFFLES", 20)
    makes = {make.__name__.removesuffix("_table") for make in MAKES}

    names = {table.name for table in tables_of(study_data(trials=12, seeds=1, failed=((0, "frozen", 0),)))}

    assert {make.__module__.rpartition(".")[2] for make in MAKES} == makes
    assert names - makes == {"collapses"}  # the file's name in reports made before


@pytest.mark.parametrize("kind", ["str", "object", "category"])
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_text_that_a_spreadsheet_would_run_is_prefixed(text: str, kind: str) -> None:
    frame = pd.DataFrame({text: [text, "plain"], "number": [-1.5, 2.0]}).astype({text: kind})

    content = csv_bytes(frame).decode()

    assert content.count("'" + text) == 2
    assert "-1.5" in content
    assert "'-1.5" not in content


def test_numbers_keep_every_digit() -> None:
    content = csv_bytes(pd.DataFrame({"value": [0.1 + 0.2, 1e-17]})).decode()

    assert content == "value\n0.30000000000000004\n1e-17\n"


def test_searched_leaves_are_written_as_json() -> None:
    content = csv_bytes(pd.DataFrame({"when": [{"kind": "at_step", "step": 3}, None]})).decode()

    assert content == 'when\n"{""kind"":""at_step"",""step"":3}"\n""\n'
