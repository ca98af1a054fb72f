"""A result that others have published, which a study tries to meet."""

from pydantic import FiniteFloat, PositiveFloat

from harness.core.spec import Spec

__all__ = ["Published"]


class Published(Spec):
    """Mean and standard deviation over runs, as printed.

    Attributes:
        arm: which of the study's arms does the same.
        metric: without the split, as `Study.metric`; on test data.
        mean: in the metric's own units, so a fraction for an accuracy.
        std: of single runs.
        source: authors, year and where it stands, such as an arXiv number. If it also names the number of runs, as
            "10 runs", a report compares the means by the standard error of their difference, else by `std`.
    """

    arm: str
    metric: str
    mean: FiniteFloat
    std: PositiveFloat
    source: str
