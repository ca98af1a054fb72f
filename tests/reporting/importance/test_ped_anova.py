from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from harness.reporting.importance.encoding import encoded
from harness.reporting.importance.ped_anova import best_share, divergences

SPACE: dict[str, BaseDistribution] = {
    "when": IntDistribution(200, 800, step=200),
    "loss weight": FloatDistribution(0.01, 10.0, log=True),
    "slope": FloatDistribution(0.0, 1.0),
}


def drawn(configurations: int, seed: int) -> tuple[dict[str, list[Any]], np.ndarray]:
    """Return values that reach the ends of the space, and a target that follows two of the fields."""
    draws = np.random.default_rng(seed)
    weight, slope = 10 ** draws.uniform(-2, 1, configurations), draws.uniform(0, 1, configurations)
    weight[:2], slope[:2] = (0.01, 10.0), (0.0, 1.0)
    when = draws.choice([200, 400, 600, 800], configurations)
    target = np.log10(weight) + when / 400 + 0.3 * draws.normal(size=configurations)
    return {"when": when.tolist(), "loss weight": weight.tolist(), "slope": slope.tolist()}, target


@pytest.mark.parametrize("seed", range(3))
def test_optuna_finds_the_same_divergences(seed: int) -> None:
    fields, target = drawn(400, seed)
    study = optuna.create_study(direction="maximize")
    for place, value in enumerate(target):
        params = {name: values[place] for name, values in fields.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=SPACE, value=float(value)))
    expected = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    design = encoded(fields, np.random.default_rng(0), ["loss weight"])

    found = divergences(design, target[None], np.arange(400)[None])[0]

    assert dict(zip(design.names, found / found.sum(), strict=True)) == pytest.approx(expected, rel=1e-6)


def test_unordered_values_are_counted_with_one_observation_spread_over_all() -> None:
    fields: dict[str, list[Any]] = {"where": ["early"] * 5 + ["late"] * 15}
    target = np.array([1.0] * 5 + [0.0] * 15)

    ((found,),) = divergences(encoded(fields, np.random.default_rng(0)), target[None], np.arange(20)[None])

    top, whole = np.array([5.5, 0.5]) / 6, np.array([5.5, 15.5]) / 21
    assert found == pytest.approx(float(np.sum((top - whole) ** 2 / whole)), rel=1e-12)


def test_if_the_best_are_all_there_are_there_is_no_divergence() -> None:
    fields: dict[str, list[Any]] = {"where": ["a", "b", "a", "b", "a"], "width": [1, 2, 3, 4, 5]}

    found = divergences(encoded(fields, np.random.default_rng(0)), np.arange(5.0)[None], np.arange(5)[None])

    assert found[0] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_resamples_of_one_value_have_a_density() -> None:
    design = encoded({"width": [1, 2, 3, 4, 5, 6]}, np.random.default_rng(0))

    assert np.isfinite(divergences(design, np.arange(6.0)[None], np.full((1, 6), 3))).all()


@pytest.mark.parametrize(("configurations", "best"), [(12, 5), (50, 5), (51, 6), (200, 20)])
def test_a_tenth_is_the_best_and_never_fewer_than_five(configurations: int, best: int) -> None:
    assert best_share(configurations) * configurations == pytest.approx(best)
