import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from harness.core.errors import HomeError
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

STUDY = StudyRecord("a-study", StudySpec({"arms": {"frozen": {}, "unfrozen": {}}}), trials=3, seeds=2)
RUN = RunRecord(
    study="a-study",
    trial=0,
    arm="frozen",
    seed=1,
    run_id="abc",
    params={"when": 3, "loss weight": 0.1},
    config={"steps": 4},
    status="completed",
    stages=(StageAddress("k", 2), StageAddress("l", 4)),
    growths=({"step": 2, "parameters_added": 7},),
    metrics={"test/accuracy/all": 0.1 + 0.2},
    spec_digest="ab" * 32,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(tmp_path)
    found.create()
    return found


def test_a_run_comes_back_as_it_was(ledger: Ledger) -> None:
    ledger.save_run(RUN)

    assert ledger.runs("a-study") == [RUN]
    assert ledger.runs("another") == []


def test_a_run_of_an_earlier_version_was_begun_under_a_plan_that_nobody_knows() -> None:
    content = {name: value for name, value in RUN.to_json().items() if name != "plan"}

    assert RunRecord.from_json(content) == replace(RUN, spec_digest="")


def test_a_later_end_replaces_an_earlier_one(ledger: Ledger) -> None:
    ledger.save_run(replace(RUN, status="failed", reason="diverged"))
    ledger.save_run(RUN)

    assert ledger.runs("a-study") == [RUN]


def test_the_same_end_is_one_opening_of_the_test_data_and_another_end_one_more(ledger: Ledger) -> None:
    for metrics in ({"test/accuracy/all": 0.5}, {"test/accuracy/all": 0.5}, {"test/accuracy/all": 0.6}, {}):
        ledger.save_run(replace(RUN, metrics=metrics))

    assert [opening.run_id for opening in ledger.test_set_accesses("a-study")] == ["abc", "abc"]


def test_whoever_reads_the_same_results_from_the_stages_opens_no_test_data(ledger: Ledger) -> None:
    other = replace(RUN, machine={"cpu": "another"}, commit="def", metrics={**RUN.metrics, "cost/seconds": 1e6})

    ledger.save_run(RUN)
    ledger.save_run(other)

    assert ledger.runs("a-study") == [RUN]
    assert len(ledger.test_set_accesses("a-study")) == 1


@pytest.mark.postgres
def test_a_server_before_its_first_launch_has_no_study(tmp_path: Path, postgres: str) -> None:
    ledger = Ledger(tmp_path, postgres)

    found = (ledger.studies(), ledger.study("a-study"))
    ledger.database.close()

    assert found == ([], None)


@pytest.mark.postgres
def test_on_a_server_those_who_save_the_same_end_at_the_same_moment_count_one_opening(
    tmp_path: Path, postgres: str
) -> None:
    ledger, together = Ledger(tmp_path, postgres), Barrier(4)
    ledger.create()

    def save(seed: int) -> None:
        together.wait()
        ledger.save_run(replace(RUN, study="at once", seed=seed))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(save, [seed for seed in range(20) for _ in range(together.parties)]))

    openings = ledger.test_set_accesses("at once")
    ledger.database.close()
    assert [opening.seed for opening in openings] == list(range(20))


def test_a_study_plans_trials_times_arms_times_seeds(ledger: Ledger) -> None:
    ledger.save_study(STUDY)

    found = ledger.study("a-study")

    assert found == STUDY
    assert found.planned_runs == 12
    assert ledger.study("another") is None


def test_runs_are_counted_by_status(ledger: Ledger) -> None:
    ledger.save_run(RUN)
    ledger.save_run(replace(RUN, seed=2))
    ledger.save_run(replace(RUN, seed=3, status="failed"))

    assert ledger.run_counts() == {"a-study": {"completed": 2, "failed": 1}}


def test_creating_it_again_keeps_what_is_there(ledger: Ledger) -> None:
    ledger.save_run(RUN)

    ledger.create()

    assert ledger.runs("a-study") == [RUN]


def test_what_is_committed_survives_a_crash(ledger: Ledger) -> None:
    connection = sqlite3.connect(str(ledger.database.path))

    modes = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode",)]
    connection.close()

    assert modes == ["wal"]


def test_a_home_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(HomeError, match=r"cannot write to the home .*/file/home.*--home"):
        Ledger(tmp_path / "file" / "home").create()


def test_how_a_study_was_first_called_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.create()

    ledger.save_origin("wide", StudyOrigin("digits", ("steps=5",)))
    ledger.save_origin("wide", StudyOrigin("another"))

    assert ledger.origin("wide") == StudyOrigin("digits", ("steps=5",))
    assert ledger.origin("unknown") == StudyOrigin("unknown")


def test_of_two_that_begin_a_study_at_once_the_first_decides(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.create()
    first, second = (StudyRecord("tiny", StudySpec({"arms": {"a": {}}, "steps": steps}), steps, 1) for steps in (1, 2))

    found = [ledger.enter_study(record) for record in (first, second)]

    assert found == [first, first]
    assert ledger.studies() == [first]
