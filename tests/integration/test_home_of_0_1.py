"""A home and a published report that harness 0.1 made, in `home_0_1.tar.xz`: all of it still opens, and goes on.

Its study has two configurations under three arms, one of which diverges; one run was reproduced. Of the report only
the files with numbers are there.
"""

import hashlib
import json
import sqlite3
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from harness.cli.main import main
from harness.reporting.data.collect import collect
from harness.reporting.data.columns import RECORD, RECORD_REST
from harness.reporting.data.environment import environment
from harness.reporting.publication.manifest import MANIFEST
from harness.reporting.publication.source_files import CURVES, RUNS, STUDY, written_data
from harness.search.begin_study import as_begun
from harness.search.launch import launch
from harness.search.load import load_study
from harness.search.observer import Observer
from harness.staging.catalog import Catalog
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.network import build_network, probe_for
from harness.staging.previous_specs import previous_specs, spec_digest
from harness.staging.reproductions import reproductions
from harness.staging.retrain import retrain
from harness.staging.run import RunConfig, run_id
from harness.staging.runner import Runner
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.staging.store import Store
from harness.staging.workspace import Workspace

ARCHIVE = Path(__file__).with_name("home_0_1.tar.xz")
NEWER_TABLES = ("rungs", "openings", "earlier_forms", "reproductions")
SHOWN = """\
tiny: A tiny study
question    Should the trunk stay frozen?
metric      accuracy/all
searches    when = int(low=10, high=30, step=10) for growths.0.trigger.step
arms        frozen: growths.0.freeze = old_parameters
            unfrozen: as the configuration says
            diverged: training.optimizer.lr = 1e+30
progress    6 of 6 runs: 2 configurations x 3 arms x 1 seed
            4 completed
            2 failed, first trial 0 · diverged · seed 0: diverged: train/loss/known became nan at step 2
study file  /tmp/before/studies/tiny/study.py
ledger      runs/ledger.sqlite
stages      runs/store
report      runs/reports/tiny
"""

Call = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the study in `studies/tiny`, the home in `runs`, and its report in `published/tiny`."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)
    return tmp_path


@pytest.fixture
def call(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call `harness` with arguments in the folder, and return what it prints."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HARNESS_HOME", raising=False)

    def printed(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        output = capsys.readouterr()
        assert end.value.code == code, output.err
        return output.out

    return printed


@pytest.fixture
def ledger(folder: Path) -> Ledger:
    return Ledger(folder / "runs")


@pytest.fixture
def completed(ledger: Ledger) -> list[RunRecord]:
    return [run for run in ledger.runs("tiny") if run.status == "completed"]


def stored_records(folder: Path) -> dict[tuple[int, str, int], str]:
    with sqlite3.connect(folder / "runs" / "ledger.sqlite") as connection:
        rows = connection.execute("SELECT trial, arm, seed, record FROM runs").fetchall()
    connection.close()
    return {(trial, arm, seed): record for trial, arm, seed, record in rows}


def test_it_is_listed_and_shown_as_before(call: Call) -> None:
    assert call("list") == "tiny  finished: 6 of 6 runs, 2 failed\n"
    assert call("show", "tiny") == SHOWN


def test_the_study_file_of_then_gives_the_spec_and_the_run_ids_of_then(folder: Path, ledger: Ledger) -> None:
    (record,) = ledger.studies()
    study = as_begun(load_study(folder / "studies" / "tiny" / "study.py"), record)

    assert study.to_json() == record.spec
    assert {run.spec_digest for run in ledger.runs("tiny")} == {spec_digest(study.to_json())}
    for run in ledger.runs("tiny"):
        assert run_id(RunConfig.model_validate(run.config)) == run.run_id


def test_records_are_read_and_written_to_the_byte(folder: Path, ledger: Ledger) -> None:
    written = {run.key: json.dumps(run.to_json()) for run in ledger.runs("tiny")}

    assert written == stored_records(folder)
    assert len(ledger.test_set_accesses("tiny")) == 4
    assert [one.difference for one in reproductions(ledger.database, "tiny")] == [""]


def test_a_database_that_lacks_the_newer_tables_is_read_and_completed(folder: Path, ledger: Ledger) -> None:
    with sqlite3.connect(folder / "runs" / "ledger.sqlite") as connection:
        for table in NEWER_TABLES:
            connection.execute(f"DROP TABLE {table}")
    connection.close()

    data = collect(Workspace(folder / "runs"), "tiny")
    accesses, previous = ledger.test_set_accesses("tiny"), previous_specs(ledger.database, "tiny")
    reproduced = reproductions(ledger.database, "tiny")
    ledger.create()

    assert (len(data.runs), accesses, previous, reproduced) == (6, [], {}, [])
    with ledger.database.transaction() as transaction:
        assert all(transaction.has(table) for table in NEWER_TABLES)


def test_the_data_of_a_report_are_those_of_the_report_of_then(folder: Path) -> None:
    published = folder / "published" / "tiny"

    files = written_data(collect(Workspace(folder / "runs"), "tiny"), environment())

    study = json.loads(files[STUDY])
    assert study.pop("ledger")["records_without_digest"] == len(stored_records(folder))
    assert study == json.loads((published / STUDY).read_bytes())
    for path in (RUNS, CURVES):
        now, then = (pd.read_parquet(BytesIO(content)) for content in (files[path], (published / path).read_bytes()))
        assert set(now.columns) - set(then.columns) <= {RECORD, RECORD_REST}  # columns that came later
        pd.testing.assert_frame_equal(now[list(then.columns)], then, check_exact=True)


def test_the_numbers_of_the_report_of_then_are_verified_and_its_words_are_not(folder: Path, call: Call) -> None:
    published = folder / "published" / "tiny"
    put_stand_ins_for_pictures(published)

    output = call("verify", str(published), "--tolerance", "1e-9", code=3)

    assert (
        "CANNOT-RUN: the numbers of its tables follow from the data; its words or pictures are another version's"
        in output
    )


def put_stand_ins_for_pictures(report: Path) -> None:
    """Write something for each file that the archive lacks, and its digest into the manifest.

    Numbers of a report of another version are compared, what it wrote in other words or drew otherwise is not.
    """
    manifest = json.loads((report / MANIFEST).read_text())
    for entry in manifest["files"]:
        if not (path := report / entry["path"]).exists():
            path.write_bytes(b"a picture")
            entry |= {"bytes": len(b"a picture"), "sha256": hashlib.sha256(b"a picture").hexdigest()}
    lines = "".join(f"{entry['sha256']}  {entry['path']}\n" for entry in manifest["files"])
    manifest["root_sha256"] = hashlib.sha256(lines.encode()).hexdigest()
    (report / MANIFEST).write_text(json.dumps(manifest))


def test_snapshots_are_restored_and_written_to_the_byte(
    folder: Path, ledger: Ledger, completed: list[RunRecord]
) -> None:
    store = Store(folder / "runs" / "store", ledger)
    entries = {entry.address: entry for entry in Catalog(ledger.database).stages()}

    for run in completed:
        config = RunConfig.model_validate(run.config)
        data = config.task.load(None)
        for address in run.stages:
            content = store.snapshot(entries[address])
            state = read_snapshot(
                content,
                build_network(config, data),
                config.training.optimizer,
                probe=lambda change: probe_for(change, data),  # noqa: B023
                seed=config.seed,
                precision=config.precision,
            )
            assert write_snapshot(state) == content


def test_a_run_trained_again_gives_the_values_of_then(folder: Path, completed: list[RunRecord]) -> None:
    for run in completed[:2]:
        recorded = run_history(folder / "runs" / "store", run.stages)

        stages = retrain(RunConfig.model_validate(run.config), {}).stages

        found = stages[0].then(stages[1])
        assert set(found) == set(recorded)
        for name in recorded:
            series, expected = found[name], recorded[name]
            assert series.steps == expected.steps
            assert series.values == pytest.approx(expected.values, rel=1e-4, abs=1e-6), name  # noqa: PD011


def test_the_study_goes_on_and_trains_no_finished_run_again(folder: Path, ledger: Ledger) -> None:
    study = load_study(folder / "studies" / "tiny" / "study.py")
    before, accesses = stored_records(folder), ledger.test_set_accesses("tiny")
    runner = Runner(Workspace(folder / "runs"))

    launch(study, runner, Observer(), trials=3)

    after = stored_records(folder)
    assert {key: record for key, record in after.items() if key in before} == before
    assert {key for key in after if key not in before} == {(2, arm, 0) for arm in study.arms}
    assert ledger.test_set_accesses("tiny")[: len(accesses)] == accesses
    assert runner.steps_trained < 3 * study.base.steps  # of trial 2 alone
