"""A study whose runs share what they have in common, and the same study run by run."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from harness.benchmarks import late_digits
from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts._base import Size, elapsed_s
from harness.core.spec import with_changes
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.search.study import Study
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace

__all__ = ["measure"]

WARM_UP = 4  # steps of runs in which kernels are loaded


def measure(device: torch.device, size: Size) -> Iterator[Figure]:
    """Yield wall times and steps of the study shared and alone, and how many of its runs failed."""
    study = _study(device, size)
    _run(_study(device, replace(size, job_steps=WARM_UP)), device, alone=False)
    took, trained = {}, {}
    for name, alone in (("shared", False), ("alone", True)):
        took[name], trained[name], failed = _run(study, device, alone=alone)
        yield Figure(f"the study {name}: wall time (s)", took[name])
        yield Figure(f"the study {name}: steps trained", trained[name])
        yield Figure.at_most(f"the study {name}: runs that failed", len(failed), 0)
        if failed:
            yield Figure.missing(f"the study {name}: a run that failed", failed[0])
    yield Figure("the study alone / shared (wall time)", took["alone"] / took["shared"])
    yield Figure("the study alone / shared (steps)", trained["alone"] / trained["shared"])


def _run(study: Study, device: torch.device, *, alone: bool) -> tuple[float, int, list[str]]:
    """Return the seconds that a study took, the steps trained, and why runs failed."""
    with tempfile.TemporaryDirectory(prefix="harness-") as home:
        runner = Runner(Workspace(Path(home)).create(), alone=alone, cache_features=not alone)
        runner.data(study.base)
        seconds = elapsed_s(lambda: launch(study, runner, Observer()), device)
        ended = runner.store.ledger.runs(study.name)
    return seconds, runner.steps_trained, [run.reason for run in ended if run.status != "completed"]


def _study(device: torch.device, size: Size) -> Study:
    """Return the study on late digits, of runs as long as the main job."""
    quarter = max(size.job_steps // 4, 1)
    study = late_digits.study()
    when = study.space["when"].model_copy(update={"low": quarter, "high": 3 * quarter, "step": quarter})
    return with_changes(
        study,
        {
            "space": {**study.space, "when": when},
            "trials": size.trials,
            "seeds": 1,
            "base.device": device.type,
            "base.steps": 4 * quarter,
            "base.growths.0.trigger.step": quarter,
        },
    )
