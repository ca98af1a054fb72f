"""A study's spec as the ledger and reports keep it: JSON, and the one typed reading of it.

Specs of earlier versions lack fields that came later; what such a field means where it is missing is known here alone.
Whoever reads a spec needs neither torch nor the classes that the study's own file defines.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.seed_layout import SeedLayout

__all__ = ["DesignSpec", "DimensionSpec", "SamplerSpec", "StudySpec"]

FAIR_KINDS = ("quasi_random", "random", "grid")  # the samplers that look at no result and do not say so themselves


class DimensionSpec(dict[str, Any]):
    """A searched field, as JSON."""

    @property
    def kind(self) -> str:
        """Which kind of dimension it is, such as `choice`."""
        return str(self.get("kind", ""))

    @property
    def field(self) -> str:
        """The dotted path of the field in the base run."""
        return str(self.get("field", ""))

    @property
    def options(self) -> Sequence[Any]:
        """The values of a choice, in the study's order; empty for a range."""
        return tuple(self.get("options") or ())

    @property
    def logarithmic(self) -> bool:
        """Whether a range is searched uniformly in the logarithm."""
        return bool(self.get("log"))

    @property
    def conditions(self) -> Mapping[str, Sequence[Any]]:
        """The values of other dimensions, by name, where this one exists; empty if it always does."""
        return self.get("when") or {}


class SamplerSpec(dict[str, Any]):
    """Who proposes configurations, as JSON; empty if that was not recorded."""

    @property
    def kind(self) -> str:
        """Which kind of sampler it is, such as `tpe`."""
        return str(self.get("kind", ""))

    @property
    def fair(self) -> bool:
        """Whether it looks at no result, so that configurations are a fair sample of the space.

        A sampler says so in a field `fair`; the first three came before that field. Studies that recorded no sampler
        had a quasi-random one.
        """
        return bool(self.get("fair", self.get("kind", FAIR_KINDS[0]) in FAIR_KINDS))


class DesignSpec(dict[str, Any]):
    """How configurations, arms and seeds are laid out, as JSON."""

    @property
    def replicates(self) -> int:
        """How many independent searches each arm has; 1 where arms are paired."""
        return int(self.get("replicates", 1))

    @property
    def confirmation(self) -> int:
        """With how many seeds the winner of each search is confirmed; 0 where arms are paired."""
        return int(self.get("confirmation", 0))

    @property
    def seeds(self) -> SeedLayout:
        """Which seeds configurations have where arms are paired; where that is not recorded, all had the same."""
        layout: SeedLayout = self.get("seeds", "crossed")
        return layout

    @property
    def confirms(self) -> bool:
        """Whether each arm is tuned on its own, and its winners are confirmed."""
        return self.confirmation > 0


class StudySpec(dict[str, Any]):
    """A study's spec, as JSON."""

    @property
    def name(self) -> str:
        """The study's name."""
        return str(self["name"])

    @property
    def title(self) -> str:
        """One line for people."""
        return str(self["title"])

    @property
    def question(self) -> str:
        """The sentence that the report answers."""
        return str(self["question"])

    @property
    def metric(self) -> str:
        """The metric that decides, without its split, such as `accuracy/all`."""
        return str(self["metric"])

    @property
    def smallest_effect(self) -> float:
        """A difference that would matter, in the metric's units."""
        return float(self["smallest_effect"])

    @property
    def comparison(self) -> tuple[str, str]:
        """The two arms that are compared: the first minus the second."""
        first, second = self["comparison"]
        return first, second

    @property
    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """By name, the fields in which an arm differs from its configuration."""
        arms: Mapping[str, Mapping[str, Any]] = self["arms"]
        return arms

    @property
    def space(self) -> dict[str, DimensionSpec]:
        """The searched fields by name."""
        return {name: DimensionSpec(dimension) for name, dimension in self["space"].items()}

    @property
    def base(self) -> Mapping[str, Any]:
        """The run that configurations and arms are changes of."""
        base: Mapping[str, Any] = self.get("base") or {}
        return base

    @property
    def task(self) -> Mapping[str, Any]:
        """The task of the base run."""
        task: Mapping[str, Any] = self.base.get("task") or {}
        return task

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """The metrics that runs name themselves, by name, each with `kind`, `direction`, `unit` and `title`."""
        return (self.base.get("training") or {}).get("metrics") or {}

    @property
    def secondary(self) -> Sequence[str]:
        """The metrics of the declared secondary endpoints, without their split."""
        return tuple(self.get("secondary") or ())

    @property
    def objectives(self) -> Sequence[Mapping[str, Any]]:
        """What configurations are weighed by beside the metric, each with `metric` and `direction`."""
        return tuple(self.get("objectives") or ())

    @property
    def published(self) -> Sequence[Mapping[str, Any]]:
        """Results of others."""
        return tuple(self.get("published") or ())

    @property
    def baselines(self) -> Sequence[Mapping[str, Any]]:
        """Configurations that are run before any that is proposed."""
        return tuple(self.get("baselines") or ())

    @property
    def sampler(self) -> SamplerSpec:
        """Who proposes configurations."""
        return SamplerSpec(self.get("sampler") or {})

    @property
    def pruner(self) -> Mapping[str, Any]:
        """Who gives configurations up before their runs have ended; empty if nobody does."""
        pruner: Mapping[str, Any] = self.get("pruner") or {}
        return pruner

    @property
    def design(self) -> DesignSpec:
        """How configurations, arms and seeds are laid out."""
        return DesignSpec(self.get("design") or {})

    @property
    def points(self) -> str:
        """The digest of a registration that proposals follow from; empty if they follow from the name."""
        return str(self.get("points", ""))

    @property
    def failure_value(self) -> float | None:
        """What a diverged run counts as on the metric that decides; None if the study does not say."""
        value = self.get("failure_value")
        return None if value is None else float(value)
