"""Secondary endpoints: the same paired comparison on other metrics, with p values that bear their number."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.statistics import holm

__all__ = ["Endpoint", "secondary_endpoints"]

ALPHA = 0.05


@dataclass(frozen=True)
class Endpoint:
    """One secondary endpoint.

    Attributes:
        comparison: on the endpoint's metric; its interval is the 95 % interval of this endpoint alone.
        p_adjusted: Holm's, over all declared endpoints; NaN below five configurations.
    """

    comparison: Comparison
    p_adjusted: float

    @property
    def differs(self) -> bool:
        """Whether the arms differ, with at most a 5 % chance that any endpoint of the family is called so wrongly."""
        return self.p_adjusted <= ALPHA


def secondary_endpoints(runs: pd.DataFrame, first: str, second: str, metrics: Sequence[str]) -> tuple[Endpoint, ...]:
    """Compare two arms on each of the declared `metrics`.

    A metric that is named twice counts once. Diverged runs are left out: most endpoints have no value for them.
    """
    comparisons = [compare(runs, first, second, metric) for metric in dict.fromkeys(metrics)]
    adjusted = holm([comparison.mean.p for comparison in comparisons])
    return tuple(Endpoint(comparison, p) for comparison, p in zip(comparisons, adjusted, strict=True))
