import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.reporting.data.collect import collect
from harness.reporting.data.ledger_account import LedgerAccount
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.reproduce_script import commands, script
from harness.staging.ledger import Ledger, StudyOrigin
from harness.staging.registration import Registration
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]


def test_the_commands_have_everything_that_was_different(make_home: MakeHome) -> None:
    home = make_home(trials=2, seeds=1)
    Ledger(home).save_origin("freeze-or-not", StudyOrigin("freezing", ("steps=50", "a.b=$(reboot); x")))

    found = commands(collect(Workspace(home), "freeze-or-not"))

    assert found == [
        "harness run freezing --set steps=50 --set 'a.b=$(reboot); x' --device cpu --precision bf16 --trials 2 "
        "--seeds 1 --as freeze-or-not",
        "harness report freeze-or-not --out freeze-or-not",
        "harness verify freeze-or-not",
    ]


def test_a_study_under_its_own_name_needs_no_other(finished_data: StudyData) -> None:
    assert "--as" not in commands(finished_data)[0]


def test_runs_with_pinned_instruction_sets_are_trained_with_them_again(finished_data: StudyData) -> None:
    pinned = replace(finished_data, runs=finished_data.runs.assign(machine='{"pinned":true}'))

    assert commands(pinned)[0] == f"{commands(finished_data)[0]} --portable"


def test_the_script_is_one_that_a_shell_can_read(finished_data: StudyData) -> None:
    content = script(finished_data)

    assert subprocess.run(["/bin/sh", "-n"], input=content, check=False).returncode == 0


def test_what_was_registered_is_registered_again_and_what_was_run_is_run(finished_data: StudyData) -> None:
    study = replace(finished_data.study, spec=StudySpec({**finished_data.study.spec, "points": "ab" * 32}))
    ledger = LedgerAccount("", registration=Registration({"trials": 5, "seeds": 1}, 0.0))

    register, run = commands(replace(finished_data, study=study, ledger=ledger))[:2]

    assert (register.split()[1], "--trials 5 --seeds 1" in register) == ("register", True)
    assert (run.split()[1], "--trials 6 --seeds 2" in run) == ("run", True)
