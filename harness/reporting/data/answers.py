"""The answers of runs to every test example, as far as a report needs them: those of the output that decides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.answers import JOINT, NOT_ASKED, Answers, ClassAnswers, ValueErrors
from harness.reporting.data.measures import NO_METRICS, kind_of

__all__ = ["BINS", "AnswerFrames", "answer_frames", "deciding_output"]

BINS = 10  # of confidences, equally wide
SQUARED = "root_mean_squared_error"  # the kind of metrics that average squared errors
BY_EXAMPLE = ("answer", "error")


@dataclass(frozen=True)
class AnswerFrames:
    """The answers of one output.

    Attributes:
        examples: one row a test example, by truth, or several rows where the output says yes or no in several columns:
            `example` counts from 0 in the task's order, `group` is the group's number or else that of the example,
            `truth` the class, which values do not have.
        states: one row a state of a run: `state` is the run's id at the end, and its `fork` before the first growth.
            The list `answer` goes through `examples`, and is `NOT_ASKED` where the output was not asked; `known` lists
            the classes that could be seen. Of their examples, by confidence in `BINS` bins: `examples`, those that were
            answered rightly in `right`, and the mean `confidence`. Outputs with values have the list `error` instead,
            squared if the metric is a root mean square.
    """

    examples: pd.DataFrame
    states: pd.DataFrame


def deciding_output(metric: str, outputs: Collection[str]) -> str | None:
    """Return the one of `outputs` that `metric`, such as `rmse/cooling`, speaks of; the joined heads, of any other."""
    name = metric.partition("/")[2]
    if name in outputs:
        return name
    return JOINT if JOINT in outputs else next(iter(outputs), None)


def answer_frames(
    answers: Mapping[str, Answers], metric: str, named: Mapping[str, Mapping[str, Any]] = NO_METRICS
) -> AnswerFrames | None:
    """Return the answers of the output that `metric` speaks of, by state; `named` as in `measure_of`.

    None if there are none, or if the runs were not evaluated on the same test set.
    """
    output = deciding_output(metric, {name: None for found in answers.values() for name in found.outputs})
    states = {state: found for state, found in answers.items() if output in found.outputs}
    if output is None or not states:
        return None
    asked = [_asked(found.outputs[output], found.groups) for found in states.values()]
    if not all(other.equals(asked[0]) for other in asked[1:]):
        return None
    # By truth, so that answers are alike for long stretches, which takes a third of the bytes.
    order = np.argsort(asked[0]["truth"], kind="stable") if "truth" in asked[0] else np.arange(len(asked[0]))
    squared = kind_of(metric, named) == SQUARED
    rows = [{"state": state, **_row(found.outputs[output], squared=squared)} for state, found in states.items()]
    ordered = [{key: value[order] if key in BY_EXAMPLE else value for key, value in row.items()} for row in rows]
    return AnswerFrames(asked[0].iloc[order].reset_index(drop=True), pd.DataFrame(ordered))


def _asked(output: ClassAnswers | ValueErrors, groups: Any) -> pd.DataFrame:
    """Return what `AnswerFrames.examples` says of an output, in the task's order."""
    shape = output.truth.shape if isinstance(output, ClassAnswers) else output.absolute.shape
    example = np.arange(shape[0], dtype=np.int64)
    each = {"example": example, "group": example if groups is None else groups}
    frame = pd.DataFrame({name: np.repeat(column, np.prod(shape[1:], dtype=int)) for name, column in each.items()})
    return frame.assign(truth=output.truth.ravel()) if isinstance(output, ClassAnswers) else frame


def _row(output: ClassAnswers | ValueErrors, *, squared: bool) -> dict[str, Any]:
    """Return what `AnswerFrames.states` says of one state."""
    if isinstance(output, ValueErrors):
        return {"error": output.squared if squared else output.absolute}
    known = np.unique(output.truth[output.probability > 0])
    return {"answer": output.answer.ravel(), "known": known, **_by_confidence(output, known)}


def _by_confidence(output: ClassAnswers, known: NDArray[np.int32]) -> dict[str, Any]:
    counted = np.isin(output.truth, known) & (output.answer != NOT_ASKED) & np.isfinite(output.confidence)
    confidence = output.confidence[counted].astype(np.float64)
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    examples = np.bincount(bins, minlength=BINS)
    total = np.bincount(bins, weights=confidence, minlength=BINS)
    return {
        "examples": examples,
        "right": np.bincount(bins[(output.answer == output.truth)[counted]], minlength=BINS),
        "confidence": np.divide(total, examples, out=np.zeros(BINS), where=examples > 0),
    }
