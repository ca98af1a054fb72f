"""What a synthetic run measures: classes that come late, and what is known and half forgotten."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.core.history import History
from harness.staging.ledger import StageAddress

STEPS, EVERY = 600, 25


@cache
def stage_history(
    trial: int, letters: int, seed: int, gain: float, steps: range, at: int, noise: float, *, frozen: bool
) -> History:
    """Return the history of a stage under an arm whose name has so many `letters`, none before the growth."""
    history, grown = History(), letters > 0
    stream = np.random.default_rng([4, trial, seed, letters])
    level = 0.93 + 0.015 * float(np.random.default_rng([5, trial]).normal())
    for step in steps:
        since = step - at
        if step > steps[0] or not grown:
            fit = 2.2 * np.exp(-step / 90) + 0.12 + 0.02 * stream.normal()
            fresh = 1.6 * np.exp(-since / (60 if frozen else 40)) if grown else 0.0
            parts = {"classification": fit + fresh}
            if grown:
                parts["distillation"] = 0.05 + (0.02 if frozen else 0.3) * np.exp(-since / 80) * since / 40
            total = sum(parts.values())
            history.record(step, {f"train/loss/{name}": float(value) for name, value in parts.items()})
            history.record(step, {"train/loss/total": float(total)})
        if step % EVERY == 0 or step == steps[-1]:
            wobble = noise * stream.normal(size=2)
            history.record(step, evaluation(step, since, gain, level, wobble, grown=grown, frozen=frozen))
    return history


def evaluation(
    step: int, since: int, gain: float, level: float, wobble: NDArray[np.float64], *, grown: bool, frozen: bool
) -> dict[str, float]:
    known = level * (1 - 0.88 * np.exp(-step / 70)) + wobble[0]
    if not grown:
        return {
            "val/accuracy/all": float(known * 0.6),
            "val/accuracy/known": float(known),
            "val/loss/classification": float(2.2 * np.exp(-step / 85) + 0.2),
        }
    dip = (0.02 if frozen else 0.12) * np.exp(-since / 60) + (0.01 if frozen else 0.03)
    # The unfrozen arm loses 2 points on the known classes; the late ones make up for it and for the effect.
    late = (0.86 if frozen else 0.89 + 2.5 * gain) * (1 - np.exp(-since / (55 if frozen else 35)))
    known_now, late_now = known - dip, max(late + wobble[1], 0.0)
    return {
        "val/accuracy/all": float(0.6 * known_now + 0.4 * late_now),
        "val/accuracy/known": float(known_now),
        "val/accuracy/late": float(late_now),
        "val/loss/classification": float(0.22 + 1.5 * np.exp(-since / (60 if frozen else 40))),
        "val/loss/distillation": float(0.05 + (0.02 if frozen else 0.2) * np.exp(-since / 80)),
    }


def ending(address: StageAddress, history: History) -> History:
    """Return what is measured only because training stopped there."""
    measured = History()
    measured.record(address.step, {"test/accuracy/all": history.latest()["val/accuracy/all"]})
    return measured
