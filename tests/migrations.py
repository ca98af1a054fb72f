"""Optuna's own migrations, which it reads at each launch: that takes longer than to train a tiny run."""

from collections.abc import Callable
from importlib import import_module

Patch = Callable[[object, str, object], None]


def read_migrations_once(patch: Patch = setattr) -> None:
    """Let Optuna read its migrations once."""
    manager, known = import_module("optuna.storages._rdb.storage")._VersionManager, list[object]()
    read = manager._create_alembic_script

    def once(self: object) -> object:
        known.extend([] if known else [read(self)])
        return known[0]

    patch(manager, "_create_alembic_script", once)
