import pytest
import torch

from harness.core.errors import (
    DataError,
    DivergedError,
    HomeError,
    InterruptedRunError,
    KilledError,
    StageBusyError,
    StoreError,
    SurgeryError,
)
from harness.search.failure import failure_reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DivergedError("loss at step 3"), "diverged: loss at step 3"),
        (KilledError("4 processes died"), "killed: 4 processes died"),
        (MemoryError(), "out of memory: "),
        (torch.OutOfMemoryError("CUDA out of memory."), "out of memory: CUDA out of memory."),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "out of memory: DefaultCPUAllocator: can't allocate memory",
        ),
        (SystemExit(3), "called sys.exit(3)"),
        (SurgeryError("no such tap"), "raised no such tap"),
        (RuntimeError("two\nlines"), "raised RuntimeError: two lines"),
    ],
)
def test_what_a_run_does_is_its_outcome(error: BaseException, reason: str) -> None:
    assert (failure_reason(error) or "").startswith(reason)


def test_an_error_of_foreign_code_is_named_with_its_line() -> None:
    try:
        raise ValueError("no luck")
    except ValueError as error:
        reason = failure_reason(error)

    assert reason is not None
    assert reason.startswith("raised ValueError: no luck (test_failure.py, line ")


@pytest.mark.parametrize(
    "error",
    [
        *[DataError("x"), HomeError("x"), InterruptedRunError("x"), StageBusyError("x"), StoreError("x")],
        KeyboardInterrupt(),
    ],
)
def test_what_every_other_run_would_meet_is_not(error: BaseException) -> None:
    assert failure_reason(error) is None
