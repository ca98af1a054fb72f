"""A run's final results as metrics of their own, so that each is a column of the table of runs."""

import math
from collections.abc import Mapping

from harness.core.history import History

__all__ = ["FINAL", "final_key", "finals"]

FINAL = "final"
TOTALS = ("growth/", "cost/")  # of the whole run, which no curve has


def finals(metric: str, results: Mapping[str, float], history: History) -> dict[str, float]:
    """Return the study's metric and the finite results that end no curve, each under `final/`.

    They are at step 0, where the MLflow UI draws them as bars; among the points of a curve, step 0 would be wrong.

    >>> finals("accuracy/all", {"test/accuracy/all": 0.9, "val/accuracy/all": 0.8, "cost/seconds": 8.0}, History())
    {'final/accuracy_all': 0.9, 'final/accuracy_all_val': 0.8, 'final/seconds': 8.0}
    """
    ends = history.latest()
    main = {f"{split}/{metric}" for split in ("test", "val")}
    return {
        final_key(name): value
        for name, value in results.items()
        if math.isfinite(value) and (name in main or ends.get(name) != value or name.startswith(TOTALS))
    }


def final_key(name: str) -> str:
    """Return the key of a final result; results on test data have no suffix, as they are the ones that count."""
    split, _, rest = name.partition("/")
    plain = {"test": rest, "val": f"{rest}_val", "growth": rest, "cost": rest}.get(split, name)
    return f"{FINAL}/{plain.replace('/', '_')}"
