from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from harness.reporting.importance import permutation
from harness.reporting.importance.encoding import encoded
from harness.reporting.importance.fanova import main_effects
from harness.reporting.importance.ped_anova import divergences
from harness.reporting.importance.permutation import Importance, Sizes, importance_of

METHODS = [main_effects, divergences]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less often, where it is not the numbers that count."""
    monkeypatch.setattr(permutation, "RESAMPLES", 2)
    monkeypatch.setattr(permutation, "SHUFFLES", 39)
    monkeypatch.setattr("harness.reporting.importance.fanova.TREES", 4)


def drawn(configurations: int, seed: int) -> dict[str, list[Any]]:
    draws = np.random.default_rng(seed)
    return {
        "where": draws.choice(["early", "late"], configurations).tolist(),
        "when": draws.choice([200, 400, 600], configurations).tolist(),
        "loss weight": draws.uniform(0.25, 4.0, configurations).tolist(),
    }


def found_in(fields: dict[str, list[Any]], target: Sequence[float], sizes: Sizes) -> Importance | None:
    return importance_of(encoded(fields, np.random.default_rng(0)), target, sizes)


@pytest.mark.parametrize("sizes", METHODS)
def test_what_the_target_follows_is_named_and_nothing_else(sizes: Sizes) -> None:
    fields, noise = drawn(200, 0), np.random.default_rng(1).normal(size=200)
    target = 3.0 * (np.array(fields["where"]) == "late") + np.array(fields["when"]) / 200 + 0.3 * noise

    found = found_in(fields, target.tolist(), sizes)

    assert found is not None
    assert set(found.named) == {"where", "when"}
    assert [field.size for field in found.fields] == sorted((field.size for field in found.fields), reverse=True)
    assert all(field.low <= field.high for field in found.fields)
    assert all(0 < field.low <= field.size <= field.high for field in found.fields if field.name in found.named)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("sizes", METHODS)
def test_in_noise_hardly_any_field_is_named(sizes: Sizes) -> None:
    found = [
        found_in(drawn(20, seed), np.random.default_rng([9, seed]).normal(size=20).tolist(), sizes)
        for seed in range(40)
    ]

    # At 5 % a study, more than 6 of 40 come about once in 300 times.
    assert sum(bool(result and result.named) for result in found) <= 6


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("sizes", METHODS)
def test_the_same_data_give_the_same_sizes(sizes: Sizes) -> None:
    fields, target = drawn(12, 0), list(range(12))

    assert found_in(fields, target, sizes) == found_in(fields, target, sizes)


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
    assert found_in(fields, target, main_effects) is None


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 targets, one a configuration, found 3"):
        found_in({"when": [1, 2]}, [1.0, 2.0, 3.0], main_effects)
    with pytest.raises(ValueError, match="finite target"):
        found_in({"when": [1, 2]}, [1.0, np.nan], main_effects)
