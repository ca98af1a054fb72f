"""Configurations weighed by several objectives, as the search saw them and on test data."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from harness.core.pareto import pareto_front
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import listed

__all__ = ["Weighed", "WeighedObjective", "weighed", "what_is_better", "without_split"]

COSTS = ("cost/", "growth/")


@dataclass(frozen=True)
class WeighedObjective:
    """What a study weighs: on validation data, by which the search chose, and on test data; a cost is the same in both.

    Attributes:
        direction: which way is better.
    """

    seen: Measure
    test: Measure
    direction: Literal["maximize", "minimize"]

    @property
    def is_cost(self) -> bool:
        """Whether it is measured on no data."""
        return self.seen == self.test


@dataclass(frozen=True)
class Weighed:
    """The configurations that have a value of every objective.

    Attributes:
        objectives: the deciding metric is the first.
        rows: one a configuration: `trial`, the means over all arms and seeds under the names of the metrics, and
            whether it is on the Pareto front by what the search saw, `front`, and by test data, `test_front`.
    """

    objectives: tuple[WeighedObjective, ...]
    rows: pd.DataFrame


def weighed(data: StudyData) -> Weighed | None:
    """Return the configurations all of whose runs have ended, one of them well; None for a study with one objective."""
    objectives = _objectives(data)
    metrics = list(dict.fromkeys(found.metric for one in objectives for found in (one.seen, one.test)))
    if len(objectives) < 2 or not set(metrics) <= set(data.metrics):
        return None
    each = len(data.study.spec.arms) * data.study.seeds
    ended = data.runs.groupby("trial")["run_id"].size() == each
    completed = data.runs[(data.runs["status"] == "completed") & data.runs["trial"].map(ended)]
    rows = completed.groupby("trial")[metrics].mean().dropna().reset_index()
    directions = [one.direction for one in objectives]
    for name, chosen in (("front", "seen"), ("test_front", "test")):
        columns = [getattr(one, chosen).metric for one in objectives]
        rows[name] = rows.index.isin(pareto_front(rows[columns].to_numpy(dtype=float).tolist(), directions))
    return Weighed(objectives, rows)


def _objectives(data: StudyData) -> tuple[WeighedObjective, ...]:
    spec = data.study.spec
    better = data.measure(f"val/{spec.metric}").higher_is_better
    first = _objective(data, spec.metric, "maximize" if better else "minimize")
    return first, *(_objective(data, one["metric"], one["direction"]) for one in spec.objectives)


def _objective(data: StudyData, metric: str, direction: Literal["maximize", "minimize"]) -> WeighedObjective:
    cost = metric.startswith(COSTS)
    seen, test = (data.measure(metric if cost else f"{split}/{metric}") for split in ("val", "test"))
    return WeighedObjective(seen, test, direction)


def without_split(one: WeighedObjective) -> str:
    """Return what an objective is called, on whichever data."""
    return one.seen.title.removeprefix("validation ")


def what_is_better(found: Weighed) -> str:
    """Say which way is better, objective by objective."""
    words = {"maximize": "high", "minimize": "low"}
    return f"better is {listed([f'{words[one.direction]} {without_split(one)}' for one in found.objectives])}"
