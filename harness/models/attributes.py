"""The attributes of a network's modules, remembered so that they can be put back."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

__all__ = ["Table", "put_back", "remember_attributes", "remember_tables", "same_attributes"]

TABLES = (dict, OrderedDict, defaultdict)
Table = tuple[Any, Any]


def remember_attributes(model: nn.Module) -> Callable[[], None]:
    """Return a function that gives all modules of `model` the attributes that they have now.

    Tables, lists and sets are put back as the same objects with the same entries: others may hold them, as the handle
    of a hook holds the table of hooks.
    """
    found = [table for module in model.modules() for table in remember_tables(vars(module))]
    return lambda: put_back(found)


@contextmanager
def same_attributes(model: nn.Module) -> Iterator[None]:
    """Put the attributes of all modules of `model` back after the block, in which some may keep what they compute."""
    restore = remember_attributes(model)
    try:
        yield
    finally:
        restore()


def remember_tables(owner: dict[str, Any]) -> list[Table]:
    """Return a table of attributes, and those among its values, each with its entries."""
    inner = [value for value in owner.values() if type(value) in (*TABLES, list, set)]
    return [(owner, dict(owner)), *((value, _entries(value)) for value in inner)]


def put_back(tables: Iterable[Table]) -> None:
    """Give all tables their entries back."""
    for table, entries in tables:
        if isinstance(table, list):
            table[:] = entries
        else:
            table.clear()
            table.update(entries)


def _entries(table: Any) -> Any:
    return dict(table) if type(table) in TABLES else table.copy()
