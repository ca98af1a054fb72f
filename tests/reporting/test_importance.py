from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.reporting import importance
from harness.reporting.importance import effect_importance, importance_of, metric_importance
from harness.reporting.pairing import compare
from harness.reporting.simulation import ARMS, SimulatedStudy

METRIC = "test/accuracy/0"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take fewer and smaller forests, where it is not the numbers that count."""
    for name, value in (("TREES", 4), ("RESAMPLES", 2), ("SHUFFLES", 39)):
        monkeypatch.setattr(importance, name, value)


def drawn(configurations: int, seed: int) -> dict[str, list[Any]]:
    stream = np.random.default_rng(seed)
    return {
        "where": stream.choice(["early", "late"], configurations).tolist(),
        "when": stream.choice([200, 400, 600], configurations).tolist(),
        "loss weight": stream.uniform(0.25, 4.0, configurations).tolist(),
    }


def test_shares_are_those_of_the_variance_that_the_fields_bring() -> None:
    fields, noise = drawn(400, 0), np.random.default_rng(1).normal(size=400)
    target = 2.0 * (np.array(fields["where"]) == "late") + np.array(fields["when"]) / 200 + noise

    found = importance_of(fields, target.tolist())

    # The variances are 1, 2/3 and 1: where brings 37.5 %, when 25 %.
    assert found is not None
    shares = {field.name: field.share for field in found.fields}
    assert shares["where"] == pytest.approx(0.375, abs=0.08)
    assert shares["when"] == pytest.approx(0.25, abs=0.08)
    assert found.named == ("where", "when")
    assert all(field.low <= field.share <= field.high for field in found.fields[:2])


def test_the_means_at_each_value_go_the_way_of_the_target() -> None:
    fields = drawn(100, 0)

    found = importance_of(fields, np.array(fields["when"], dtype=float).tolist())

    assert found is not None
    when = found.fields[0]
    assert (when.name, when.settings) == ("when", (200.0, 400.0, 600.0))
    assert when.means == pytest.approx((200.0, 400.0, 600.0), abs=10)


@pytest.mark.usefixtures("small")
def test_in_noise_hardly_any_field_is_named() -> None:
    found = [
        importance_of(drawn(20, seed), np.random.default_rng([9, seed]).normal(size=20).tolist()) for seed in range(40)
    ]

    # At 5 % a study, more than 6 of 40 come about once in 300 times.
    assert sum(bool(result and result.named) for result in found) <= 6


@pytest.mark.usefixtures("small")
def test_the_same_data_give_the_same_shares() -> None:
    fields, target = drawn(12, 0), list(range(12))

    assert importance_of(fields, target) == importance_of(fields, target)


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        (drawn(11, 0), list(range(11))),
        (drawn(12, 0), [0.5] * 12),
        ({"when": [200] * 12}, list(range(12))),
        ({}, list(range(12))),
    ],
)
def test_where_there_is_nothing_to_go_by_there_is_no_answer(fields: dict[str, list[Any]], target: list[float]) -> None:
    assert importance_of(fields, target) is None


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 3 values of 'when'"):
        importance_of({"when": [1, 2]}, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="finite target"):
        importance_of({"when": [1, 2]}, [1.0, np.nan])


@pytest.mark.usefixtures("small")
def test_the_effect_and_the_metric_are_taken_from_the_runs() -> None:
    runs = SimulatedStudy(30, 2, effect=0.0, between=0.0, noise=0.001).draw(np.random.default_rng(0))
    where = np.where(runs["trial"] % 2, "early", "late")
    gain = np.where((where == "early") & (runs["arm"] == ARMS[0]), 0.05, 0.0)
    searched: dict[str, Any] = {"param/where": where, "param/when": runs["trial"] % 3 * 100}
    runs = runs.assign(**searched, **{METRIC: runs[METRIC] + gain})

    effect = effect_importance(runs, compare(runs, *ARMS, METRIC))
    frozen = metric_importance(runs, "frozen", METRIC, failure_value=0.1)

    assert effect is not None
    assert effect.named == ("where",)
    assert effect.configurations == 30
    assert frozen is not None
    assert frozen.named == ()


@pytest.mark.usefixtures("small")
def test_configurations_without_a_result_are_left_out() -> None:
    runs = SimulatedStudy(13, 1).draw(np.random.default_rng(0))
    runs = runs.assign(**{"param/when": runs["trial"] % 2}, status=runs["status"].mask(runs["trial"] == 3, "running"))

    found = metric_importance(pd.DataFrame(runs), ARMS[0], METRIC)

    assert found is not None
    assert found.configurations == 12
