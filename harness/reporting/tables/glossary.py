"""What the statistics in a report mean, in plain words."""

from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["glossary_table"]

MEANINGS = (
    ("configuration", "One point of the searched space. It counts once, however many seeds it was run with."),
    ("paired difference", "One arm's result minus the other's, at the same configuration and the same seed."),
    (
        "95 % interval",
        "Computed this way again and again, in 95 of 100 studies it would hold the mean over all configurations of "
        "the searched space and all seeds. It says nothing about where single configurations lie.",
    ),
    (
        "t interval",
        "The interval of a mean whose spread is itself estimated, from as few values as there are; it is wide for few.",
    ),
    ("SD", "Standard deviation: how far single values usually lie from their mean."),
    ("dz", "The mean difference in standard deviations of the differences between configurations."),
    ("interquartile mean", "The mean of the middle half: neither the best quarter nor the worst one counts."),
    (
        "smallest effect that matters",
        "Declared before the first run. A difference below it is of no use to anyone, even if it is certain.",
    ),
    (
        "practically equivalent",
        "The 90 % interval lies within the smallest effect that matters, on both sides (two one-sided tests at 5 %).",
    ),
    ("inconclusive", "Neither a difference nor the absence of one was shown. It does not mean that there is none."),
    (
        "Hodges-Lehmann estimate",
        "The median of the means of any two differences; a few extreme configurations cannot move it.",
    ),
    (
        "p, adjusted after Holm",
        "How often differences at least this large would come of chance alone, made larger so that all declared "
        "endpoints together err in at most 5 of 100 studies.",
    ),
    ("pointwise", "An interval that holds for each point of a curve by itself, not for the curve as a whole."),
    ("forgetting", "Accuracy on the known classes just before the growth, minus that at the end."),
    ("stability gap", "What is forgotten just after the growth and learned again later (arXiv 2205.13452)."),
    (
        "arrival",
        "The classes that came together: arrival 0 are those of the start, arrival 1 those of the first growth.",
    ),
    (
        "CKA",
        "Centered kernel alignment: how alike two sets of features arrange the same examples, whatever the rotation "
        "and scale; 1 is equal (arXiv 1905.00414). It can change where the function does not (arXiv 2210.16156).",
    ),
    ("relative L2", "The length of what changed in the features, over the length that they had."),
)


def glossary_table(_context: ReportContext) -> ReportTable | None:
    """Return the words with their meanings."""
    return table_of_words("glossary", "Words", ("word", "what it means here"), MEANINGS)
