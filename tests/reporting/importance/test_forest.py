import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from harness.reporting.importance.forest import forest_means


@pytest.mark.parametrize(("size", "fields", "leaf"), [(2, 1, 1), (12, 3, 2), (23, 1, 2), (150, 5, 6)])
def test_it_is_scikit_learns_forest_to_the_bit(size: int, fields: int, leaf: int) -> None:
    stream = np.random.default_rng(size)
    inputs = np.column_stack([stream.normal(size=(size, fields)), stream.integers(2, size=size)])
    at = stream.normal(size=(40, fields + 1))

    for target in (stream.normal(size=size), stream.integers(3, size=size).astype(float), np.zeros(size)):
        found = forest_means(inputs, target, at, trees=8, leaf=leaf)

        forest = RandomForestRegressor(8, min_samples_leaf=leaf, random_state=0).fit(inputs, target)
        assert np.array_equal(found, forest.predict(at))
