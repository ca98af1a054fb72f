"""`harness bench`: the project's own figures, and whether they meet their targets."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.benchmarks._base import AbstractBenchmark

__all__ = ["BENCHMARKS", "bench"]

BENCHMARKS = {
    "data": "DataBenchmark",
    "gpu": "GPUBenchmark",
    "growth": "GrowthBenchmark",
    "loop": "LoopBenchmark",
    "pack": "PackBenchmark",
    "report": "ReportBenchmark",
    "scale": "ScaleBenchmark",
    "share": "ShareBenchmark",
    "snapshots": "SnapshotsBenchmark",
    "statistics": "StatisticsBenchmark",
    "study": "StudyBenchmark",
    "tracking": "TrackingBenchmark",
}


def bench(
    name: Annotated[str, typer.Argument(help=", ".join(BENCHMARKS))],
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute, with more noise.")] = False,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there, too.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Write a report under reports/benchmarks/.")] = False,
) -> None:
    """Measure and print figures, each beside its target."""
    from rich.console import Console
    from rich.table import Table

    from harness.benchmarks.saving import as_table, save_json, save_report

    figures = []
    for figure in _benchmark(name).figures(quick=quick):
        figures.append(figure)
        if json_:
            save_json(figures, json_)  # after each, so that a benchmark that is stopped leaves what it measured
    table = Table("figure", "value", "target", "met")
    for row in as_table(figures):
        table.add_row(*row)
    Console().print(table)
    if save:
        typer.echo(f"Report:  {save_report(name, figures, Path('reports/benchmarks'), quick=quick) / 'README.md'}")


def _benchmark(name: str) -> "AbstractBenchmark":
    from harness.core.spec import did_you_mean

    if name not in BENCHMARKS:
        raise InputError(f"no benchmark {name!r}.{did_you_mean(name, BENCHMARKS)}")
    made: AbstractBenchmark = getattr(import_module(f"harness.benchmarks.{name}"), BENCHMARKS[name])()
    return made
