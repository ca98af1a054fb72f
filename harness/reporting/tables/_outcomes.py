"""Which outcomes tables list."""

import numpy as np

from harness.reporting.data.study_data import StudyData

__all__ = ["outcome_metrics"]

OUTCOMES = ("known_before_growth", "known_after_growth", "forgetting")
ANSWERS = ("test/accuracy/", "test/rmse/", "test/mae/", "test/accuracy_within/mean", "test/accuracy_by_arrival/mean")
COSTS = ("cost/seconds", "cost/flops", "cost/steps", "growth/parameters_added")


def outcome_metrics(data: StudyData) -> list[str]:
    heads = sorted(name for name in data.metrics if name.startswith(ANSWERS))
    heads.sort(key=lambda name: (name != "test/accuracy/all", name != "test/accuracy/known"))
    # The accuracy on the known classes at the end would otherwise stand there twice.
    told = {"test/accuracy/known"} if "test/known_after_growth" in data.metrics else set()
    own = [name for name in data.metrics if name.startswith(_own(data))]
    wanted = [f"test/{data.study.spec.metric}", *own, *heads, *(f"test/{name}" for name in OUTCOMES), *COSTS]
    found = [name for name in dict.fromkeys(wanted) if name in data.metrics and name not in told]
    return _without_repeats(data, found)


def _without_repeats(data: StudyData, metrics: list[str]) -> list[str]:
    """Leave out answers that say of every run what one before says: with a single head, several accuracies do."""
    seen: set[bytes] = set()
    kept = []
    for name in metrics:
        values = data.runs[name].to_numpy(np.float64).tobytes()
        if not name.startswith((*ANSWERS, *_own(data))) or values not in seen:
            kept.append(name)
        seen.add(values)
    return kept


def _own(data: StudyData) -> tuple[str, ...]:
    """Return how the names of those metrics begin that the study names itself."""
    return tuple(f"test/{name}/" for name in data.study.spec.metrics)
