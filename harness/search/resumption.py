"""Going on after the database's server went away and came back."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from harness.core.errors import AwayError

__all__ = ["resumed"]

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 10
LOOK_AGAIN_S = 1.0


def resumed(action: Callable[[], T]) -> T:
    """Return what `action` returns; it goes on from what is stored whenever a server breaks a transaction off.

    Raises:
        AwayError: the server broke off one transaction after the other.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return action()
        except AwayError as error:
            log.warning("%s; going on from what is stored", error)
            time.sleep(LOOK_AGAIN_S)
    return action()
