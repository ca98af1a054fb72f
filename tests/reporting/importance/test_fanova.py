from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, get_param_importances

from harness.reporting.importance.encoding import Fields, encoded
from harness.reporting.importance.fanova import main_effects, marginals

SPACE: dict[str, BaseDistribution] = {
    "where": CategoricalDistribution(["early", "late", "last"]),
    "when": IntDistribution(200, 800, step=200),
    "loss weight": FloatDistribution(0.0, 3.0),
    "slope": FloatDistribution(0.0, 1.0),
}


def drawn(configurations: int) -> tuple[dict[str, list[Any]], np.ndarray]:
    draws = np.random.default_rng(0)
    fields = {
        "where": draws.choice(["early", "late", "last"], configurations).tolist(),
        "when": draws.choice([200, 400, 600, 800], configurations).tolist(),
        "loss weight": draws.uniform(0, 3, configurations).tolist(),
        "slope": draws.uniform(0, 1, configurations).tolist(),
    }
    target = np.array(fields["loss weight"]) + np.array(fields["when"]) / 400 + (np.array(fields["where"]) == "early")
    return fields, target + 0.3 * draws.normal(size=configurations)


def effects(design: Fields, target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    shares: np.ndarray = main_effects(design, target[None], rows[None])[0]
    return shares


def test_shares_are_those_of_the_variance_that_the_fields_bring() -> None:
    fields, target = drawn(1_000)
    design = encoded(fields, np.random.default_rng(0))

    shares = dict(zip(design.names, effects(design, target, np.arange(1_000)), strict=True))

    # The variances are 3/4, 5/16, 2/9 and the noise's 0.09.
    whole = 3 / 4 + 5 / 16 + 2 / 9 + 0.09
    assert shares["loss weight"] == pytest.approx(3 / 4 / whole, abs=0.06)
    assert shares["when"] == pytest.approx(5 / 16 / whole, abs=0.06)
    assert shares["where"] == pytest.approx(2 / 9 / whole, abs=0.06)
    assert shares["slope"] < 0.01


def test_what_is_noise_is_no_fields_share() -> None:
    fields, _ = drawn(1_000)
    noise = np.random.default_rng(1).normal(scale=np.sqrt(3 / 4), size=1_000)
    design = encoded(fields, np.random.default_rng(0))

    shares = effects(design, np.array(fields["loss weight"]) + noise, np.arange(1_000))

    assert shares.sum() == pytest.approx(0.5, abs=0.08)


def test_optuna_finds_the_same_shares() -> None:
    fields, target = drawn(500)
    study = optuna.create_study(direction="maximize")
    for place, value in enumerate(target):
        params = {name: values[place] for name, values in fields.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=SPACE, value=float(value)))
    expected = get_param_importances(study, evaluator=FanovaImportanceEvaluator(n_trees=16, seed=0))
    design = encoded(fields, np.random.default_rng(0))

    found = effects(design, target, np.arange(500))

    shares = dict(zip(design.names, found / found.sum(), strict=True))
    assert sorted(shares, key=lambda name: shares[name]) == sorted(expected, key=lambda name: expected[name])
    assert shares == pytest.approx(expected, abs=0.08)


def test_the_means_at_each_value_go_the_way_of_the_target() -> None:
    fields, _ = drawn(100)
    design = encoded(fields, np.random.default_rng(0))

    found = {marginal.name: marginal for marginal in marginals(design, np.array(fields["when"], dtype=float))}

    assert found["when"].settings == (200.0, 400.0, 600.0, 800.0)
    assert found["when"].means == pytest.approx((200.0, 400.0, 600.0, 800.0), abs=20)
    assert np.ptp(found["slope"].means) < 20


def test_resampled_configurations_that_are_all_alike_show_nothing() -> None:
    fields, target = drawn(12)
    design = encoded(fields, np.random.default_rng(0))

    assert effects(design, target, np.zeros(12, dtype=np.intp)).tolist() == [0.0] * 4


def test_a_share_is_numpys_variance_of_weighted_means_to_the_bit() -> None:
    fields, target = drawn(15)
    design = encoded(fields, np.random.default_rng(0))
    means = [np.array(marginal.means) for marginal in marginals(design, target)]

    shares = effects(design, target, np.arange(15))

    spreads = [np.cov(part, aweights=weights, ddof=0) for part, weights in zip(means, design.weights, strict=True)]
    assert shares.tolist() == (np.array(spreads) / np.var(target)).tolist()
