"""`harness reproduce`: one run again, compared with its record bit for bit."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.core.errors import HarnessError, InputError

if TYPE_CHECKING:
    from harness.staging.ledger import Ledger, RunRecord

__all__ = ["reproduce"]


def reproduce(
    run: Annotated[
        str, typer.Argument(help="A run's id or its beginning, STUDY/TRIAL/ARM/SEED, or STUDY for any run of it.")
    ],
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Train a run again, alone and from step 0, and compare history and final weights bit for bit."""
    from harness.search.load import load_study
    from harness.staging.histories import store_folder
    from harness.staging.ledger import Ledger
    from harness.staging.reproduce import read_recorded
    from harness.staging.reproduce import reproduce as train_again
    from harness.staging.run import RunConfig
    from harness.training.determinism import make_deterministic

    ledger = Ledger(home, storage)
    record = _find(ledger, run)
    study = ledger.study(record.study)
    assert study is not None  # its run was found
    try:
        recorded = read_recorded(store_folder(home, study), record.stages)
    except ValueError as error:
        raise HarnessError(f"FAIL: {error}") from None
    if study.file and Path(study.file).is_file():
        load_study(Path(study.file))  # for the classes that it defines
    typer.echo(f"{record.study}: trial {record.trial} · {record.arm} · seed {record.seed} ({record.run_id})")
    make_deterministic()
    difference = train_again(RunConfig.model_validate(record.config), recorded, options.data_folder())
    if difference:
        raise HarnessError(f"FAIL at {difference}{_changed_code(record)}")
    weights = "history and final weights are" if recorded.state else "the history is"
    typer.echo(f"PASS: {weights} the same to the bit, {len(recorded.history):,} values in all")


def _find(ledger: "Ledger", wanted: str) -> "RunRecord":
    """Return the run that `wanted` names, or any run if it names a study."""
    studies = [study.name for study in ledger.studies()] if ledger.exists else []
    runs = [run for study in studies for run in ledger.runs(study) if run.status == "completed"]
    of_study = [run for run in runs if run.study == wanted]
    if of_study:
        return secrets.choice(of_study)
    named = [run for run in runs if f"{run.study}/{run.trial}/{run.arm}/{run.seed}" == wanted]
    found = named or [run for run in runs if run.run_id.startswith(wanted)]
    if len({run.run_id for run in found}) != 1:
        examples = [f", such as {run.run_id} or {run.study}/{run.trial}/{run.arm}/{run.seed}" for run in runs[:1]]
        raise InputError(f"expected a completed run{''.join(examples)}; found {len(found)} that {wanted!r} could mean")
    return found[0]


def _changed_code(record: "RunRecord") -> str:
    from harness.staging.run import RunConfig
    from harness.staging.stage_key import first_key

    config = RunConfig.model_validate(record.config)
    same = record.stages[0].key in (first_key(config), first_key(config, alone=True))
    return "" if same else "; the code, torch, or the machine's settings are not those that it was trained with"
