"""A run that was trained again on a machine of another kind: what differs there is rounding, as long as it is small."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from harness.core.machine_kind import kind_differences
from harness.reporting.data.columns import MACHINE
from harness.reporting.data.instruction_sets import were_pinned
from harness.reporting.publication.report_folder import read_report
from harness.reporting.publication.source_files import read_data
from harness.reporting.verification.claim_size import PART, ClaimSize
from harness.reporting.verification.retrained_metrics import TOLERANCE, MetricDifference

__all__ = ["Deviation", "in_what", "judged_elsewhere", "largest_deviation", "machine_differences", "was_pinned"]

POINT = ["name", "grown", "step"]
FOLLOWS = 0.01  # of a metric's deviation, that curves show at least where training went another way


@dataclass(frozen=True)
class Deviation:
    """How far a run that was trained again is from its record.

    Attributes:
        size: of the largest difference, relative beyond one and absolute below; infinite where one has no value.
        where: it is.
        equal: whether every metric is equal.
    """

    size: float
    where: str
    equal: bool

    @property
    def is_rounding(self) -> bool:
        """Whether rounding explains it."""
        return self.size <= TOLERANCE

    def __str__(self) -> str:
        metrics = "every metric is equal" if self.equal else "metrics differ"
        return f"trained with other kernels: {metrics}, the largest deviation is {self.size:.1e}, {self.where}"


def machine_differences(
    row: Mapping[str, Any], found: Mapping[str, Any], environment_differences: Sequence[str]
) -> list[str]:
    """Say in what the machine of a run differs from the one `found`.

    Of a run that has no record of its machine, the processor is known with which the report was written.
    """
    recorded = json.loads(row[MACHINE]) if isinstance(row.get(MACHINE), str) else {}
    if recorded and found:
        return kind_differences(recorded, found)
    return [difference for difference in environment_differences if difference.startswith("processor ")]


def in_what(differences: Sequence[str]) -> str:
    """Name the things in which two machines differ."""
    return ", ".join(difference.partition(" ")[0] for difference in differences)


def was_pinned(folder: Path) -> bool:
    """Return whether the instruction sets of a report's runs were pinned."""
    return were_pinned(read_data(read_report(folder)).runs)


def largest_deviation(recorded: pd.DataFrame, found: pd.DataFrame, metrics: Sequence[MetricDifference]) -> Deviation:
    """Return the largest difference of two runs' curves, and of the `metrics` that differ."""
    apart = [(_distance(one.recorded, one.found), str(one)) for one in metrics]
    sides = [frame.astype({"name": "str"})[[*POINT, "value"]] for frame in (recorded, found)]
    sides = [side.assign(place=side.groupby(POINT).cumcount()) for side in sides]
    both = sides[0].merge(sides[1], on=[*POINT, "place"], how="outer", suffixes=("_recorded", "_found"))
    old, new = (both[f"value_{side}"].to_numpy(np.float64) for side in ("recorded", "found"))
    sizes = np.nan_to_num(np.abs(new - old) / np.maximum(1.0, np.abs(old)), nan=np.inf)
    sizes[np.isnan(old) & np.isnan(new)] = 0.0
    if len(sizes):
        worst = both.iloc[int(sizes.argmax())]
        apart.append((float(sizes.max()), f"{worst['name']} at step {worst['step']}"))
    size, where = max(apart, default=(0.0, "in the final weights"))
    return Deviation(size, where if size else "in the final weights or between evaluations", not metrics)


def judged_elsewhere(
    recorded: pd.DataFrame,
    found: pd.DataFrame,
    metrics: Sequence[MetricDifference],
    decides: MetricDifference | None,
    claim: ClaimSize,
) -> tuple[Literal["PASS-TOLERANCE", "FAIL", "CANNOT-RUN"], str]:
    """Judge a run that another machine trained, whose curves are `recorded` and `found`; return outcome and reason.

    Rounding passes that leaves the `claim` as it is. A metric that `decides` by more, where the curves hardly moved, is
    none that training gave.
    """
    deviation = largest_deviation(recorded, found, metrics)
    against = claim(decides) if decides else ""
    said = f"{deviation}; {against}" if against else str(deviation)
    if decides and not claim.covers(decides):
        curves = largest_deviation(recorded, found, [])
        if curves.size < FOLLOWS * _distance(decides.recorded, decides.found):
            return "FAIL", f"{said}: more than rounding, since no curve is more than {curves.size:.1e} apart"
        return "CANNOT-RUN", f"{said}: too much to tell, {PART:.0%} would pass"
    return ("PASS-TOLERANCE" if deviation.is_rounding else "CANNOT-RUN"), said


def _distance(one: float, other: float) -> float:
    if math.isnan(one) or math.isnan(other):
        return math.inf
    return abs(one - other) / max(1.0, abs(one))
