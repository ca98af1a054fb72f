"""The best configurations of a study, and a study file that runs one alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from statistics import fmean
from typing import Any

from harness.core.errors import HarnessError, InputError
from harness.core.pareto import pareto_front
from harness.core.spec import Spec, with_changes
from harness.search.designs import Paired
from harness.search.objective import means_over_runs
from harness.search.study import Study
from harness.search.study_name import LONGEST_NAME
from harness.staging.ledger import RunRecord, StudyRecord

__all__ = ["Configuration", "best_of", "configuration_of", "ended_configurations", "exported", "front_of"]

BEST = "-best"

FILE = '''"""The configuration of trial {trial} of the study `{name}`: {values}."""

{imports}from harness.search.study import Study

SPEC = {spec}


def study() -> Study:
    """Return the one configuration under every arm."""
{load}    return Study.model_validate(SPEC)
'''


@dataclass(frozen=True)
class Configuration:
    """A configuration all of whose runs have ended, one of them well, and none because a pruner gave it up.

    Attributes:
        params: searched values by name.
        values: the mean over arms and seeds of each objective, as Optuna knows it; that of the deciding validation
            metric comes first.
        arms: the mean of that metric over seeds, by arm; without those of which no run completed.
        failed: runs of it that failed.
    """

    trial: int
    params: Mapping[str, Any]
    values: tuple[float, ...]
    arms: Mapping[str, float]
    failed: int


def ended_configurations(study: Study, record: StudyRecord, runs: Sequence[RunRecord]) -> list[Configuration]:
    """Return the configurations all of whose runs have ended, by trial; without those that were given up.

    If one was given up after some seeds, their mean is none that others' means over all seeds compare with.
    If each arm is tuned on its own, they are those of the searches, each under one arm.

    Raises:
        HarnessError: there is none yet.
    """
    parts = study.design.parts(list(study.arms))
    each = len(parts[0].arms) * record.seeds
    confirming = {study.design.trial(part, record.trials) for part in parts} if study.design.confirms else set()
    trials: dict[tuple[int, str], list[RunRecord]] = {}
    for run in runs:
        if run.trial not in confirming:
            trials.setdefault((run.trial, run.arm if study.design.confirms else ""), []).append(run)
    ended = [
        _of_trial(study, runs_of_trial) for _, runs_of_trial in sorted(trials.items()) if len(runs_of_trial) == each
    ]
    if not any(ended):
        raise HarnessError(
            f"expected a configuration of {study.name!r} all of whose {each} runs have ended, one of them well; "
            f"found none among {len(runs)} runs; let harness run {study.name} go on"
        )
    return [configuration for configuration in ended if configuration]


def _of_trial(study: Study, runs: Sequence[RunRecord]) -> Configuration | None:
    if any(run.status == "pruned" for run in runs):
        return None
    completed = [run for run in runs if run.status == "completed"]
    values = means_over_runs(study.objective_directions, [run.metrics for run in completed])
    if values is None:
        return None
    metric = next(iter(study.objective_directions))
    by_arm = {arm: [run.metrics[metric] for run in completed if run.arm == arm] for arm in study.arms}
    arms = {arm: fmean(values_of_arm) for arm, values_of_arm in by_arm.items() if values_of_arm}
    return Configuration(runs[0].trial, runs[0].params, values, arms, len(runs) - len(completed))


def best_of(study: Study, configurations: Sequence[Configuration]) -> Configuration:
    """Return the one with the best validation metric; the first of several."""
    sign = 1 if study.direction == "maximize" else -1
    return max(configurations, key=lambda one: (sign * one.values[0], -one.trial))


def front_of(study: Study, configurations: Sequence[Configuration]) -> list[Configuration]:
    """Return those than which no other is better in all objectives, the best validation metric first."""
    front = pareto_front(
        [configuration.values for configuration in configurations], tuple(study.objective_directions.values())
    )
    sign = -1 if study.direction == "maximize" else 1
    return sorted((configurations[index] for index in front), key=lambda one: (sign * one.values[0], one.trial))


def configuration_of(trial: int, configurations: Sequence[Configuration]) -> Configuration:
    """Return the configuration of a trial.

    Raises:
        InputError: it is not among them.
    """
    for configuration in configurations:
        if configuration.trial == trial:
            return configuration
    ended = ", ".join(str(configuration.trial) for configuration in configurations)
    raise InputError(f"expected a trial whose runs have all ended, one of them well, found {trial}; there are {ended}")


def exported(study: Study, chosen: Configuration, record: StudyRecord) -> str:
    """Return a study file that runs one configuration, and no other, under the study's arms and seeds.

    What it leaves out stays in the base run, of which the arms may speak, and in the space. Classes of the study's own
    stay in its file, which is then loaded from where it lies.
    """
    absent = {name: value for name, value in chosen.params.items() if study.space[name].leaves_out(value)}
    present = {name: value for name, value in chosen.params.items() if name not in absent}
    changes = {
        "name": f"{study.name[: LONGEST_NAME - len(BEST)]}{BEST}",
        "base": study.laid_over(present, {}),
        "space": {name: study.space[name].model_copy(update={"when": {}}) for name in absent},
        "baselines": [absent],
        "pruner": None,
        "design": Paired(),
        "trials": 1,
        "seeds": record.seeds,
    }
    spec = with_changes(study, changes).to_json()
    own = record.file and _has_own_classes(study)
    return FILE.format(
        name=study.name,
        trial=chosen.trial,
        values=", ".join(f"{name} = {value!r}" for name, value in chosen.params.items()) or "without a search",
        imports="from pathlib import Path\n\nfrom harness.search.load import load_study\n" if own else "",
        spec=pformat(spec, width=110, sort_dicts=False),
        load=f"    load_study(Path({str(Path(record.file).absolute())!r}))  # for its own classes\n" if own else "",
    )


def _has_own_classes(value: Any) -> bool:
    if isinstance(value, Spec):
        foreign = not type(value).__module__.startswith("harness.")
        return foreign or any(_has_own_classes(getattr(value, name)) for name in type(value).model_fields)
    if isinstance(value, Mapping):
        return any(map(_has_own_classes, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_own_classes, value))
