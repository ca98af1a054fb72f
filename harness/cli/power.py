"""`harness power`: how many configurations and seeds a study needs, by what its first runs have shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.core.seed_layout import LAYOUTS, SeedLayout

if TYPE_CHECKING:
    from harness.reporting.analysis.sample_size import SampleSize

__all__ = ["power"]


def power(
    study: Annotated[str, typer.Argument(help="A study that was begun in this home; its runs are the pilot.")],
    effect: Annotated[
        float | None,
        typer.Option(help="The difference to find, as the metric is stored: 0.01 is one percentage point of accuracy."),
    ] = None,
    layout: Annotated[
        SeedLayout | None, typer.Option(help="Which seeds configurations have; by default as in the study.")
    ] = None,
    power: Annotated[float, typer.Option(help="The chance with which to find it.")] = 0.8,
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Say how many configurations and seeds would answer a study's question."""
    from rich.console import Console
    from rich.table import Table

    from harness.reporting.analysis.sample_size import sample_size_of
    from harness.reporting.data.collect import collect

    pilot = collect(options.open_workspace(home, storage), study)
    needed = sample_size_of(pilot, effect=effect, power=power, layout=layout)
    typer.echo(_pilot(needed))
    table = Table("seeds", "configurations", "cautiously", "runs, cautiously", "to show equivalence")
    for option in needed.options:
        numbers = (option.configurations, option.cautious, option.runs, option.equivalence)
        table.add_row(str(option.seeds), *("> 10,000" if number is None else f"{number:,}" for number in numbers))
    Console().print(table)
    typer.echo(_advice(needed, study, other_layout=layout))


def _pilot(needed: "SampleSize") -> str:
    from harness.reporting.data.wording import count

    comparison, measure, spread = needed.comparison, needed.measure, needed.spread
    lines = [
        f"Pilot: {count(spread.units, 'configuration')}, {spread.seeds:.3g} seeds each; {comparison.first} minus "
        f"{comparison.second} in {measure.title}.",
        f"The difference varies by {measure.size(spread.between)} (SD) between configurations"
        + (f", and by {measure.size(spread.within)} between seeds." if spread.within >= 0 else ", seed noise included.")
        + (f" {measure.size(spread.alike)} of it a seed does to all alike." if spread.alike > 0 else ""),
    ]
    if needed.detectable is not None:
        lines.append(f"The pilot itself finds {measure.size(needed.detectable)} with a chance of {needed.power:.0%}.")
    wanted = f"To find {measure.size(needed.effect)} with a chance of {needed.power:.0%}"
    nothing = f"or to show that there is less than that if there is nothing, with {LAYOUTS[needed.layout]}:"
    return "\n".join([*lines, f"{wanted}, {nothing}"])


def _advice(needed: "SampleSize", study: str, *, other_layout: SeedLayout | None) -> str:
    cheapest = needed.cheapest
    lines = [f"Cautiously: if the spread is {needed.spread.caution:.2g} times what so small a pilot shows."]
    if cheapest is None:
        shared = needed.layout != "own"
        other = "ask for --layout own, or " if shared else ""
        lines.append(f"No number of configurations up to 10,000 is enough; {other}look for a larger effect.")
    elif cheapest.cautious is not None and cheapest.cautious <= needed.spread.units:
        lines.append(f"The pilot is large enough already:  harness report {study}")
    else:
        lines.append(f"Fewest runs:  harness run {study} --trials {cheapest.cautious} --seeds {cheapest.seeds}")
        if other_layout:
            lines.append(f"That holds with design=Paired(seeds={other_layout!r}) in the study's file.")
    return "\n".join([*lines, "Decide before you run: a study that ends once its verdict pleases is wrong too often."])
