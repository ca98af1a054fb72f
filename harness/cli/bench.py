"""`harness bench`: the project's own figures, and whether they meet their targets."""

from pathlib import Path
from typing import Annotated

import typer

from harness.core.errors import InputError

__all__ = ["bench"]


def bench(
    name: Annotated[str, typer.Argument(help="growth or tracking")],
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute, with more noise.")] = False,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there, too.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Write a report under reports/benchmarks/.")] = False,
) -> None:
    """Measure and print figures, each beside its target."""
    from rich.console import Console
    from rich.table import Table

    from harness.benchmarks._base import AbstractBenchmark
    from harness.benchmarks.growth import GrowthBenchmark
    from harness.benchmarks.saving import as_table, save_json, save_report
    from harness.benchmarks.tracking import TrackingBenchmark
    from harness.core.spec import did_you_mean

    benchmarks: dict[str, type[AbstractBenchmark]] = {"growth": GrowthBenchmark, "tracking": TrackingBenchmark}
    if name not in benchmarks:
        raise InputError(f"no benchmark {name!r}.{did_you_mean(name, benchmarks)}")
    figures = benchmarks[name]().measure(quick=quick)
    table = Table("figure", "value", "target", "met")
    for row in as_table(figures):
        table.add_row(*row)
    Console().print(table)
    if json_:
        save_json(figures, json_)
    if save:
        typer.echo(f"Report:  {save_report(name, figures, Path('reports/benchmarks'), quick=quick) / 'README.md'}")
