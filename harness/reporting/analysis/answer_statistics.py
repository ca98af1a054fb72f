"""Metrics as functions of the answers to test examples, with what each example adds to them.

What an example adds is such that its mean over examples is the metric, and that its deviations from that mean tell how
the metric varies from one test set to another. For a mean over examples it is the example's own score. Any other metric
here is a smooth function of means, and varies as its linear approximation does (the infinitesimal jackknife; Jaeckel,
1972): a root of a mean, and means over classes, such as macro-averaged F1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.core.answers import NOT_ASKED

__all__ = ["AnswerStatistic", "statistic_of"]

Values = NDArray[np.float64]
Labels = NDArray[np.integer]


@dataclass(frozen=True)
class AnswerStatistic:
    """A metric of one output.

    Attributes:
        parts: returns the metric, and what each example adds to it, `[examples]`, NaN where nothing was asked. Given
            are the answers or errors of a run `[examples]`, the true classes if there are any, and the classes that a
            mean over classes is over, all that have examples if None.
        by_class: whether it is a mean over classes.
    """

    parts: Callable[[NDArray[np.generic], Labels | None, Labels | None], tuple[float, Values]]
    by_class: bool = False


def statistic_of(kind: str, *, classified: bool) -> AnswerStatistic | None:
    """Return the metric of a kind, of answers that are classes or else errors; None if these do not tell it."""
    return (OF_CLASSES if classified else OF_ERRORS).get(kind)


def _accuracy(answers: NDArray[np.generic], truth: Labels | None, _of: Labels | None) -> tuple[float, Values]:
    scores = np.where(answers == NOT_ASKED, np.nan, answers == truth)
    return _mean(scores), scores


def _mean_error(errors: NDArray[np.generic], _truth: Labels | None, _of: Labels | None) -> tuple[float, Values]:
    scores = errors.astype(np.float64)
    return _mean(scores), scores


def _root_of_mean(errors: NDArray[np.generic], _truth: Labels | None, _of: Labels | None) -> tuple[float, Values]:
    scores = errors.astype(np.float64)
    root = _mean(scores) ** 0.5
    return root, scores / (2 * root) if root else scores


def _balanced_accuracy(answers: NDArray[np.generic], truth: Labels | None, of: Labels | None) -> tuple[float, Values]:
    """Return the mean recall: an example adds how far it is from the recall of its class, over that class's size."""
    asked, true, right, sizes, _, counted = _by_class(answers, truth, of)
    recalls = np.bincount(true, weights=right, minlength=len(sizes)) / sizes
    value = float(recalls[counted].mean())
    added = np.where(counted, 1 / sizes, 0.0)[true] * (right - recalls[true]) / counted.sum()
    return value, _spread(asked, value, added)


def _macro_f1(answers: NDArray[np.generic], truth: Labels | None, of: Labels | None) -> tuple[float, Values]:
    """Return the mean F1: with F1 = 2 TP / S, an example adds (2 dTP - F1 dS) / S for its class and for its answer."""
    asked, true, right, sizes, answered, counted = _by_class(answers, truth, of)
    taken = answered < len(sizes)  # other answers are of classes without an example
    sums = sizes + np.bincount(answered[taken], minlength=len(sizes))
    scores = 2 * np.bincount(true, weights=right, minlength=len(sizes)) / sums
    value = float(scores[counted].mean())
    each = np.where(counted, 1 / sums, 0.0)
    added = each[true] * (2 * right - scores[true])
    added[taken] -= (each * scores)[answered[taken]]
    return value, _spread(asked, value, added / counted.sum())


def _by_class(
    answers: NDArray[np.generic], truth: Labels | None, of: Labels | None
) -> tuple[NDArray[np.bool_], Labels, Values, Values, Labels, NDArray[np.bool_]]:
    """Return which examples were asked; of these the class's index, whether it was found, and the answer's index.

    Before the last come the sizes of the classes; the last says which classes count.
    """
    assert truth is not None
    asked = answers != NOT_ASKED
    classes, true = np.unique(truth[asked], return_inverse=True)
    answered = np.searchsorted(classes, answers[asked].astype(np.int64))
    known = classes[np.minimum(answered, len(classes) - 1)] == answers[asked]
    right = (answers == truth)[asked].astype(np.float64)
    counted = np.ones(len(classes), dtype=bool) if of is None else np.isin(classes, of)
    sizes = np.bincount(true, minlength=len(classes)).astype(np.float64)
    return asked, true, right, sizes, np.where(known, answered, len(classes)), counted


def _spread(asked: NDArray[np.bool_], value: float, added: Values) -> Values:
    """Return what each example adds, `[examples]`: the value and its deviation in units of a mean over examples."""
    shares = np.full(len(asked), np.nan)
    shares[asked] = value + asked.sum() * added
    return shares


def _mean(scores: Values) -> float:
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else np.nan


OF_CLASSES = {
    "accuracy": AnswerStatistic(_accuracy),
    "balanced_accuracy": AnswerStatistic(_balanced_accuracy, by_class=True),
    "macro_f1": AnswerStatistic(_macro_f1, by_class=True),
}
OF_ERRORS = {
    "mean_absolute_error": AnswerStatistic(_mean_error),
    "root_mean_squared_error": AnswerStatistic(_root_of_mean),
}
