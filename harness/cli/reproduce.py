"""`harness reproduce`: runs once more, compared with their records bit for bit."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.api.named_run import named_run
from harness.cli import options
from harness.cli.portable import AsRecorded, train_as_recorded
from harness.core.errors import HarnessError, InputError, SpecError
from harness.staging.run_name import run_name

if TYPE_CHECKING:
    from harness.staging.ledger import Ledger, RunRecord
    from harness.staging.run import RunConfig
    from harness.staging.workspace import Workspace

__all__ = ["reproduce"]


def reproduce(
    run: Annotated[
        str, typer.Argument(help="A run's id or its beginning, STUDY/TRIAL/ARM/SEED, or STUDY for any run of it.")
    ],
    runs: Annotated[int, typer.Option(min=1, help="How many runs of STUDY, as many under each arm.")] = 1,
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
    portable: AsRecorded = None,
    file: Annotated[
        Path | None, typer.Option("--study", help="The study's file, if it defines parts of its own and is not known.")
    ] = None,
) -> None:
    """Train a run again, alone and from step 0, and compare history and final weights bit for bit.

    What comes of it is recorded, and the study's next report says so. A run that differs under other code, torch or
    settings of the machine than it was trained with says nothing of the run, and is not recorded.
    """
    from harness.search.commit import commit_of
    from harness.search.find import find_study
    from harness.search.load import load_study
    from harness.training.determinism import make_deterministic

    workspace = options.open_workspace(home, storage)
    records = _chosen(workspace.ledger, run, runs)
    train_as_recorded(bool(records[0].machine.get("pinned")), portable)
    study = workspace.ledger.study(records[0].study)
    assert study is not None  # its runs were found
    if file:
        load_study(find_study(str(file)))
    elif study.file and Path(study.file).is_file():
        load_study(Path(study.file))  # for the classes that it defines
    make_deterministic()
    failures = []
    for record in records:
        typer.echo(f"{record.study}: {run_name(*record.key)} ({record.run_id}): ", nl=False)
        same, outcome = _retrained(workspace.of_study(study), record, commit_of(study.file))
        typer.echo(outcome)
        failures += [] if same else [outcome]
    if failures:
        counted = f"{len(failures)} of {len(records)} runs differ from their record; the first: "
        raise HarnessError(f"{counted if len(records) > 1 else ''}{failures[0]}")


def _retrained(workspace: "Workspace", record: "RunRecord", commit: str) -> tuple[bool, str]:
    """Train a run again and record the outcome; return whether it is the same, and the outcome in words.

    Raises:
        HarnessError: it cannot be trained here, which is not recorded.
    """
    from harness.staging.reproduce import read_recorded
    from harness.staging.reproduce import reproduce as compare_with_rerun
    from harness.staging.reproductions import save_reproduction

    try:
        recorded = read_recorded(workspace.stages, record.stages, test=record.opened_test)
    except ValueError as error:
        return False, f"FAIL: {error}"
    difference = compare_with_rerun(_config_of(record), recorded, workspace.data_folder) or ""
    changed = _changed_code(record, workspace) if difference else ""
    if not changed:
        save_reproduction(workspace.ledger.database, record, recorded.history, difference, commit)
    if difference:
        return False, f"FAIL at {difference}{changed}"
    weights = "history and final weights are" if recorded.snapshot else "the history is"
    return True, f"PASS: {weights} the same to the bit, {len(recorded.history):,} values in all"


def _config_of(record: "RunRecord") -> "RunConfig":
    """Return the configuration of a run. Raises `SpecError` if parts of it are of classes that are not known here."""
    from pydantic import ValidationError

    from harness.core.spec import explain
    from harness.staging.run import RunConfig

    try:
        return RunConfig.model_validate(record.config)
    except ValidationError as error:
        raise SpecError(
            f"cannot read the run's configuration: {explain(error)}. "
            "If the study defines parts of its own, name its file with --study"
        ) from None


def _chosen(ledger: "Ledger", wanted: str, amount: int) -> "list[RunRecord]":
    """Return the run that `wanted` names, or any `amount` runs, as many under each arm, if it names a study."""
    from harness.reporting.verification.sample import choose_runs
    from harness.staging.not_begun import not_begun

    if not ledger.exists or not ledger.studies():
        raise not_begun(None, ledger.database)
    of_study = {run.run_id: run for run in ledger.runs(wanted) if run.status == "completed"}
    if of_study:
        arms = [(run.arm, run.run_id) for run in of_study.values()]
        return [of_study[name] for name in choose_runs(arms, b"", secrets.token_hex(8), amount)]
    if amount > 1:
        raise InputError(f"expected a study with completed runs, to train {amount} of them again; found {wanted!r}")
    return [named_run(ledger, wanted)]


def _changed_code(record: "RunRecord", workspace: "Workspace") -> str:
    from harness.staging.runner import Runner
    from harness.staging.stage_key import first_key

    config = _config_of(record)
    data = Runner(workspace).data_digest(config)
    same = record.stages[0].key in (first_key(config, data=data), first_key(config, alone=True, data=data))
    what = "the data, the code" if data else "the code"
    return "" if same else f"; {what}, torch, or the machine's settings are not those that it was trained with"
