"""Going on after the database's server went away and came back."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from harness.core.errors import AwayError

__all__ = ["retry_on_disconnect"]

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 10
PAUSE_S = 1.0  # a server that has just come back may break off the next transaction, too


def retry_on_disconnect(action: Callable[[], T]) -> T:
    """Return what `action` returns; call it again, to go on from what is stored, if a server breaks it off.

    Raises:
        AwayError: the server broke off every attempt.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return action()
        except AwayError as error:
            log.warning("%s; going on from what is stored", error)
            time.sleep(PAUSE_S)
    return action()
