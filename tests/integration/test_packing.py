"""Published studies, trained in packs and one run after the other, without and with kills.

HARNESS_KILLS_SEED says when the kills are.
"""

import os
import random
import subprocess
import sys
import zlib
from contextlib import suppress
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
KILLS = 3
SEVERAL = ("digits-late-classes", "more-outputs", "second-target")  # small enough for several configurations
ONE_SEED = ("deeper-language-model", "late-classes-resnet", "late-intents", "new-domain")  # minutes a run


def trials_of(name: str) -> int:
    return 3 if name in SEVERAL else 1


def seeds_of(name: str) -> int:
    return 1 if name in ONE_SEED else 2


def killed_launches(name: str, home: Path) -> None:
    """Begin the same runs several times, each time for longer, and kill each launch in its training."""
    size = ["--trials", str(trials_of(name)), "--seeds", str(seeds_of(name))]
    options = ["--device", "cpu", "--precision", "fp32", "--no-tracking", "--home", str(home)]
    command = [sys.executable, "-m", "harness", "run", name, *size, *options]
    moments = random.Random(int(os.environ.get("HARNESS_KILLS_SEED", "0")) + zlib.crc32(name.encode()))
    for number in range(KILLS):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as launched:
            with suppress(subprocess.TimeoutExpired):
                launched.wait(timeout=moments.uniform(4, 8) * (number + 1))
            launched.kill()


Trained = dict[tuple[int, str, int], tuple[RunRecord, list[bytes]]]


def trained(name: str, home: Path, *, packing: bool) -> Trained:
    """Return the records of a few runs of a study, without what differs between launches, and their stages."""
    study = load_study(ROOT / "studies" / name / "study.py")
    study = with_changes(study, {"base.device": "cpu", "base.precision": "fp32"})
    data = os.environ.get("HARNESS_DATA_DIR")
    workspace = Workspace(home, data_folder=Path(data) if data else None).create()
    runner = Runner(workspace, cache_features=True, packing=packing)
    launch(study, runner, Observer(), trials=trials_of(name), seeds=seeds_of(name))
    found: Trained = {}
    for run in workspace.ledger.runs(study.name):
        files = [
            path.read_bytes()
            for stage in run.stages
            for path in sorted(stage_folder(workspace.stages, stage).rglob("*"))
            if path.is_file()  # large tensors lie in a folder of their own
        ]
        metrics = {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
        found[run.key] = replace(run, metrics=metrics, machine={}, commit=""), files
    return found


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_runs_of_published_studies_are_the_same_in_packs(name: str, tmp_path: Path) -> None:
    if name != "digits-late-classes" and "HARNESS_DATA_DIR" not in os.environ:
        pytest.skip("needs the publishers' data")

    killed_launches(name, tmp_path / "packed")

    assert trained(name, tmp_path / "packed", packing=True) == trained(name, tmp_path / "alone", packing=False)
