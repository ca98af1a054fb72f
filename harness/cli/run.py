"""`harness run`: a study, from wherever it was left to its report."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from harness.cli.options import Home, data_folder

if TYPE_CHECKING:
    from harness.search.study import Study
    from harness.staging.ledger import StudyRecord
    from harness.tracking import AbstractTracker

__all__ = ["run"]


def run(
    study: Annotated[str, typer.Argument(help="A name under studies/, or the path of a study's folder or file.")],
    trials: Annotated[int | None, typer.Option(min=1, help="Configurations, if not the study's own number.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds, if not the study's own number.")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where to train.")] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"] | None, typer.Option(help="Of forward passes.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B.C=VALUE", help="Change a field of the base run; may be repeated."),
    ] = None,
    as_: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Run the study under another name.")] = None,
    home: Home = Path("runs"),
) -> None:
    """Run a study, continuing it if it was begun, and write its report."""
    from harness.core.spec import parse_assignments

    changes = parse_assignments(set_ or [])
    changes |= {name: value for name, value in [("device", device), ("precision", precision)] if value}
    _launch(_load(study, changes, as_), home, trials, seeds, source=(study, set_ or []))


def _load(name: str, changes: dict[str, Any], other_name: str | None) -> "Study":
    from harness.search.find import find_study
    from harness.search.load import load_study

    return load_study(find_study(name)).changed(changes, name=other_name)


def _launch(
    study: "Study", home: Path, trials: int | None, seeds: int | None, *, source: tuple[str, list[str]]
) -> None:
    from rich.console import Console

    from harness.cli.progress import ProgressView
    from harness.search.launch import check_study, launch
    from harness.staging.ledger import Ledger, StudyOrigin
    from harness.staging.runner import Runner
    from harness.staging.store import Store
    from harness.tracking.location import default_tracking_uri
    from harness.tracking.mlflow import MlflowTracker
    from harness.training.determinism import make_deterministic

    ledger = Ledger(home)
    make_deterministic()
    runner = Runner(Store(home / "store", ledger), data_folder())
    check_study(study, runner)
    ledger.create()
    ledger.save_origin(study.name, StudyOrigin(_without_home(source[0]), tuple(source[1])))
    tracker = MlflowTracker(default_tracking_uri(home))
    with ProgressView(Console(), study.metric) as view:
        record = launch(study, home, runner=runner, tracker=tracker, observer=view, trials=trials, seeds=seeds)
    _conclude(record, home, tracker)


def _without_home(source: str) -> str:
    """Return the name or path of a study as it may be published: relative, whoever's folder it lies in."""
    path = Path(source)
    if not path.is_absolute():
        return source
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.parent.name if path.suffix else path.name


def _conclude(record: "StudyRecord", home: Path, tracker: "AbstractTracker") -> None:
    from harness.reporting.report import write_report
    from harness.search.launch import delayed_if_unreachable

    name = record.name
    report = write_report(home, name, home / "reports" / name)
    with delayed_if_unreachable():
        tracker.end_study(record, report.verdict)
    typer.echo(f"\n{report.verdict}\n")
    typer.echo(f"Report:            {report.folder / 'report.html'}")
    option = "" if home == Path("runs") else f" --home {shlex.quote(str(home))}"
    typer.echo(f"Compare the runs:  harness ui {name}{option}")
