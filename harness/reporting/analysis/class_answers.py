"""What classifiers answered before the growth and at the end: how sure they were, and what they took for what."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.answers import NOT_ASKED
from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.answers import BINS
from harness.reporting.data.study_data import StudyData

__all__ = ["BEFORE", "calibration_errors", "confusion", "reliability", "states_by_arm"]

BEFORE = "before the growth"  # stands in the column `arm`
KEYS = ["arm", "trial", "seed"]
Values = NDArray[np.float64]


def states_by_arm(data: StudyData, comparison: Comparison) -> pd.DataFrame:
    """Return the rows of `AnswerFrames.states` with `arm, trial, seed` of the completed runs beside compared pairs.

    States before the growth have the arm `BEFORE`; one that both arms go on from is there once. Without answers of a
    classifier there are no rows.
    """
    if data.answers is None or "answer" not in data.answers.states:
        return pd.DataFrame(columns=[*KEYS, "state"])
    runs = data.runs[data.runs["status"] == "completed"].merge(comparison.pairs[["trial", "seed"]])
    compared = runs[runs["arm"].isin([comparison.first, comparison.second]) & (runs["fork"] != "")]
    ends = runs[KEYS].assign(state=runs["run_id"])
    forks = compared[KEYS].assign(state=compared["fork"], arm=BEFORE).drop_duplicates()
    return pd.concat([ends, forks]).merge(data.answers.states, on="state")


def reliability(states: pd.DataFrame) -> pd.DataFrame:
    """Return `arm, bin, answers, confidence, accuracy`, over all states of each arm; bins without answers are left out.

    `confidence` is the mean of those in the bin, from 0 to 1, as is `accuracy`.
    """
    found = []
    for arm, part in states.groupby("arm", sort=False):
        answers, right, confidence = _counted(part)
        amount = answers.sum(axis=0)
        some = amount > 0
        sums = {"confidence": (answers * confidence).sum(axis=0), "accuracy": right.sum(axis=0)}
        means = {name: values[some] / amount[some] for name, values in sums.items()}
        found.append(pd.DataFrame({"arm": arm, "bin": np.arange(BINS)[some], "answers": amount[some], **means}))
    return pd.concat(found, ignore_index=True)


def calibration_errors(states: pd.DataFrame) -> dict[str, float]:
    """Return the expected calibration error of each arm (arXiv 1706.04599), from 0 to 1.

    It is that of single networks, averaged over seeds and then over configurations.
    """
    answers, right, confidence = _counted(states)
    gaps = np.abs(right - answers * confidence).sum(axis=1) / answers.sum(axis=1)
    by_trial = states[KEYS].assign(gap=gaps).groupby(["arm", "trial"], sort=False)["gap"].mean()
    means = by_trial.groupby("arm", sort=False).mean()
    return {str(arm): float(gap) for arm, gap in means.items()}


def _counted(states: pd.DataFrame) -> tuple[Values, Values, Values]:
    """Return examples, right answers and mean confidence, `[states, BINS]` each."""
    counted = (np.stack(states[name].to_list()).astype(np.float64) for name in ("examples", "right", "confidence"))
    answers, right, confidence = counted
    return answers, right, confidence


def confusion(states: pd.DataFrame, truth: NDArray[np.int32]) -> pd.DataFrame:
    """Return `arm, truth, answer, share`: how many of the examples of a class were answered with another, or rightly.

    Shares are of networks, averaged over seeds and then over configurations; those of zero are there, too.

    Args:
        states: as `states_by_arm` returns them.
        truth: `[examples]`, the class of each.
    """
    answers = np.stack(states["answer"].to_list())
    classes = np.unique(np.concatenate([truth, answers[answers != NOT_ASKED]]))
    shares = np.stack([_shares(np.searchsorted(classes, truth), row, classes) for row in answers])
    true, answered = np.meshgrid(classes, classes, indexing="ij")
    found = []
    for arm, part in states.reset_index(drop=True).groupby("arm", sort=False):
        by_trial = [shares[own.index].mean(axis=0) for _, own in part.groupby("trial")]
        mean = np.mean(by_trial, axis=0)
        frame = {"arm": arm, "truth": true.ravel(), "answer": answered.ravel(), "share": mean.ravel()}
        found.append(pd.DataFrame(frame))
    return pd.concat(found, ignore_index=True)


def _shares(truth: NDArray[np.intp], answers: NDArray[np.int32], classes: NDArray[np.int32]) -> Values:
    """Return `[classes, classes]`, whose rows add up to one; NaN for a class without an example."""
    asked, size = answers != NOT_ASKED, len(classes)
    cells = truth[asked] * size + np.searchsorted(classes, answers[asked])
    counts = np.bincount(cells, minlength=size**2).reshape(size, size).astype(np.float64)
    rows = counts.sum(axis=1, keepdims=True)
    shares: Values = np.divide(counts, rows, out=np.full_like(counts, np.nan), where=rows > 0)
    return shares
