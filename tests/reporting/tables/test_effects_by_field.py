from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import ABSENT, PARAM
from harness.reporting.data.curve_frame import curve_frame
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import NOTHING
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.effects_by_field import effects_by_field_table
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

METRIC = "test/accuracy/all"


def table_of(differences: list[float], **fields: list[Any]) -> ReportTable | None:
    """Return the table of a study with one seed, whose configurations differ so between the arms."""
    rows = [
        {"trial": trial, "arm": arm, "seed": 0, "status": "completed", METRIC: 0.5 + gain, "reason": ""}
        | {PARAM + name: values[trial] for name, values in fields.items()}
        | {PARAM + "apart": trial}  # or configurations that repeat others would count once
        for trial, difference in enumerate(differences)
        for arm, gain in (("a", difference), ("b", 0.0))
    ]
    columns = ["trial", "arm", "seed", "status", METRIC, "reason", *(PARAM + name for name in fields), PARAM + "apart"]
    runs = pd.DataFrame(rows, columns=columns).astype({PARAM + name: object for name in fields})
    space = {name: {"options": ["low", "high"]} if name == "where" else {} for name in fields}
    spec = {"space": space, "comparison": ["a", "b"], "metric": "accuracy/all"}
    record = StudyRecord("s", StudySpec(spec), len(differences), 1)
    data = StudyData(record, runs, curve_frame([]), (), StudyOrigin("s", ()))
    return effects_by_field_table(ReportContext(data))


def test_each_value_has_the_mean_of_its_configurations_in_the_order_of_the_study() -> None:
    table = table_of([0.20, 0.10, 0.11, 0.12, 0.13, 0.14], where=["high"] + ["low"] * 5, fixed=[1] * 6)

    assert table is not None
    assert table.head[2] == "difference (percentage points)"
    assert [row[:2] for row in table.rows] == [("where", "low"), ("where", "high")]
    assert [row[2:5] for row in table.rows] == [("+12.00", "+10.04 to +13.96", "5"), ("+20.00", NOTHING, "1")]


def test_numbers_stand_in_order_and_many_of_them_in_thirds() -> None:
    few, many = [8, 128, 16, 8, 128, 16, 8, 128, 16], [float(x) for x in (9, 8, 7, 6, 5, 4, 3, 2, 1)]

    table = table_of(np.linspace(0, 0.1, 9).tolist(), few=few, many=many)

    assert table is not None
    assert [row[1] for row in table.rows] == ["8", "16", "128", "1 to 3", "4 to 6", "7 to 9"]
    assert [row[4] for row in table.rows] == ["3"] * 6


@pytest.mark.parametrize("numbers", [[1.0, 2.0], [float(x) for x in range(1, 11)]])
def test_where_a_field_does_not_exist_is_a_place_of_its_own(numbers: list[float]) -> None:
    table = table_of(np.linspace(0, 0.1, len(numbers) + 2).tolist(), width=[ABSENT, *numbers, ABSENT])

    assert table is not None
    assert (table.rows[-1][1], table.rows[-1][4]) == ("does not exist", "2")


def test_a_field_that_decides_is_told_from_one_that_does_not_and_p_bears_their_number() -> None:
    gains = [0.1 + 0.001 * trial if trial % 2 else 0.01 - 0.001 * trial for trial in range(12)]
    decides, nothing = [trial % 2 == 1 for trial in range(12)], [trial % 4 < 2 for trial in range(12)]

    alone, both = table_of(gains, decides=decides), table_of(gains, decides=decides, nothing=nothing)

    assert alone is not None
    assert both is not None
    adjusted = both.frame.groupby("field")["p_adjusted"].first()
    assert adjusted["decides"] == pytest.approx(2 * alone.frame["p_adjusted"][0])
    assert adjusted["decides"] < 0.05 < adjusted["nothing"]
    assert "after Holm for all 2 of them" in both.note


def test_without_a_field_that_varies_there_is_no_table() -> None:
    assert table_of([0.1, 0.2], fixed=[1, 1]) is None
    assert table_of([0.1, 0.2]) is None
    assert table_of([], where=[]) is None
