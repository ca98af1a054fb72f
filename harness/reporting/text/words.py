"""The words of a report with their meanings, and which of them a text uses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["WORDS", "Word", "used_in"]


@dataclass(frozen=True)
class Word:
    """A word and what it means; `pattern` finds it where its plural or a short form stands for it."""

    word: str
    meaning: str
    pattern: str = ""

    def is_in(self, text: str) -> bool:
        """Whether `text` uses the word."""
        return bool(re.search(self.pattern or rf"\b{re.escape(self.word)}s?\b", text, re.IGNORECASE))


WORDS = (
    Word("arm", "One of the ways of training that are compared. Arms differ in nothing but what is named."),
    Word("configuration", "One point of the searched space. It counts once, however many seeds it was run with."),
    Word("seed", "The number that all randomness of a run follows from: initial values, and the order of the data."),
    Word(
        "growth",
        "A change of the network in the middle of training: a head, a layer, units or outputs are added or taken away.",
        r"\bgrowths?\b|\bgrew\b|\bgrown\b",
    ),
    Word("trunk", "The layers that all heads share.", r"\btrunks?\b"),
    Word("tap", "The layer whose features a head reads."),
    Word("head", "The layers that turn shared features into one output, such as the scores of some classes."),
    Word("paired difference", "One arm's result minus the other's, at the same configuration and the same seed."),
    Word(
        "95 % interval",
        "Computed this way again and again, in 95 of 100 studies it would hold the mean over all seeds and "
        "configurations, or searches, that there could be. It says nothing about where single ones lie.",
        r"95 % interval",
    ),
    Word(
        "t interval",
        "The interval of a mean whose spread is itself estimated, from as few values as there are; it is wide for few.",
    ),
    Word("SD", "Standard deviation: how far single values usually lie from their mean.", r"\bSDs?\b"),
    Word("dz", "The mean difference in standard deviations of the differences between configurations."),
    Word(
        "interquartile mean",
        "The mean of the middle half: neither the best quarter nor the worst one counts.",
        r"\binterquartile means?\b|\bIQM\b",
    ),
    Word(
        "smallest effect that matters",
        "Declared before the first run. A difference below it is of no use to anyone, even if it is certain.",
    ),
    Word(
        "practically equivalent",
        "The 90 % interval lies within the smallest effect that matters, on both sides (two one-sided tests at 5 %).",
        r"practically equivalent",
    ),
    Word(
        "inconclusive",
        "Neither a difference nor the absence of one was shown. It does not mean that there is none.",
    ),
    Word(
        "Hodges-Lehmann estimate",
        "The median of the means of any two differences; a few extreme configurations cannot move it.",
        r"Hodges-Lehmann",
    ),
    Word(
        "p, adjusted after Holm",
        "How often differences at least this large would come of chance alone, made larger so that all declared "
        "endpoints together err in at most 5 of 100 studies.",
        r"\bHolm\b",
    ),
    Word("pointwise", "An interval that holds for each point of a curve by itself, not for the curve as a whole."),
    Word("forgetting", "Accuracy on the known classes just before the growth, minus that at the end."),
    Word("stability gap", "What is forgotten just after the growth and learned again later (arXiv 2205.13452)."),
    Word(
        "arrival",
        "The classes that came together: arrival 0 are those of the start, arrival 1 those of the first growth.",
    ),
    Word(
        "CKA",
        "Centered kernel alignment: how alike two sets of features arrange the same examples, whatever the rotation "
        "and scale; 1 is equal (arXiv 1905.00414). It can change where the function does not (arXiv 2210.16156).",
    ),
    Word("relative L2", "The length of what changed in the features, over the length that they had."),
)


def used_in(texts: Iterable[str], known: Iterable[str] = ()) -> tuple[Word, ...]:
    """Return the words that `texts` use, in the order of the list, but for those `known` already."""
    text, told = "\n".join(texts), set(known)
    return tuple(word for word in WORDS if word.word not in told and word.is_in(text))
