"""Published studies, trained in packs and one run after the other."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.spec import with_changes
from harness.search.launch import launch
from harness.search.load import load_study
from harness.search.observer import Observer
from harness.staging.histories import stage_folder
from harness.staging.ledger import RunRecord
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace

ROOT = Path(__file__).parents[2]
STUDIES = sorted(path.parent.name for path in ROOT.glob("studies/*/study.py"))
SEVERAL = ("digits-late-classes", "more-outputs", "second-target")  # small enough for several configurations


def trained(name: str, home: Path, *, packing: bool) -> dict[tuple[int, str, int], tuple[RunRecord, list[bytes]]]:
    """Return the records of a few runs of a study, without what differs between launches, and their stages."""
    study = load_study(ROOT / "studies" / name / "study.py")
    study = with_changes(study, {"base.device": "cpu", "base.precision": "fp32"})
    data = os.environ.get("HARNESS_DATA_DIR")
    workspace = Workspace(home, data_folder=Path(data) if data else None).create()
    runner = Runner(workspace, cache_features=True, packing=packing)
    launch(study, runner, Observer(), trials=3 if name in SEVERAL else 1, seeds=2)
    found = {}
    for run in workspace.ledger.runs(study.name):
        files = [
            path.read_bytes()
            for stage in run.stages
            for path in sorted(stage_folder(workspace.stages, stage).iterdir())
        ]
        metrics = {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
        found[run.key] = replace(run, metrics=metrics, machine={}), files
    return found


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_runs_of_published_studies_are_the_same_in_packs(name: str, tmp_path: Path) -> None:
    if name != "digits-late-classes" and "HARNESS_DATA_DIR" not in os.environ:
        pytest.skip("needs the publishers' data")

    assert trained(name, tmp_path / "packed", packing=True) == trained(name, tmp_path / "alone", packing=False)
