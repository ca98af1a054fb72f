import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.core.answers import JOINT, Answers, ClassAnswers
from harness.core.errors import StudyNotFoundError
from harness.core.history import History
from harness.reporting.data.collect import collect
from harness.reporting.data.columns import REPRODUCED, SPEC_DIGEST
from harness.staging.catalog import Catalog, StageEntry
from harness.staging.histories import ANSWERS_FILE, FINAL_EVALUATION_FILE, run_history, stage_folder
from harness.staging.ledger import Ledger
from harness.staging.previous_specs import save_previous_spec, spec_digest
from harness.staging.reproductions import save_reproduction
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]


def test_there_is_one_row_a_run_with_what_was_searched(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")

    assert len(data.runs) == 6 * 2 * 2
    assert {"param/when", "param/loss weight", "test/accuracy/all", "growth_step"} <= set(data.runs.columns)
    assert data.arms == ["unfrozen", "frozen"]
    assert data.labels == ["when", "where", "width", "init", "loss weight"]


def test_the_two_values_at_the_growth_are_told_apart(finished_home: Path) -> None:
    curves = collect(Workspace(finished_home), "freeze-or-not").curves

    at_growth = curves[(curves["steps_since_growth"] == 0) & (curves["name"] == "val/accuracy/all")]

    per_run = at_growth.groupby("run_id")["grown"].apply(list)
    assert per_run.tolist() == [[False, True]] * 24


def test_no_step_of_the_history_is_lost_at_the_joint_of_two_stages(finished_home: Path) -> None:
    curves = collect(Workspace(finished_home), "freeze-or-not").curves

    steps = curves[(curves["name"] == "train/loss/total")].groupby("run_id")["step"].apply(list)

    assert all(run == sorted(set(run)) and run[-1] == 600 for run in steps)


def test_what_another_study_measured_on_test_data_is_not_in_a_runs_history(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    ledger = Ledger(home)
    for run in ledger.runs("freeze-or-not"):
        ledger.save_run(replace(run, metrics={"val/accuracy/all": 0.9}))
    before = collect(Workspace(home), "freeze-or-not").runs["history_sha256"].tolist()
    path = stage_folder(home / "store", run.stages[-1]) / FINAL_EVALUATION_FILE
    ending = History.read(path)
    ending.record(run.stages[-1].step, {"test/accuracy/all": 0.8})
    path.write_bytes(ending.to_bytes())

    after = collect(Workspace(home), "freeze-or-not").runs["history_sha256"].tolist()

    assert after == before


@pytest.mark.parametrize("opened", [True, False])
def test_answers_are_read_where_a_run_saw_test_data(make_home: MakeHome, opened: bool) -> None:
    home = make_home(trials=1, seeds=1)
    ledger, answers = Ledger(home), ClassAnswers(*(np.zeros(3, np.int32),) * 2, *(np.ones(3, np.float16),) * 2)
    for run in ledger.runs("freeze-or-not"):
        ledger.save_run(run if opened else replace(run, metrics={"val/accuracy/all": 0.9}))
        for address in run.stages:
            path = stage_folder(home / "store", address) / ANSWERS_FILE
            path.write_bytes(Answers({JOINT: answers}).to_bytes())

    data = collect(Workspace(home), "freeze-or-not")

    if opened:
        assert data.answers is not None
        assert set(data.answers.states["state"]) == {*data.runs["run_id"], *data.runs["fork"]}
    else:
        assert data.answers is None


def test_a_history_that_is_gone_is_named_and_costs_only_its_curves(make_home: MakeHome) -> None:
    home = make_home(trials=2, seeds=1)
    lost = Ledger(home).runs("freeze-or-not")[0]
    shutil.rmtree(home / "store" / lost.stages[1].key[:2] / lost.stages[1].key)

    data = collect(Workspace(home), "freeze-or-not")

    assert data.lost == (lost.run_id,)
    assert lost.run_id not in set(data.curves["run_id"])
    assert len(data.runs) == 4
    assert data.runs["history_sha256"].eq("").tolist() == [True, False, False, False]


def test_a_study_that_was_never_begun_is_not_found(finished_home: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="Did you mean 'freeze-or-not'"):
        collect(Workspace(finished_home), "freeze-or-nt")
    with pytest.raises(StudyNotFoundError, match=r"was begun in .*; harness run STUDY begins one"):
        collect(Workspace(tmp_path), "anything")


def test_a_study_without_runs_has_empty_frames(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1, missing=((0, "frozen", 0), (0, "unfrozen", 0)))

    data = collect(Workspace(home), "freeze-or-not")

    assert (len(data.runs), len(data.curves)) == (0, 0)
    assert "param/when" in data.runs


def test_steps_since_the_growth_are_missing_for_a_run_that_never_grew(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    ledger = Ledger(home)
    run = ledger.runs("freeze-or-not")[0]
    ledger.save_run(type(run)(**{**vars(run), "growths": (), "stages": run.stages[:1]}))

    data = collect(Workspace(home), "freeze-or-not")

    assert np.isnan(data.curves.loc[data.curves["run_id"] == run.run_id, "steps_since_growth"]).all()
    assert data.runs.loc[0, "fork"] == ""


def test_a_run_carries_what_it_can_be_repeated_from_and_checked_against(finished_home: Path) -> None:
    ledger = Ledger(finished_home)
    run = ledger.runs("freeze-or-not")[3]
    catalog = Catalog(ledger.database)
    catalog.save(StageEntry(run.stages[-1], 0, "", "ab" * 32, 1, "", 1, 1.0))

    row = collect(Workspace(finished_home), "freeze-or-not").runs.iloc[3]

    whole = run_history(finished_home / "store", run.stages)
    assert json.loads(row["config"]) == run.config
    assert row["history_sha256"] == hashlib.sha256(whole.to_bytes()).hexdigest()
    assert row["final_sha256"] == "ab" * 32
    catalog.drop(run.stages[-1])


def test_the_plan_of_the_runs_is_a_column_if_that_of_every_run_is_known(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    ledger = Ledger(home)
    known = collect(Workspace(home), "freeze-or-not")
    ledger.save_run(replace(ledger.runs("freeze-or-not")[0], spec_digest=""))

    unknown = collect(Workspace(home), "freeze-or-not")

    assert known.runs[SPEC_DIGEST].tolist() == [spec_digest(known.study.spec)] * 2
    assert SPEC_DIGEST not in unknown.runs


def test_earlier_forms_of_the_spec_come_along_if_runs_were_begun_under_them(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    ledger = Ledger(home)
    used, unused = {"name": "a"}, {"name": "a", "metric": "loss"}
    for form in (used, unused):
        save_previous_spec(ledger.database, "freeze-or-not", form)
    ledger.save_run(replace(ledger.runs("freeze-or-not")[0], spec_digest=spec_digest(used)))

    data = collect(Workspace(home), "freeze-or-not")

    assert data.earlier == (used,)


def test_a_run_that_was_trained_again_says_how_it_came_out(make_home: MakeHome) -> None:
    home = make_home(trials=2, seeds=1)
    ledger = Ledger(home)
    runs = ledger.runs("freeze-or-not")
    for run, differences in zip(runs, (("", ""), ("step 3", ""), ("", "step 3"), ()), strict=True):
        for difference in differences:
            recorded = run_history(home / "store", run.stages)
            save_reproduction(ledger.database, run, recorded, difference, commit="")

    found = collect(Workspace(home), "freeze-or-not").runs[REPRODUCED].tolist()

    assert found == ["same", "differs", "differs", ""]


def test_what_was_trained_again_is_the_history_as_it_was_then(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    ledger = Ledger(home)
    anew, elsewhere = ledger.runs("freeze-or-not")
    other = History()
    other.record(1, {"train/loss/total": 1.0})
    save_reproduction(ledger.database, anew, other, "", commit="")
    save_reproduction(ledger.database, replace(elsewhere, run_id="gone"), other, "step 1", commit="")

    found = collect(Workspace(home), "freeze-or-not").runs[REPRODUCED].tolist()

    assert found == ["", ""]


def test_an_error_with_half_a_sign_can_still_be_written(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1, failed=((0, "frozen", 0),), reason="bad \ud800 sign")

    data = collect(Workspace(home), "freeze-or-not")

    assert "bad \\ud800 sign" in data.runs["reason"].tolist()


def test_reporting_does_not_load_torch() -> None:
    code = "import sys, harness.reporting.report; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_run_that_failed_before_its_first_stage_has_no_snapshot(make_home: MakeHome) -> None:
    home = make_home(trials=1, seeds=1)
    ledger = Ledger(home)
    run = ledger.runs("freeze-or-not")[0]
    ledger.save_run(type(run)(**{**vars(run), "status": "failed", "stages": (), "growths": (), "metrics": {}}))

    first = collect(Workspace(home), "freeze-or-not").runs.iloc[0]

    assert (first["status"], first["final_sha256"], first["fork"]) == ("failed", "", "")


def test_a_study_knows_its_metrics_in_the_units_of_its_outputs(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    task = {"kind": "energy", "outputs": {"cooling": {"kind": "values", "unit": "kWh/m2"}, "copy": {"kind": "inputs"}}}
    base = {**data.study.spec["base"], "task": task}
    with_units = replace(data, study=replace(data.study, spec=StudySpec({**data.study.spec, "base": base})))

    assert with_units.measure("test/rmse/cooling").unit == "kWh/m2"
    assert with_units.measure("test/rmse/copy").unit == ""
    assert data.measure("test/rmse/cooling").unit == ""
    assert data.measure("test/accuracy/all").unit == "percentage points"
