import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import HomeError
from harness.reporting.data.collect import collect
from harness.reporting.data.columns import RECORD
from harness.reporting.data.ledger_account import LedgerAccount, alike, changed_records, root_of_runs
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.source_files import STUDY, read_data, written_data
from harness.reporting.text.caveats import _of_several
from harness.reporting.text.narrative import _of_ledger
from harness.reporting.verification.recorded_runs import recorded_runs
from harness.reporting.verification.verify import _other_records
from harness.staging.ledger import Ledger
from harness.staging.registration import Registration
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]


@pytest.mark.parametrize(
    "account",
    [LedgerAccount("ab", 1, 5), LedgerAccount("ab", registration=Registration({"plan_sha256": "cd"}, 1.5, 2.5))],
)
def test_an_account_comes_back_as_it_was(finished_data: StudyData, account: LedgerAccount) -> None:
    files = written_data(replace(finished_data, ledger=account), {})

    assert read_data(files).ledger == account


def test_a_report_that_recorded_no_ledger_has_none_and_says_nothing(finished_data: StudyData) -> None:
    files = written_data(replace(finished_data, ledger=None), {})
    old = read_data(files)

    assert "ledger" not in json.loads(files[STUDY])
    assert (old.ledger, _of_ledger(old), _of_several(old), _other_records(old)) == (None, [], [], [])


def test_the_root_is_over_the_records_of_all_runs(finished_data: StudyData) -> None:
    assert finished_data.ledger
    assert finished_data.ledger.root == root_of_runs(finished_data.runs)
    assert finished_data.ledger.root != root_of_runs(finished_data.runs.iloc[1:])
    assert finished_data.ledger.root in _of_ledger(finished_data)[0]


def test_rows_follow_from_the_records_whose_digests_they_have(finished_data: StudyData) -> None:
    assert changed_records(recorded_runs(finished_data), finished_data.runs) == []
    assert _other_records(finished_data) == []


@pytest.mark.parametrize("column", ["test/accuracy/all", "cost/seconds", "param/loss weight"])
def test_the_last_bit_of_a_value_is_not_the_record_that_was_saved(finished_data: StudyData, column: str) -> None:
    values = finished_data.runs[column].to_numpy(dtype=float, copy=True)
    values[3] = np.nextafter(values[3], np.inf)

    (problem,) = _other_records(replace(finished_data, runs=finished_data.runs.assign(**{column: values})))

    assert problem.what == "row 4 (trial 0, arm unfrozen, seed 1) is not the record whose digest it has"


def test_another_root_than_that_of_the_records_is_named(finished_data: StudyData) -> None:
    runs = finished_data.runs.iloc[:-1]

    (problem,) = _other_records(replace(finished_data, runs=runs))

    assert (problem.path, "is not the root over the records" in problem.what) == (STUDY, True)
    assert RECORD in runs


def test_a_flipped_bit_in_the_ledger_stops_a_report(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    with sqlite3.connect(home / "ledger.sqlite") as connection:
        connection.execute(
            "UPDATE runs SET record = replace(record, '\"completed\"', '\"complfted\"') WHERE arm = 'frozen'"
        )

    with pytest.raises(HomeError, match="in 1 of 2: freeze-or-not, trial 0 · frozen · seed 0"):
        collect(Workspace(home), "freeze-or-not")


def test_studies_of_one_question_are_counted_whatever_their_names(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    ledger = Ledger(home)
    (record,) = ledger.studies()
    other = json.loads(json.dumps(record.spec))
    other["base"]["model"]["widths"] = [7]
    ledger.save_study(replace(record, name="once-more", spec=type(record.spec)({**record.spec, "name": "once-more"})))
    ledger.save_study(replace(record, name="wider", spec=type(record.spec)(other)))

    data = collect(Workspace(home), "freeze-or-not")

    assert data.ledger
    assert data.ledger.alike == alike(record.spec, ledger.studies()) == 2
    assert "The home holds 2 studies" in _of_ledger(data)[1]
    assert "this is one of them" in _of_several(data)[0]
