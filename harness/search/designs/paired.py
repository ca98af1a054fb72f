"""One search; every configuration under all arms."""

from collections.abc import Sequence
from typing import Literal

from harness.search.designs._base import AbstractDesign, Part

__all__ = ["Paired"]


class Paired(AbstractDesign):
    """Every configuration is run under all arms with all seeds; the arms are compared within configurations.

    It answers: for these configurations, what does the arm change?
    """

    kind: Literal["paired"] = "paired"

    def parts(self, arms: Sequence[str], seeds: int) -> tuple[Part, ...]:
        """Return the one search, with the seeds 0, 1, ..."""
        return (Part("", "", tuple(arms), tuple(range(seeds))),)
