"""Ways of cheating in the docs' verifying.md that the data of a report can be made to hide, and what finds them."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.reporting import report as report_module
from harness.reporting.data.columns import SPEC_DIGEST
from harness.reporting.data.curve_frame import curve_digests
from harness.reporting.data.ledger_account import record_columns, root_of_runs
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.manifest import MANIFEST, manifest_of
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import ENVIRONMENT, SOURCES, read_data, written_data
from harness.reporting.verification.recorded_runs import recorded_runs
from harness.staging.previous_specs import spec_digest
from harness.staging.study_spec import StudySpec

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]
Cheat = Callable[[StudyData], StudyData]


@pytest.fixture
def report(first_run: tuple[Path, Ended], tmp_path: Path) -> Path:
    return Path(shutil.copytree(first_run[0] / "runs" / "reports" / "tiny", tmp_path / "report"))


def forge(report: Path, cheat: Cheat, **environment: Any) -> None:
    """Change the data of a report and write everything anew, digests of records and manifest among it."""
    files = {name: (report / name).read_bytes() for name in SOURCES}
    data = cheat(read_data(files))
    curves = data.curves.assign(**{name: data.curves[name].astype("str").astype("category") for name in WORDS})
    digests = curve_digests(curves)
    runs = data.runs.assign(curves_sha256=[digests.get(run, "") for run in data.runs["run_id"]])
    data = replace(data, runs=runs, curves=curves)
    columns = record_columns(recorded_runs(data))
    runs = runs.assign(**columns)
    assert data.ledger
    data = replace(data, runs=runs, ledger=replace(data.ledger, root=root_of_runs(runs)))
    shutil.rmtree(report)
    publish(report, report_module.report_files(written_data(data, json.loads(files[ENVIRONMENT]) | environment)))


WORDS = ("run_id", "arm", "name")


def claim(data: StudyData) -> StudyData:
    better = data.runs["test/accuracy/all"].where(data.runs["arm"] != "unfrozen", 0.999)
    return replace(data, runs=data.runs.assign(**{"test/accuracy/all": better}))


def kept(data: StudyData, numbers: Mapping[int, int]) -> StudyData:
    frames = [
        frame[frame["trial"].isin(list(numbers))].assign(trial=lambda kept: kept["trial"].map(numbers))
        for frame in (data.runs, data.curves)
    ]
    runs, curves = (frame.reset_index(drop=True) for frame in frames)
    return replace(data, runs=runs, curves=curves, study=replace(data.study, trials=len(numbers)))


def renumber(data: StudyData) -> StudyData:
    return kept(data, {1: 0})


def drop_first(data: StudyData) -> StudyData:
    return replace(kept(data, {1: 1}), study=data.study)


def swap_arms(data: StudyData) -> StudyData:
    other = {"frozen": "unfrozen", "unfrozen": "frozen"}
    runs = data.runs.assign(arm=data.runs["arm"].map(other)).sort_values(["trial", "arm", "seed"], ignore_index=True)
    curves = data.curves.assign(arm=data.curves["arm"].astype("str").map(other))
    return replace(data, runs=runs, curves=curves)


def swap_arms_and_plan(data: StudyData) -> StudyData:
    """Swap the labels of two arms in the runs, and what they mean in the study."""
    other = {"frozen": "unfrozen", "unfrozen": "frozen"}
    runs = data.runs.assign(arm=data.runs["arm"].map(other)).sort_values(["trial", "arm", "seed"], ignore_index=True)
    curves = data.curves.assign(arm=data.curves["arm"].astype("str").map(other))
    arms = {other[arm]: changes for arm, changes in data.study.spec.arms.items()}
    spec = StudySpec({**data.study.spec, "arms": {arm: arms[arm] for arm in data.study.spec.arms}})
    return replace(data, runs=runs, curves=curves, study=replace(data.study, spec=spec))


def out_of_memory(data: StudyData) -> StudyData:
    runs = data.runs.copy()
    runs.loc[0, ["status", "reason"]] = ["failed", "RuntimeError: not enough memory"]
    return replace(data, runs=runs)


def diverged(data: StudyData) -> StudyData:
    runs = data.runs.copy()
    runs.loc[runs["arm"] == "frozen", ["status", "reason"]] = ["failed", "diverged: total is nan at step 7"]
    return replace(data, runs=runs)


def test_a_claimed_metric_is_found_by_a_rerun_whatever_the_environment_is_said_to_be(report: Path, call: Call) -> None:
    forge(report, claim, processor="Z80")

    alone, ended = call("verify", str(report)), call("verify", str(report), "--rerun", "2", "--nonce", "a")

    assert alone.returncode == 0
    assert (ended.returncode, "test/accuracy/all: recorded 0.999, found " in ended.stdout) == (1, True)


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("cheat", "said"),
    [
        (renumber, "does not have the configuration that the study proposes"),
        (drop_first, "2 runs are planned and not in the report"),
        (swap_arms, "the check 'runs as planned' fails: "),
        (swap_arms_and_plan, "the check 'plan unchanged' fails: 4 of 4 runs were begun under another plan"),
    ],
)
def test_runs_left_out_renumbered_or_swapped_are_found(report: Path, call: Call, cheat: Cheat, said: str) -> None:
    forge(report, cheat)

    ended = call("verify", str(report))

    assert (ended.returncode, said in ended.stdout) == (1, True)


@pytest.mark.campaign
def test_a_run_that_is_said_to_have_diverged_is_trained_again(report: Path, call: Call) -> None:
    forge(report, diverged)

    ended = call("verify", str(report), "--rerun", "4")

    assert (ended.returncode, ended.stdout.count("recorded as diverged, and completed when")) == (1, 2)


@pytest.mark.campaign
def test_a_run_that_is_said_to_have_failed_for_want_of_memory_is_tried_if_it_is_named(report: Path, call: Call) -> None:
    forge(report, out_of_memory)

    alone, ended = call("verify", str(report)), call("verify", str(report), "--run", "0/frozen/0")

    assert "1 failed run left out" in (report / "report.md").read_text()
    assert alone.stdout.splitlines()[-1] == "1 of 4 runs failed: RuntimeError: not enough memory"
    assert (ended.returncode, "and completed when it was trained again" in ended.stdout) == (1, True)


@pytest.mark.campaign
def test_a_report_of_another_version_cannot_turn_its_verdict_around(report: Path, call: Call) -> None:
    forge(report, claim, harness="0.0.1", code_sha256="ab" * 32)
    for name in ("report.md", "report.html"):
        text = (report / name).read_text()
        (report / name).write_text(text.replace("Not enough data for a verdict", "Unfrozen is better than frozen"))
    files = {path.relative_to(report).as_posix(): path.read_bytes() for path in report.rglob("*") if path.is_file()}
    del files[MANIFEST]
    (report / MANIFEST).write_bytes(manifest_of("tiny", files, read_data(files).runs))

    found = [call("verify", str(report), *more) for more in ([], ["--tolerance", "1e-9"])]

    assert [ended.returncode for ended in found] == [1, 1]
    assert all("claims Unfrozen is better than frozen; the verdict that follows" in ended.stdout for ended in found)


@pytest.mark.campaign
def test_more_configurations_than_were_registered_are_found(workplace: Path, call: Call) -> None:
    assert call("register", "tiny").returncode == 0
    assert call("run", "tiny", "--no-tracking", "--trials", "3").returncode == 0
    report = workplace / "runs" / "reports" / "tiny"

    ended = call("verify", str(report))

    said = "2 configurations were registered, and there are 3"
    assert (ended.returncode, said in ended.stdout) == (1, True)
    assert (
        "2 configurations with 1 seed were registered, and the study went on to 3" in (report / "report.md").read_text()
    )
    assert "--trials 2" in next(
        line for line in (report / "reproduce.sh").read_text().splitlines() if "register" in line
    )


@pytest.mark.campaign
@pytest.mark.parametrize("field", ["smallest_effect", "metric"])
def test_what_decides_changed_after_the_data_were_seen_is_found_by_the_registration(
    workplace: Path, call: Call, field: str
) -> None:
    assert call("register", "tiny", "--home", "runs").returncode == 0
    assert call("run", "tiny", "--no-tracking").returncode == 0
    report, file = workplace / "runs" / "reports" / "tiny", workplace / "runs" / "registrations" / "tiny.json"
    assert call("verify", str(report), "--registration", str(file)).returncode == 0
    changed = {"smallest_effect": 0.2, "metric": "accuracy/late"}[field]

    def cheat(data: StudyData) -> StudyData:
        assert data.ledger
        spec = StudySpec({**data.study.spec, field: changed})
        runs = data.runs.assign(**{SPEC_DIGEST: spec_digest(spec)})
        ledger = replace(data.ledger, registration=None)
        return replace(data, runs=runs, study=replace(data.study, spec=spec), ledger=ledger)

    forge(report, cheat)
    hidden, ended = call("verify", str(report)), call("verify", str(report), "--registration", str(file))

    assert (hidden.returncode, "registration: not registered" in hidden.stdout) == (0, True)
    assert (ended.returncode, f"{field} was registered as" in ended.stdout) == (1, True)


@pytest.mark.campaign
def test_five_names_are_counted_and_have_the_same_points_if_registered(workplace: Path, call: Call) -> None:
    found = []
    for number in range(5):
        name = f"tiny-{number}"
        assert call("register", "tiny", "--as", name).returncode == 0
        assert call("run", "tiny", "--as", name, "--no-tracking").returncode == 0
        runs = pd.read_parquet(workplace / "runs" / "reports" / name / "data" / "runs.parquet")
        found.append(runs["test/accuracy/all"].tolist())

    assert found == found[:1] * 5
    assert "The home holds 5 studies" in (workplace / "runs" / "reports" / "tiny-4" / "report.md").read_text()
