"""What a report is made from: a study's data, and everything that several figures or tables are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from harness.reporting.analysis.arrivals import evaluations_by_arrival
from harness.reporting.analysis.equal_cost import AtCost, Cost, at_costs
from harness.reporting.analysis.pairing import Account, Comparison, account_for, primary_comparison
from harness.reporting.analysis.pareto import Weighed, weighed
from harness.reporting.analysis.sampling_error import SamplingError, sampling_error
from harness.reporting.analysis.standing import Standing, standings
from harness.reporting.analysis.tuned import confirmed
from harness.reporting.checks.badge import Badge
from harness.reporting.checks.integrity import integrity_of
from harness.reporting.data.alignment import evaluation_interval
from harness.reporting.data.growth_axis import on_growth_axis
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.importance.drivers import Driver, drivers
from harness.reporting.text.sampling_error import after_verdict, both_errors
from harness.reporting.text.verdict import Verdict, judge

__all__ = ["ReportContext"]


@dataclass(frozen=True)
class ReportContext:
    """All that figures, tables and sentences of one report may look at; each property is computed once.

    Attributes:
        whole: all runs that there are.
        environment: what the report is written with.
    """

    whole: StudyData
    environment: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def data(self) -> StudyData:
        """The runs that are compared: those that confirm, of a study that tunes each arm; all runs of any other."""
        return confirmed(self.whole)

    @cached_property
    def comparison(self) -> Comparison:
        """The primary comparison."""
        return primary_comparison(self.data)

    @property
    def compared(self) -> bool:
        """Whether any two runs can be compared."""
        return bool(self.comparison.mean.units)

    @cached_property
    def account(self) -> Account:
        """What became of every planned run."""
        return account_for(self.data, self.comparison)

    @cached_property
    def measure(self) -> Measure:
        """How the primary metric is read."""
        return self.data.measure(self.comparison.metric)

    @property
    def smallest_effect(self) -> float:
        """The smallest difference that matters, in the stored unit of the primary metric."""
        return float(self.data.study.spec.smallest_effect)

    @cached_property
    def judged(self) -> Verdict:
        """What the comparison means."""
        return judge(self.comparison, self.measure, self.smallest_effect)

    @property
    def besides(self) -> str:
        """What another test set would change, as a sentence; empty where nothing is known."""
        if self.judged.kind == "no data" or not self.comparison.mean.interval:
            return ""
        found = after_verdict(self.sampling_error, self.measure, self.comparison.unit)
        both = both_errors(self.sampling_error, self.comparison, self.measure, self.smallest_effect)
        return f"{found} {both}".strip()

    @cached_property
    def verdict(self) -> Verdict:
        """What the comparison means, and what another test set would change."""
        return replace(self.judged, sentence=f"{self.judged.sentence} {self.besides}".strip())

    @cached_property
    def standings(self) -> list[Standing]:
        """Every arm on the primary metric, the best first."""
        return standings(self.data, self.comparison, self.measure)

    @cached_property
    def sampling_error(self) -> SamplingError | None:
        """How far another test set would move the difference."""
        return sampling_error(self.data, self.comparison)

    @cached_property
    def badges(self) -> tuple[Badge, ...]:
        """The conditions of a fair comparison, checked."""
        return integrity_of(self.data, self.comparison, self.account)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The curves of the compared configurations by steps since the growth; see `on_growth_axis`."""
        return on_growth_axis(self.data.curves, self.comparison.pairs, self.data.arms)

    @cached_property
    def curve_arms(self) -> list[str]:
        """The arms that have curves around the growth."""
        known = set(self.curves["arm"].unique())
        return [arm for arm in self.data.arms if arm in known]

    @cached_property
    def arrivals(self) -> pd.DataFrame:
        """Every evaluation of every arrival of classes; see `evaluations_by_arrival`."""
        return evaluations_by_arrival(self.data)

    @cached_property
    def interval(self) -> int:
        """The usual number of steps from one evaluation to the next; see `evaluation_interval`."""
        return evaluation_interval(self.curves)

    @cached_property
    def costs(self) -> dict[Cost, AtCost]:
        """What each arm had reached after so many seconds, and after so many operations."""
        return at_costs(self.data, self.measure)

    @cached_property
    def drivers(self) -> tuple[Driver, ...]:
        """Which searched fields the difference depends on, and which the metric itself."""
        return drivers(self.data, self.comparison, self.measure)

    @cached_property
    def weighed(self) -> Weighed | None:
        """The configurations by all objectives; None for a study with one objective."""
        return weighed(self.data)
