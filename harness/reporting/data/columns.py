"""The columns that runs have beside their metrics, and the value of a searched field that does not exist.

Reports hold them, so that a column keeps its name even where the code has a better word by now.
"""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

__all__ = [
    "ABSENT",
    "DIFFERS",
    "FIXED",
    "FROZEN_AFTER",
    "FROZEN_BEFORE",
    "MACHINE",
    "PARAM",
    "PROOFS",
    "RECORD",
    "RECORD_REST",
    "REPRODUCED",
    "RUN",
    "SAME",
    "SPEC_DIGEST",
    "TEST_SET_ACCESSES",
    "TRUNK_FLOPS",
    "TRUNK_SECONDS",
    "column_of",
    "is_absent",
]

PARAM = "param/"
RUN = ["trial", "arm", "seed"]  # names a run; where configurations come to the same, ids do not
ABSENT = math.nan  # stands where a dimension does not exist; no searched value is NaN, and a dash is written for it
FIXED = ("trial", "arm", "seed", "run_id", "status", "reason", "fork", "growth_step", "parameters_added")
TRUNK_SECONDS = "seconds_to_growth"  # how long training took before the first growth; older reports lack it
TRUNK_FLOPS = "flops_to_growth"  # likewise the operations
PROOFS = ("history_sha256", "curves_sha256", "final_sha256", "config")
# SHA-256 over all frozen tensors, buffers among them, when they were frozen and at the end; empty if none were.
FROZEN_BEFORE, FROZEN_AFTER = "frozen_before_sha256", "frozen_after_sha256"
TEST_SET_ACCESSES = "test_openings"  # how often the run was shown the test split
SPEC_DIGEST = "plan_sha256"  # what `spec_digest` gave when the run began
# SHA-256 over the run's record in the ledger, and over that part of it which the report does not hold.
RECORD, RECORD_REST = "record_sha256", "record_rest_sha256"
REPRODUCED = "reproduced"  # whether the run was trained again, and came out the same or not; empty if it was not
MACHINE = "machine"  # what the run was trained with, as canonical JSON; older reports lack it
SAME, DIFFERS = "same", "differs"


def is_absent(value: Any) -> bool:
    """Return whether a searched value is none, because its dimension does not exist there."""
    return isinstance(value, float) and math.isnan(value)


def column_of(values: Sequence[Any]) -> Any:
    """Return searched values as a column in which a whole number stays one beside `ABSENT`."""
    return pd.Series(values, dtype=object) if any(map(is_absent, values)) else values
