import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.api.launch_study import LaunchSettings
from harness.search.load import load_study
from harness.search.study import Study
from harness.staging.ledger import Ledger, StudyOrigin
from harness.staging.runner import Runner

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


def test_a_study_is_run_to_its_report(first_run: tuple[Path, Ended]) -> None:
    folder, ended = first_run

    assert (ended.returncode, ended.stderr) == (0, "")
    assert len([line for line in ended.stdout.splitlines() if "val/accuracy/all" in line]) == 4
    assert "runs/reports/tiny/report.html" in ended.stdout
    assert "harness ui tiny" in ended.stdout
    assert (folder / "runs" / "reports" / "tiny" / "report.html").is_file()
    assert {"ledger.sqlite", "mlflow.sqlite", "optuna.sqlite"} <= {path.name for path in (folder / "runs").iterdir()}


def test_a_finished_study_is_not_run_again(first_run: tuple[Path, Ended], call: Call, workplace: Path) -> None:
    folder, _ = first_run
    ledger = Ledger(shutil.copytree(folder / "runs", workplace / "runs"))
    before = ledger.runs("tiny")

    again = call("run", str(folder / "studies" / "tiny"), "--no-tracking")

    assert (again.returncode, again.stderr) == (0, "")
    assert "val/accuracy/all" not in again.stdout
    assert ledger.runs("tiny") == before


def test_options_change_the_study_that_is_run(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[object] = []

    def note(study: Study, runner: Runner, settings: LaunchSettings, *_: object, **__: object) -> None:
        assert (settings.destinations, settings.file and settings.file.name) == ((), "study.py")
        training, workspace = study.base.training, runner.workspace
        workspace.ledger.create()
        launched.extend([study.name, training.batch_size, training.evaluate_every, study.base.device])
        launched.extend([workspace.home, workspace.storage])
        launched.extend([workspace.stages, runner.alone, runner.features, settings.origin])
        launched.extend([settings.trials, settings.seeds, settings.workers, settings.timeout_s, settings.keep_bytes])

    monkeypatch.setattr("harness.api.launch_study.launch_study", note)

    ended = call(
        *["run", "tiny", "--as", "other", "--home", "there", "--trials", "3", "--seeds", "2", "--device", "cpu"],
        *["--set", "training.batch_size=16", "--set", "training.evaluate_every=5"],
        *[
            "--no-share",
            "--workers",
            "4",
            "--store",
            "elsewhere",
            "--storage",
            "sqlite:///here.sqlite",
            *["--no-tracking", "--system-metrics", "--keep", "5k", "--timeout", "2"],
        ],
    )

    assert ended.returncode == 0
    assert launched == [
        *["other", 16, 5, "cpu", Path("there"), "sqlite:///here.sqlite"],
        *[Path("elsewhere"), True, None],
        StudyOrigin("tiny", ("training.batch_size=16", "training.evaluate_every=5")),
        *[3, 2, 4, 120.0, 5000],
    ]


def test_an_impossible_tap_is_refused_naming_the_taps(call: Call, workplace: Path) -> None:
    ended = call("run", "tiny", "--set", "growths.0.operation.tap=nowhere")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "no tap 'nowhere'" in ended.stderr
    assert "hidden.0" in ended.stderr
    ledger = Ledger(workplace / "runs")
    assert not ledger.exists or not ledger.studies()
    assert not (workplace / "runs" / "optuna.sqlite").exists()
    assert not (workplace / "runs" / "mlflow.sqlite").exists()


def test_a_changed_study_is_refused_and_the_first_one_stays(first_run: tuple[Path, Ended], call: Call) -> None:
    folder, _ = first_run
    before = Ledger(folder / "runs").studies()

    ended = call("run", "tiny", "--set", "steps=50", "--home", str(folder / "runs"), "--no-tracking")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "base.steps was 40 and is 50" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert Ledger(folder / "runs").studies() == before


def metrics(home: Path) -> dict[object, dict[str, float]]:
    return {
        run.key: {name: value for name, value in run.metrics.items() if name != "cost/seconds"}
        for run in Ledger(home).runs("tiny")
    }


@pytest.mark.parametrize(
    "options",
    [
        ["--no-share"],
        ["--no-cache-features"],
        pytest.param(["--workers", "2"], marks=pytest.mark.slow),
        ["--keep", "0"],
    ],
    ids=lambda options: options[0],
)
def test_however_it_is_run_the_numbers_are_the_same(
    first_run: tuple[Path, Ended], call: Call, workplace: Path, options: list[str]
) -> None:
    ended = call("run", "tiny", "--no-tracking", *options)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert metrics(workplace / "runs") == metrics(first_run[0] / "runs")


def test_a_study_may_have_its_database_and_its_stages_elsewhere(
    first_run: tuple[Path, Ended], call: Call, workplace: Path
) -> None:
    ended = call("run", "tiny", "--store", "stages", "--no-tracking")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert metrics(workplace / "runs") == metrics(first_run[0] / "runs")
    assert not (workplace / "runs" / "store").exists()
    assert len(list((workplace / "stages").glob("*/*/*/state.safetensors"))) > 0
    again = call("reproduce", "tiny")
    assert (again.returncode, again.stderr) == (0, "")
    assert "PASS" in again.stdout


def test_the_ledger_keeps_how_the_study_was_called(first_run: tuple[Path, Ended]) -> None:
    assert Ledger(first_run[0] / "runs").origin("tiny") == StudyOrigin("tiny")


def test_a_registration_beside_the_study_is_named_with_the_command_that_repeats_it_here(
    call: Call, workplace: Path
) -> None:
    content = load_study(workplace / "studies" / "tiny" / "study.py").to_json()
    registration = workplace / "studies" / "tiny" / "registration.json"
    registration.write_text(json.dumps({"study": "tiny", "spec": content, "points": "ab" * 32}))

    for options, told in ([], ""), (["--home", "my runs", "--storage", "sqlite:///secret.sqlite"], " --storage URL"):
        ended = call("run", "tiny", "--dry-run", *options)

        home = " --home 'my runs'" if options else ""
        command = f"harness register tiny{home}{told} --points studies/tiny/registration.json"
        assert (ended.returncode, ended.stderr) == (
            0,
            f"harness: configurations are drawn anew; those of studies/tiny/registration.json come from: {command}\n",
        )
