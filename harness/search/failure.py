"""Why a run failed: errors that are an outcome of the run, apart from those that stop the launch."""

import traceback
from pathlib import Path

import torch

from harness.core.errors import (
    DataError,
    DivergedError,
    HarnessError,
    HomeError,
    InterruptedRunError,
    KilledError,
    StageBusyError,
    StoreError,
)
from harness.core.own_place import own_place

__all__ = ["failure_reason"]

# Any other run would meet the same error.
STOPS_THE_LAUNCH = (DataError, HomeError, InterruptedRunError, KeyboardInterrupt, StageBusyError, StoreError)
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")  # how torch says it on a CPU


def failure_reason(error: BaseException) -> str | None:
    """Return why a run that raised `error` failed, in one line; None if that is not an outcome of the run."""
    if isinstance(error, STOPS_THE_LAUNCH):
        return None
    message = " ".join(str(error).split())
    if isinstance(error, DivergedError):
        return f"diverged: {message}"
    if isinstance(error, KilledError):
        return f"killed: {message}"
    if _is_out_of_memory(error):
        return f"out of memory: {message}"
    if isinstance(error, SystemExit):
        return f"called sys.exit({error.code!r})"
    kind = "" if isinstance(error, HarnessError) else f"{type(error).__name__}: "
    return f"raised {kind}{message}{_location(error)}"


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)


def _location(error: BaseException) -> str:
    """Return the file and line of the user's own code that raised, or of a library's; not for this project's errors."""
    trace = traceback.extract_tb(error.__traceback__)
    if isinstance(error, HarnessError) or not trace:
        return ""
    file, line = own_place(error) or (Path(trace[-1].filename), trace[-1].lineno)
    return f" ({file.name}, line {line})"
