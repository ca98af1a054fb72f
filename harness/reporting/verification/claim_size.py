"""How large a report's claim is, by which one tells whether what another machine changes could matter to it."""

import math
from dataclasses import dataclass

from harness.reporting.analysis.pairing import primary_comparison
from harness.reporting.analysis.tuned import confirmed
from harness.reporting.data.study_data import StudyData
from harness.reporting.verification.retrained_metrics import MetricDifference

__all__ = ["PART", "ClaimSize", "claim_size"]

# Were every run of one arm off by a twentieth and of the other by as much the other way, the difference between the
# arms would move by a tenth.
PART = 0.05


@dataclass(frozen=True)
class ClaimSize:
    """The smallest difference that the verdict rests on.

    Attributes:
        size: in the stored unit of the metric that decides; NaN where nothing is claimed.
        what: it is.
    """

    size: float = math.nan
    what: str = ""

    def covers(self, apart: MetricDifference) -> bool:
        """Whether a run that is so far off leaves the claim as it is; never, where nothing is known of the claim."""
        return abs(apart.recorded - apart.found) <= PART * self.size

    def __call__(self, apart: MetricDifference) -> str:
        """Say how large a difference is against the claim."""
        off = abs(apart.recorded - apart.found)
        if math.isnan(off) or not self.size > 0:
            return ""
        return f"{apart.name} is {off:.1e} apart, {off / self.size:.2g} of {self.what}, {self.size:.2g}"


def claim_size(data: StudyData) -> ClaimSize:
    """Return the smaller of the smallest effect that matters and half of the interval's width, as far as there are."""
    compared = confirmed(data)
    interval = primary_comparison(compared).mean.interval
    sizes = [ClaimSize(float(data.study.spec.smallest_effect), "the smallest effect that matters")]
    if interval:
        sizes.append(ClaimSize((interval.high - interval.low) / 2, "half of the interval's width"))
    return min((one for one in sizes if one.size > 0), key=lambda one: one.size, default=ClaimSize())
