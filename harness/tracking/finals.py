"""A run's final results as metrics of their own: few, and each on its own a column to sort by."""

import math
from collections.abc import Mapping

from harness.core.history import History

__all__ = ["FINAL", "finals"]

FINAL = "final"
PLAIN = ("growth/", "cost/")  # what a column needs no prefix for


def finals(metric: str, results: Mapping[str, float], history: History) -> dict[str, float]:
    """Return the study's metric and the finite results that end no curve, each under `final/`.

    They are shown at step 0, where the MLflow UI draws bars; in a curve of the same name that would be a wrong point.

    >>> finals("accuracy/all", {"test/accuracy/all": 0.9, "test/forgetting": 0.1, "cost/seconds": 8.0}, History())
    {'final/test_accuracy_all': 0.9, 'final/test_forgetting': 0.1, 'final/seconds': 8.0}
    """
    ends = history.latest()
    main = {f"{split}/{metric}" for split in ("test", "val")}
    return {
        f"{FINAL}/{_plain(name)}": value
        for name, value in results.items()
        if math.isfinite(value) and (name in main or ends.get(name) != value or name.startswith(PLAIN))
    }


def _plain(name: str) -> str:
    for prefix in PLAIN:
        name = name.removeprefix(prefix)
    return name.replace("/", "_")
