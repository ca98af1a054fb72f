"""Single figures and tables of a report, made when somebody asks for one."""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from harness.core.errors import InputError
from harness.core.spec import did_you_mean
from harness.reporting import figures, tables
from harness.reporting.collection import uncollected
from harness.reporting.context import ReportContext
from harness.reporting.figures._base import ReportFigure
from harness.reporting.tables._base import ReportTable

__all__ = ["FIGURES", "TABLES", "make_figure", "make_table"]

SAID = {"forest": "paired_differences"}  # how people call a figure


def _leaves(package: ModuleType) -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


FIGURES, TABLES = _leaves(figures), _leaves(tables)


def make_figure(context: ReportContext, name: str) -> ReportFigure:
    """Return the figure `name`, one of `FIGURES`, or `forest`.

    Raises:
        InputError: there is none of that name, or nothing to draw.
    """
    name = SAID.get(name, name)
    _check("figure", name, FIGURES)
    with uncollected():
        made: ReportFigure | None = _make(figures, name, "figure")(context)
    if made is None:
        raise InputError(f"expected results that the figure {name!r} can show, found none in this study")
    return made


def make_table(context: ReportContext, name: str) -> ReportTable:
    """Return the table `name`, one of `TABLES`.

    Raises:
        InputError: there is none of that name, or it has no rows.
    """
    _check("table", name, TABLES)
    made: ReportTable | None = _make(tables, name, "table")(context)
    if made is None or not made.rows:
        raise InputError(f"expected results that the table {name!r} can list, found none in this study")
    return made


@cache
def _make(package: ModuleType, name: str, what: str) -> Any:
    return getattr(import_module(f"{package.__name__}.{name}"), f"{name}_{what}")


def _check(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise InputError(f"no {what} {name!r}.{did_you_mean(name, known)}")
