"""What cells of several tables have in common."""

import numpy as np
import pandas as pd

from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import NOTHING

__all__ = ["interval_of", "mean_of", "sd_of"]


def mean_of(values: pd.Series) -> float:
    """Return the mean, NaN of nothing."""
    return float(values.mean()) if len(values) else np.nan


def sd_of(values: pd.Series) -> float:
    """Return the standard deviation, NaN of fewer than two values."""
    return float(values.std()) if len(values) > 1 else np.nan


def interval_of(measure: Measure, low: float, high: float) -> str:
    """Write an interval of differences; a dash where there is none."""
    return f"{measure.difference(low)} to {measure.difference(high)}" if np.isfinite(low) else NOTHING
