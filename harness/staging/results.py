"""The results of a run, computed from its finished stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from harness.core.history import History
from harness.staging.counts import Counts
from harness.staging.ledger import StageAddress
from harness.staging.store import StageMetrics

__all__ = ["PARAMETERS_ADDED", "FinishedStage", "RunResult", "growths_in", "result_of"]

GROWTH = "growth/"
PARAMETERS_ADDED = f"{GROWTH}parameters_added"
SKIPPED_STEPS = "train/skipped_steps"


@dataclass(frozen=True)
class FinishedStage:
    """One stage of a run that has ended, with everything measured in it and the seconds that its training took."""

    address: StageAddress
    metrics: StageMetrics
    seconds: float


@dataclass(frozen=True)
class RunResult:
    """The results of a run.

    Attributes:
        stages: one address per stage; the last is the end of the run.
        growths: `step`, `parameters_added` and `flops_before`, the operations of training until then, of each growth.
        metrics: the final evaluations (`val/...`, `test/...`), what the growths did to them and to the number of
            parameters, and the cost.
        history: everything measured, from step 0 to the end.
    """

    stages: tuple[StageAddress, ...]
    growths: tuple[dict[str, Any], ...]
    metrics: dict[str, float]
    history: History


def result_of(stages: Sequence[FinishedStage], *, first_head: str, counts: Counts) -> RunResult:
    """Return the results of a run.

    Args:
        stages: of the run, all of them.
        first_head: the network's own output.
        counts: of its networks.
    """
    history = History()
    for stage in stages:
        history = history.then(stage.metrics.whole)
    ends = [stage.metrics.whole.latest() for stage in stages]
    growths = tuple(
        {
            "step": before.address.step,
            "parameters_added": int(stage.metrics.history[PARAMETERS_ADDED].values[0]),
            "flops_before": flops,
        }
        for (before, stage), flops in zip(pairwise(stages), accumulate(counts.flops), strict=False)
    )
    metrics = {name: value for name, value in ends[-1].items() if name.split("/")[0] in ("val", "test")}
    if growths:
        metrics |= _forgetting(ends[0], ends[-1], first_head)
    metrics["growth/parameters_added"] = float(sum(growth["parameters_added"] for growth in growths))
    metrics["growth/parameters"] = float(counts.parameters)
    metrics["growth/parameters_trainable"] = float(counts.trainable)
    metrics["cost/flops"] = float(sum(counts.flops))
    metrics["cost/steps"] = float(stages[-1].address.step)
    if SKIPPED_STEPS in history:
        metrics["cost/skipped_steps"] = sum(history[SKIPPED_STEPS].values)
    metrics["cost/seconds"] = sum(stage.seconds for stage in stages)
    return RunResult(tuple(stage.address for stage in stages), growths, metrics, history)


def growths_in(history: History) -> dict[int, dict[str, float]]:
    """Return what was measured of each growth, by its step."""
    found: dict[int, dict[str, float]] = {}
    for name in history:
        if name.startswith(GROWTH):
            for step, value in zip(history[name].steps, history[name].values, strict=True):
                found.setdefault(step, {})[name] = value
    return dict(sorted(found.items()))


def _forgetting(before: dict[str, float], after: dict[str, float], head: str) -> dict[str, float]:
    """Return the accuracy on the classes of the start before and after the growths; empty without such classes."""
    results = {}
    for split in ("val", "test"):
        then = before.get(f"{split}/accuracy/{head}")
        # The head may have got more classes since.
        now = after.get(f"{split}/accuracy_by_arrival/0", after.get(f"{split}/accuracy/{head}"))
        if then is not None and now is not None:
            results[f"{split}/known_before_growth"] = then
            results[f"{split}/known_after_growth"] = now
            results[f"{split}/forgetting"] = then - now
    return results
