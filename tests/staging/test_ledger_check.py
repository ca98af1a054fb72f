import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import HomeError
from harness.core.history import History
from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.staging.ledger_check import check_records
from harness.staging.registration import save_launch, save_registration
from harness.staging.reproductions import save_reproduction
from harness.staging.study_spec import StudySpec

RUN = RunRecord(
    "a-study", 0, "frozen", 1, "abc", {"when": 3}, {"steps": 4}, "completed", metrics={"test/accuracy": 0.5}
)


def filled(ledger: Ledger) -> Ledger:
    ledger.create()
    for seed in (1, 2):
        ledger.save_run(replace(RUN, seed=seed))
    ledger.save_rung(replace(RUN, status="waiting"), 2)
    return ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return filled(Ledger(tmp_path))


def edit(ledger: Ledger, statement: str) -> None:
    with ledger.database.transaction() as transaction:
        transaction.execute(statement)


def test_records_as_they_were_saved_pass(ledger: Ledger) -> None:
    digests = check_records(ledger.database, "a-study")

    assert sorted(digests) == [("a-study", (0, "frozen", 1)), ("a-study", (0, "frozen", 2))]
    assert all(len(digest) == 64 for digest in digests.values())
    assert check_records(ledger.database) == digests
    assert check_records(ledger.database, "another") == {}


EDITS = {
    "a value": "UPDATE runs SET record = replace(record, '0.5', '0.7') WHERE seed = 1",
    "a name": "UPDATE runs SET record = replace(record, 'sha256', 'sha257') WHERE seed = 1",
    "the digest": "UPDATE runs SET record = replace(record, 'sha256\": \"', 'sha256\": \"0') WHERE seed = 1",
    "no JSON": "UPDATE runs SET record = replace(record, '{', '[') WHERE seed = 1",
    "a column": "UPDATE runs SET status = 'failed' WHERE seed = 1",
    "a key": "UPDATE runs SET trial = 7 WHERE seed = 1",
    "a rung": "UPDATE rungs SET record = replace(record, '0.5', '0.7')",
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_is_found_in_one_line(ledger: Ledger, what: str) -> None:
    edit(ledger, EDITS[what])

    with pytest.raises(HomeError, match=r"in 1 of 3: a-study, trial \d · frozen · seed 1; restore the ledger"):
        check_records(ledger.database)


def test_an_edit_of_a_spec_is_found_and_a_new_spec_is_none(ledger: Ledger) -> None:
    study = StudyRecord("a-study", StudySpec({"title": "one"}), trials=1, seeds=1)
    ledger.enter_study(study)
    ledger.enter_study(replace(study, spec=StudySpec({"title": "another"})))  # which comes too late
    ledger.save_study(replace(study, spec=StudySpec({"title": "new"}), trials=2))
    check_records(ledger.database)

    edit(ledger, "UPDATE studies SET spec = replace(spec, 'new', 'now')")

    check_records(ledger.database, "another")
    with pytest.raises(HomeError, match=r"expected the spec of the study 'a-study' as it was saved"):
        check_records(ledger.database, "a-study")


UNNAMED = {
    "UPDATE openings SET at = at - 1 WHERE seed = 1": "accesses to test data",
    "UPDATE openings SET study = 'another' WHERE seed = 1": "accesses to test data",
    "DELETE FROM openings WHERE seed = 1": "accesses to test data",
    "UPDATE reproductions SET difference = ''": "reproductions",
    "UPDATE registrations SET at = at - 1": "registration",
    "UPDATE registrations SET content = replace(content, '1', '2')": "registration",
    "DELETE FROM first_launches": "first launch",
    "DROP TABLE first_launches": "first launch",
}


@pytest.mark.parametrize("statement", UNNAMED)
def test_an_edit_of_what_was_recorded_beside_runs_is_found(ledger: Ledger, statement: str) -> None:
    save_registration(ledger.database, "a-study", {"trials": 1})
    save_launch(ledger.database, "a-study")
    save_reproduction(ledger.database, RUN, History(), "weights differ", "")
    check_records(ledger.database)

    edit(ledger, statement)

    check_records(ledger.database, "another")
    with pytest.raises(HomeError, match=f"expected the {UNNAMED[statement]} of the study 'a-study' as saved"):
        check_records(ledger.database, "a-study")


def test_any_flipped_bit_of_a_record_is_found(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        text = connection.execute("SELECT record FROM runs WHERE seed = 1").fetchone()[0].encode()
    missed = []
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        for position in range(0, len(text), 7):
            flipped = bytearray(text)
            flipped[position] ^= 1
            if b" " in (flipped[position : position + 1], text[position : position + 1]):
                continue  # a space between two values means nothing
            connection.execute("UPDATE runs SET record = ? WHERE seed = 1", (flipped.decode(errors="replace"),))
            connection.commit()
            try:
                check_records(ledger.database, "a-study")
                missed.append(bytes(flipped[max(position - 20, 0) : position + 20]))
            except HomeError:
                pass
    assert missed == []


def without_digest(ledger: Ledger) -> None:
    content = RUN.to_json()
    with ledger.database.transaction() as transaction:
        transaction.execute("UPDATE runs SET record = :text WHERE seed = 1", {"text": json.dumps(content)})


def no_rungs(ledger: Ledger) -> None:
    edit(ledger, "DROP TABLE rungs")


def no_digests(ledger: Ledger) -> None:
    edit(ledger, "DROP TABLE row_digests")


@pytest.mark.parametrize("earlier", [without_digest, no_rungs, no_digests])
def test_a_ledger_of_an_earlier_version_still_opens(ledger: Ledger, earlier: Callable[[Ledger], None]) -> None:
    earlier(ledger)

    digests = check_records(ledger.database)

    assert sum(not digest for digest in digests.values()) == (earlier is without_digest)
    assert len(ledger.runs("a-study")) == 2


def test_a_record_that_cannot_be_read_is_one_line(ledger: Ledger) -> None:
    edit(ledger, EDITS["no JSON"])

    with pytest.raises(HomeError, match="which cannot be read"):
        ledger.runs("a-study")


@pytest.mark.postgres
def test_an_edit_is_found_on_a_server(tmp_path: Path, postgres: str) -> None:
    ledger = filled(Ledger(tmp_path, postgres))
    assert len(check_records(ledger.database, "a-study")) == 2
    edit(ledger, EDITS["a value"])

    with pytest.raises(HomeError, match="in 1 of 3"):
        check_records(ledger.database, "a-study")
    edit(ledger, "DELETE FROM openings WHERE seed = 1")
    with pytest.raises(HomeError, match="accesses to test data"):
        check_records(ledger.database, "a-study")
    ledger.database.close()
