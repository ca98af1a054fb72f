"""What is said of the test set itself: how few examples it has, and what knowing nothing of them would give."""

from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count

__all__ = ["commonest_class", "what_little_shows"]

OF_EXAMPLES = "accuracy/all"  # the metric that counts every example once, and each class
FEW = 30  # examples, or groups of them
COMMON = 0.5  # of the examples


def commonest_class(data: StudyData, measure: Measure) -> list[str]:
    """Say what an accuracy would be of always answering the commonest class."""
    share = _share_of_commonest(data, measure)
    if share is None:
        return []
    return [f"Always answering the commonest class would be right for {measure.amount(share)} of the test examples."]


def what_little_shows(data: StudyData, measure: Measure) -> list[str]:
    """Say before a verdict is believed that the test set is small, or that most of it is one class."""
    sentences, share = [], _share_of_commonest(data, measure)
    if share is not None and share >= COMMON:
        reached = measure.amount(share)
        sentences.append(f"Most test examples are of one class: always answering it would reach {reached}.")
    units = data.answers.examples["group"].nunique() if data.answers else FEW
    if units < FEW:
        sentences.append(f"The test set is small: {count(units, 'independent example')}.")
    return sentences


def _share_of_commonest(data: StudyData, measure: Measure) -> float | None:
    examples = data.answers.examples if data.answers else None
    if examples is None or "truth" not in examples or measure.metric.partition("/")[2] != OF_EXAMPLES:
        return None
    return float(examples["truth"].value_counts(normalize=True).max())
