"""A home and a published report that harness 0.1 made, in `home_0_1.tar.xz`: all of it still opens, and goes on.

Its study has two configurations under three arms, one of which diverges; one run was reproduced. Of the report only
the files with numbers are there.
"""

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
from harness.reporting.verification.differences import difference
from harness.search.load import load_study
from harness.staging.catalog import Catalog
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.network import build_network, probe_for
from harness.staging.previous_specs import spec_digest
from harness.staging.reproductions import reproductions
from harness.staging.retrain import retrain
from harness.staging.run import RunConfig, run_id
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.staging.store import Store

ARCHIVE = Path(__file__).with_name("home_0_1.tar.xz")
OF_THE_ENVIRONMENT = ("environment.json", "tables/environment.csv", "manifest.json")
SHOWN = """\
tiny: A tiny study
question    Should the trunk stay frozen?
metric      accuracy/all
searches    when = int(low=10, high=30, step=10) for growths.0.trigger.step
arms        frozen: growths.0.freeze = old_parameters
            unfrozen: as the configuration says
            diverged: training.optimizer.lr = 1e+30
progress    6 of 6 runs: 2 configurations x 3 arms x 1 seeds
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
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def call(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call `harness` with arguments in the folder, and return what it prints."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HARNESS_HOME", raising=False)

    def printed(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        output = capsys.readouterr()
        assert end.value.code == 0, output.err
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


def report_files(report: Path) -> dict[str, bytes]:
    return {path.relative_to(report).as_posix(): path.read_bytes() for path in report.rglob("*") if path.is_file()}


def test_it_is_listed_and_shown_as_before(call: Call) -> None:
    assert call("list") == "tiny  finished: 6 of 6 runs, 2 failed\n"
    assert call("show", "tiny") == SHOWN


def test_the_study_file_of_then_gives_the_spec_and_the_run_ids_of_then(folder: Path, ledger: Ledger) -> None:
    study = load_study(folder / "studies" / "tiny" / "study.py")

    (record,) = ledger.studies()
    assert study.to_json() == record.spec
    assert {run.spec_digest for run in ledger.runs("tiny")} == {spec_digest(study.to_json())}
    for run in ledger.runs("tiny"):
        assert run_id(RunConfig.model_validate(run.config)) == run.run_id


def test_records_are_read_and_written_to_the_byte(folder: Path, ledger: Ledger) -> None:
    written = {run.key: json.dumps(run.to_json()) for run in ledger.runs("tiny")}

    assert written == stored_records(folder)
    assert len(ledger.test_set_accesses("tiny")) == 4
    assert [one.difference for one in reproductions(ledger.database, "tiny")] == [""]


def test_a_report_written_now_has_the_numbers_of_the_report_written_then(folder: Path, call: Call) -> None:
    before = report_files(folder / "published" / "tiny")
    numbers = [path for path in before if path.endswith((".csv", ".json")) and path not in OF_THE_ENVIRONMENT]

    call("report", "tiny", "--out", "anew")
    call("render", "anew")

    after = report_files(folder / "anew")
    assert len(numbers) > 30
    different = {path: difference(path, after[path], before[path], 1e-9) for path in numbers}
    assert {path: what for path, what in different.items() if what} == {}
    for path in ("data/runs.parquet", "data/curves.parquet"):
        tables = [pd.read_parquet(BytesIO(files[path])) for files in (before, after)]
        pd.testing.assert_frame_equal(*tables, check_exact=True)


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


def test_the_study_goes_on_and_trains_no_finished_run_again(folder: Path, ledger: Ledger, call: Call) -> None:
    before, accesses = stored_records(folder), ledger.test_set_accesses("tiny")

    output = call("run", "tiny", "--trials", "3", "--no-tracking")

    after = stored_records(folder)
    assert {key: record for key, record in after.items() if key in before} == before
    assert {key for key in after if key not in before} == {(2, arm, 0) for arm in ("frozen", "unfrozen", "diverged")}
    assert ledger.test_set_accesses("tiny")[: len(accesses)] == accesses
    assert "trial 2 · frozen" in output
    assert "trial 1 ·" not in output
