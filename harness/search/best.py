"""The best configuration of a study, and a study file that runs it alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from statistics import fmean
from typing import Any

from harness.core.errors import HarnessError
from harness.core.spec import Spec, with_changes
from harness.search.study import Study
from harness.staging.ledger import RunRecord, StudyRecord

__all__ = ["Best", "best_configuration", "exported"]

FILE = '''"""The best configuration of the study `{name}`: trial {trial}, {values}."""

{imports}from harness.search.study import Study

SPEC = {spec}


def study() -> Study:
    """Return the one configuration under every arm."""
{load}    return Study.model_validate(SPEC)
'''


@dataclass(frozen=True)
class Best:
    """The configuration with the best validation metric, averaged over its completed runs as Optuna is told it.

    Attributes:
        params: searched values by name.
        value: the mean over arms and seeds.
        arms: the mean over seeds, by arm; without those of which no run completed.
        failed: runs of it that failed.
    """

    trial: int
    params: Mapping[str, Any]
    value: float
    arms: Mapping[str, float]
    failed: int


def best_configuration(study: Study, record: StudyRecord, runs: Sequence[RunRecord]) -> Best:
    """Return the best of the configurations all of whose runs have ended.

    Raises:
        HarnessError: there is none yet.
    """
    each = len(study.arms) * record.seeds
    trials: dict[int, list[RunRecord]] = {}
    for run in runs:
        trials.setdefault(run.trial, []).append(run)
    ended = [_of_trial(study, found) for found in trials.values() if len(found) == each]
    found = [best for best in ended if best]
    if not found:
        raise HarnessError(
            f"expected a configuration of {study.name!r} all of whose {each} runs have ended, one of them well; "
            f"found none among {len(runs)} runs; let harness run {study.name} go on"
        )
    sign = 1 if study.direction == "maximize" else -1
    return max(found, key=lambda best: (sign * best.value, -best.trial))


def _of_trial(study: Study, runs: Sequence[RunRecord]) -> Best | None:
    values: dict[str, list[float]] = {}
    for run in runs:
        if run.status == "completed":
            values.setdefault(run.arm, []).append(run.metrics[f"val/{study.metric}"])
    if not values:
        return None
    mean = fmean(value for arm in values.values() for value in arm)
    arms = {arm: fmean(values[arm]) for arm in study.arms if arm in values}
    failed = sum(run.status != "completed" for run in runs)
    return Best(runs[0].trial, runs[0].params, mean, arms, failed)


def exported(study: Study, best: Best, record: StudyRecord) -> str:
    """Return a study file that runs the best configuration, and no other, under the study's arms and seeds.

    Classes of the study's own stay in its file, which is then loaded from where it lies.
    """
    changes = {study.space[name].field: value for name, value in best.params.items()}
    one = {"name": f"{study.name}-best", "base": with_changes(study.base, changes), "space": {}}
    spec = with_changes(study, {**one, "trials": 1, "seeds": record.seeds}).to_json()
    own = record.file and _has_own_classes(study)
    return FILE.format(
        name=study.name,
        trial=best.trial,
        values=", ".join(f"{name} = {value!r}" for name, value in best.params.items()) or "without a search",
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
