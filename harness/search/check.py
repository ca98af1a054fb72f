"""Whether a study can be run and can say anything, found out before anything is trained."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from harness.core.digest import canonical_json
from harness.core.errors import SpecError
from harness.search.conditions import corner_points
from harness.search.study import Study
from harness.staging.check_classes import check_metric
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.training.metrics import directions

__all__ = ["check_study"]


def check_study(study: Study, runner: Runner) -> tuple[str, ...]:
    """Return what is to be known of a study before it is run, one sentence each.

    Every arm, every value of the space on its own and the base run are checked on fresh networks, growths included; an
    update is tried of all but the base run, which nobody may ever train.

    Raises:
        InputError: one cannot be run, for example for an impossible tap, or there would be nothing to compare.
    """
    _check_arms(study)
    arm = next(iter(study.arms))
    configs = [study.config({}, name, seed=0) for name in study.arms]
    configs += [study.config(params, arm, seed=0) for _, params in corner_points(study.space)]
    trained = len(configs)
    notes: dict[str, None] = {}
    checked: set[str] = set()
    for number, config in enumerate([*configs, study.base]):
        if (name := _without_lengths(config)) not in checked:
            checked.add(name)
            runner.check(config, trained=number < trained)
            notes |= dict.fromkeys(runner.data(config).notes)
    _check_metrics(study, runner)
    return tuple(notes)


def _check_arms(study: Study) -> None:
    """Refuse two arms that are the same in every configuration."""
    points: list[Mapping[str, Any]] = [{}, *(params for _, params in corner_points(study.space))]
    for one, other in combinations(study.arms, 2):
        if all(study.config(params, one, seed=0) == study.config(params, other, seed=0) for params in points):
            raise SpecError(
                f"arms: expected arms that differ, found that {one!r} and {other!r} come to the same runs; "
                "let one of them change another field, or leave it out"
            )


def _check_metrics(study: Study, runner: Runner) -> None:
    """Refuse metrics of classes that no example is of."""
    known = directions(study.base.task, study.base.training.metrics)
    data = runner.data(study.base)
    asked = [("metric", study.metric), *((f"secondary.{n}", metric) for n, metric in enumerate(study.secondary))]
    asked += [(f"objectives.{n}", objective.metric) for n, objective in enumerate(study.objectives)]
    for field, metric in asked:
        if metric in known:
            check_metric(field, metric, study.base, data)


def _without_lengths(config: RunConfig) -> str:
    """Name what is checked of a run: all but how long it trains."""
    return canonical_json({**config.to_json(), "steps": 0})
