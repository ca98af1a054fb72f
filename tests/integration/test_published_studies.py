"""The studies of published reports: their files still mean the same specs, and their configurations the same runs."""

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.core.spec import with_changes
from harness.data import sha256_of
from harness.search.load import load_study
from harness.search.registration import points_of
from harness.search.study import Study
from harness.staging.previous_specs import spec_digest
from harness.staging.run import RunConfig, run_id

ROOT = Path(__file__).parents[2]
REPORTS = sorted(path.parents[1] for path in ROOT.glob("reports/*/data/runs.parquet"))


@pytest.fixture(params=REPORTS, ids=lambda folder: folder.name)
def report(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def study_of(report: Path) -> Study:
    """Return the study as its report was called, with the device and the precision that it recorded."""
    content = json.loads((report / "study.json").read_text())
    study = load_study(ROOT / "studies" / content["called"]["source"] / "study.py")
    recorded = {f"base.{name}": content["spec"]["base"][name] for name in ("device", "precision")}
    changed = with_changes(study, recorded)
    return changed.model_copy(update={"points": points_of(changed)}) if registration_of(study.name) else changed


def registration_of(name: str) -> Path | None:
    """Return the file in which the study said of itself what it was going to do, before its first run."""
    file = ROOT / "studies" / name / "registration.json"
    return file if file.exists() else None


def test_there_are_published_reports() -> None:
    assert len(REPORTS) >= 12


def test_the_study_file_gives_the_published_spec_and_its_digest(report: Path) -> None:
    study = study_of(report).to_json()

    assert study == json.loads((report / "study.json").read_text())["spec"]
    assert set(pd.read_parquet(report / "data" / "runs.parquet")["plan_sha256"]) == {spec_digest(study)}


def test_the_study_is_what_was_registered(report: Path) -> None:
    study = study_of(report)
    file = registration_of(study.name)
    assert file is not None

    registered = json.loads(file.read_text())

    assert registered["spec"] == study.to_json()
    assert registered["points"] == study.points
    assert registered["study_file_sha256"] == sha256_of(file.with_name("study.py"))


def test_configurations_give_the_published_run_ids(report: Path) -> None:
    study_of(report)  # which defines classes of its own that configurations name
    runs = pd.read_parquet(report / "data" / "runs.parquet")

    found = [run_id(RunConfig.model_validate(json.loads(config))) for config in runs["config"]]

    assert found == runs["run_id"].tolist()
