"""What configurations are weighed by beside the metric that decides."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from harness.core.spec import Spec
from harness.data import AbstractTask
from harness.metrics import AbstractMetric
from harness.training.metrics import Direction, directions

__all__ = ["Objective", "known_objectives", "means_over_runs", "name_in_runs"]

COSTS = ("cost/flops", "cost/seconds", "cost/steps", "growth/parameters_added")


class Objective(Spec):
    """A number that configurations are to have much or little of.

    Attributes:
        metric: without the split, as `Study.metric`, and then measured on validation data; or a cost of the run.
        direction: which way is better.
    """

    metric: str
    direction: Direction


def known_objectives(task: AbstractTask, metrics: Mapping[str, AbstractMetric]) -> list[str]:
    """Return the metrics that an objective may name; `metrics` are those that runs name themselves."""
    return [*directions(task, metrics), *(["forgetting"] if task.classes else []), *COSTS]


def name_in_runs(metric: str) -> str:
    """Return the name under which a run has what the search sees of `metric`.

    >>> name_in_runs("accuracy/all"), name_in_runs("cost/seconds")
    ('val/accuracy/all', 'cost/seconds')
    """
    return metric if metric in COSTS else f"val/{metric}"


def means_over_runs(names: Iterable[str], metrics: Sequence[Mapping[str, float]]) -> tuple[float, ...] | None:
    """Return the mean of each name over the runs that have it, given their metrics; None if no run has one of them."""
    values = [[run[name] for run in metrics if name in run] for name in names]
    return tuple(map(fmean, values)) if all(values) else None
