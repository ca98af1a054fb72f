import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from harness.reporting.importance.forest import forest_means
from harness.reporting.importance.small_forest import MOST_EXAMPLES, small_forest_means

METHODS = [forest_means, small_forest_means]


@pytest.mark.parametrize(("size", "fields", "leaf"), [(2, 1, 1), (12, 3, 2), (MOST_EXAMPLES, 5, 1), (150, 5, 6)])
def test_it_is_scikit_learns_forest_to_the_bit(size: int, fields: int, leaf: int) -> None:
    stream = np.random.default_rng(size)
    inputs = np.column_stack([stream.normal(size=(size, fields)), stream.integers(2, size=size), np.full(size, 0.5)])
    at = stream.normal(size=(40, fields + 2))
    # Many targets are equal, many configurations come twice, or rounding decides between splits.
    targets = [stream.normal(size=size), stream.integers(3, size=size) / 7, np.zeros(size), stream.normal(1e6, 1, size)]
    rows = [
        np.arange(size),
        stream.integers(size, size=size),
        np.arange(size),
        np.sort(stream.integers(size, size=size)),
    ]
    forests = [RandomForestRegressor(8, min_samples_leaf=leaf, random_state=0) for _ in targets]
    expected = [
        forest.fit(inputs[own], target).predict(at) for forest, target, own in zip(forests, targets, rows, strict=True)
    ]

    for means in METHODS if size <= MOST_EXAMPLES else METHODS[:1]:
        assert np.array_equal(means(inputs[rows], np.array(targets), at, trees=8, leaf=leaf), expected)


def test_a_small_forest_is_scikit_learns_whatever_its_fields_are() -> None:
    stream = np.random.default_rng(0)
    for _ in range(12):
        size, fields, values = (int(number) for number in stream.integers([5, 1, 1], [MOST_EXAMPLES + 1, 6, 5]))
        inputs, target = stream.integers(values, size=(size, fields)).astype(float), stream.integers(4, size=size) / 3
        inputs[:, 0] = stream.normal(size=size)

        found = small_forest_means(inputs[None], target[None], inputs, trees=16, leaf=2)

        forest = RandomForestRegressor(16, min_samples_leaf=2, random_state=0).fit(inputs, target)
        assert np.array_equal(found[0], forest.predict(inputs))
