"""One search; every configuration under all arms."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from harness.core.seed_layout import SeedLayout, seeds_of
from harness.search.designs._base import AbstractDesign, Part

__all__ = ["Paired"]


class Paired(AbstractDesign):
    """Every configuration is run under all arms with the same seeds; the arms are compared within configurations.

    It answers: for these configurations, what does the arm change?

    Attributes:
        seeds: `own`: each configuration has seeds that no other has, so that their noise averages out over
            configurations. `pooled`: each takes some of 16, which saves steps before a growth. `crossed`: all have the
            same, which saves the most, and leaves the interval wide if a seed moves all configurations alike.
    """

    kind: Literal["paired"] = "paired"
    seeds: SeedLayout = "own"

    @model_validator(mode="before")
    @classmethod
    def _read(cls, content: Any) -> Any:
        """Take a recorded design without seeds for one of a version that had no such field: they were crossed."""
        if isinstance(content, Mapping) and "kind" in content and "seeds" not in content:
            return {**content, "seeds": "crossed"}
        return content

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write crossed seeds as those versions did, so that the digests of their studies stay."""
        content: dict[str, Any] = write(self)
        return {name: value for name, value in content.items() if (name, value) != ("seeds", "crossed")}

    def parts(self, arms: Sequence[str]) -> tuple[Part, ...]:
        """Return the one search."""
        return (Part("", "", tuple(arms)),)

    def seeds_of(self, part: Part, number: int, seeds: int) -> tuple[int, ...]:  # noqa: ARG002
        """Return seeds by the layout."""
        return seeds_of(self.seeds, number, seeds)
