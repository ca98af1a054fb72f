import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from harness.benchmarks.simulation import ARMS, SimulatedStudy
from harness.reporting.analysis.secondary import secondary_endpoints

METRICS = ["test/accuracy/0", "test/accuracy/1", "test/accuracy/2"]


def test_p_values_bear_the_number_of_endpoints() -> None:
    runs = SimulatedStudy(effect=0.01, metrics=3).draw(np.random.default_rng(0))

    endpoints = secondary_endpoints(runs, *ARMS, METRICS)

    alone = [endpoint.comparison.mean.p for endpoint in endpoints]
    assert [endpoint.p_adjusted for endpoint in endpoints] == pytest.approx(multipletests(alone, method="holm")[1])
    assert [endpoint.differs for endpoint in endpoints] == [endpoint.p_adjusted <= 0.05 for endpoint in endpoints]


def test_an_endpoint_that_no_run_has_is_no_finding_and_makes_the_others_no_easier() -> None:
    runs = SimulatedStudy(effect=0.01).draw(np.random.default_rng(0))

    known, missing = secondary_endpoints(runs, *ARMS, ["test/accuracy/0", "test/nothing"])

    assert known.p_adjusted == pytest.approx(2 * known.comparison.mean.p)
    assert np.isnan(missing.p_adjusted)
    assert not missing.differs


def test_an_endpoint_that_is_named_twice_counts_once() -> None:
    runs = SimulatedStudy().draw(np.random.default_rng(0))

    assert len(secondary_endpoints(runs, *ARMS, METRICS[:1] * 2)) == 1
    assert secondary_endpoints(runs, *ARMS, []) == ()


def test_few_configurations_have_no_finding_however_clear_it_looks() -> None:
    runs = SimulatedStudy(4, 3, effect=1.0).draw(np.random.default_rng(0))

    assert not any(endpoint.differs for endpoint in secondary_endpoints(runs, *ARMS, ["test/accuracy/0"]))
