"""Loggers that survive libraries which configure logging for themselves."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["loggers_kept"]


@contextmanager
def loggers_kept() -> Iterator[None]:
    """Put every logger back: which are disabled, and the root logger's handlers and level.

    Optuna's database migrations read a logging configuration that disables all loggers that exist by then.
    """
    root = logging.getLogger()
    loggers = [entry for entry in root.manager.loggerDict.values() if isinstance(entry, logging.Logger)]
    disabled = [(logger, logger.disabled) for logger in loggers]
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        for logger, was in disabled:
            logger.disabled = was
        root.handlers[:] = handlers
        root.setLevel(level)
