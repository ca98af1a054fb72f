import re

import pandas as pd
import pytest

from harness.benchmarks import statistics
from harness.benchmarks._base import Figure
from harness.benchmarks.simulation import SimulatedStudy
from harness.benchmarks.statistics import StatisticsBenchmark
from harness.reporting.analysis.pairing import Comparison, compare

# A hundred studies leave a standard error of two percentage points in a rate of 5 %.
NOISE = 7


def test_of_few_studies_the_analysis_is_about_as_often_right_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "STUDIES_QUICK", 100)

    figures = [figure for figure in StatisticsBenchmark().measure(quick=True) if figure.target]

    far = [figure for figure in figures if not figure.met and distance(figure) > NOISE]
    assert far == []
    assert len(figures) == 117


def distance(figure: Figure) -> float:
    """Return how far a figure is from the nearest limit of its target."""
    return min(abs(figure.value - float(limit)) for limit in re.findall(r"[0-9.]+", figure.target))


@pytest.mark.campaign
def test_the_reports_analysis_is_as_often_right_as_it_says() -> None:
    figures = StatisticsBenchmark().measure(quick=True)

    missed = [f"{figure.figure}: {figure.value:.2f}, {figure.target}" for figure in figures if figure.met is False]
    assert missed == []
    assert len([figure for figure in figures if figure.target]) == 117
    assert statistics.STUDIES_QUICK >= 2_000


@pytest.mark.parametrize("truth", [-1.0, 1.0])
def test_an_interval_that_lies_to_one_side_of_the_truth_does_not_hold_it(
    truth: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedStudy, "estimand", truth)

    record = statistics._analyzed(statistics.SCENARIOS["few configurations, 5 x 3"], 10)

    assert record.covered == 0


def test_an_interval_that_is_too_narrow_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they come out where seeds are taken for independent configurations."""

    def by_run(runs: pd.DataFrame, first: str, second: str, metric: str, *, failure_value: float) -> Comparison:
        pooled = runs.assign(trial=runs["trial"] * 100_000 + runs["seed"])
        return compare(pooled, first, second, metric, failure_value=failure_value)

    monkeypatch.setattr(statistics, "compare", by_run)
    scenarios = ("an effect, 20 x 5", "no effect, 12 x 3")

    figures = [figure for name in scenarios for figure in statistics._held(name, statistics.SCENARIOS[name], 300)]

    met = {figure.figure: figure.met for figure in figures}

    assert met["an effect, 20 x 5: 95 % intervals that hold the truth (%)"] is False
    assert met['no effect, 12 x 3: false "better" (%)'] is False
