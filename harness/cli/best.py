"""`harness best`: the best configurations of a study, and a study file of one alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.search.best import Configuration
    from harness.search.study import Study

__all__ = ["best"]


def best(
    study: Annotated[str, typer.Argument(help="A study that was begun in this home.")],
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a study file that runs this configuration alone.")
    ] = None,
    trial: Annotated[
        int | None, typer.Option(metavar="N", help="Show and export this configuration instead of the best.")
    ] = None,
    arm: Annotated[
        str | None, typer.Option(metavar="ARM", help="Of a study that tunes each arm: show the best of this one.")
    ] = None,
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Show the configuration with the best validation metric, with the value of each arm, and the Pareto front."""
    from harness.search.best import best_of, configuration_of, ended_configurations, exported, front_of
    from harness.search.load import load_begun
    from harness.staging.not_begun import not_begun

    ledger = options.open_workspace(home, storage).ledger
    record = ledger.study(study) if ledger.exists else None
    if record is None:
        raise not_begun(study, home, [known.name for known in ledger.studies()] if ledger.exists else [])
    loaded = load_begun(record)
    ended = ended_configurations(loaded, record, ledger.runs(study))
    if loaded.design.confirms:
        ended = _under(arm or next(iter(loaded.arms)), loaded, ended)
    elif arm:
        raise InputError(f"--arm: expected a study that tunes each arm on its own, found {study!r}; leave it out")
    chosen = best_of(loaded, ended) if trial is None else configuration_of(trial, ended)
    if export:
        _write(export, exported(loaded, chosen, record))
    lines = list(_described(loaded, chosen))
    if loaded.objectives:
        lines += _front(loaded, front_of(loaded, ended), len(ended))
    typer.echo("\n".join(lines))
    if export:
        typer.echo(f"Run it alone:  harness run {export}")


def _under(arm: str, study: "Study", ended: "Sequence[Configuration]") -> "list[Configuration]":
    if arm not in study.arms:
        from harness.core.spec import did_you_mean

        raise InputError(f"--arm: no arm {arm!r}.{did_you_mean(arm, study.arms)}")
    return [configuration for configuration in ended if arm in configuration.arms]


def _described(study: "Study", chosen: "Configuration") -> Iterator[str]:
    weighed = zip(study.objective_directions.items(), chosen.values, strict=True)
    values = ", ".join(f"{name} {_number(value)}, to {direction}" for (name, direction), value in weighed)
    yield f"{study.name}: trial {chosen.trial}, {values}"
    for name, value in chosen.params.items():
        yield f"  {name} = {value}  ({study.space[name].field})"
    for arm, value in chosen.arms.items():
        yield f"  arm {arm}: {value:.4f}"
    if chosen.failed:
        yield f"  {chosen.failed} of its runs failed"


def _front(study: "Study", front: "Sequence[Configuration]", ended: int) -> Iterator[str]:
    yield f"Pareto front of {', '.join(study.objective_directions)}: {len(front)} of {ended} configurations"
    for configuration in front:
        values = "  ".join(_number(value) for value in configuration.values)
        params = ", ".join(f"{name} = {value}" for name, value in configuration.params.items()) or "the base run"
        yield f"  trial {configuration.trial}:  {values}  {params}"


def _number(value: float) -> str:
    """Write counts whole and anything else with four decimals.

    >>> _number(0.91234), _number(1250.0), _number(0.0)
    ('0.9123', '1,250', '0')
    """
    return f"{value:,.0f}" if value.is_integer() and value != 1 else f"{value:,.4f}"


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"expected no file at {file}, found one; name another with --export") from None
    except OSError as error:
        raise InputError(f"cannot write {file} ({error.strerror}); name another with --export") from None
