from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reporting.analysis.best_so_far import best_so_far, expected_best


def test_the_best_is_chosen_by_one_value_and_judged_by_the_other() -> None:
    found = best_so_far(np.array([0.2, 0.1, 0.5, 0.4]), np.array([10.0, 99.0, 7.0, 99.0]))

    assert found.tolist() == [10, 10, 7, 7]


def test_what_has_no_result_is_never_chosen() -> None:
    found = best_so_far(np.array([np.nan, 0.2, np.nan]), np.array([np.nan, 5.0, np.nan]))

    assert np.isnan(found[0])
    assert found[1:].tolist() == [5, 5]


PAIRS = st.lists(
    st.tuples(st.integers(0, 99), st.floats(-9, 9)), min_size=1, max_size=5, unique_by=lambda pair: pair[0]
)


@given(PAIRS)
def test_the_expected_best_is_the_mean_over_all_orders(pairs: list[tuple[int, float]]) -> None:
    values = np.array(pairs, dtype=float)

    found = expected_best(values[:, 0], values[:, 1])

    orders = [best_so_far(*values[list(order)].T) for order in permutations(range(len(values)))]
    assert found == pytest.approx(np.mean(orders, axis=0), abs=1e-12)


def test_of_very_many_configurations_nothing_overflows() -> None:
    values = np.arange(1050.0)  # of 1,030, half can be chosen in more ways than a float can count

    found = expected_best(values, values)

    assert np.isfinite(found).all()
    assert found[-1] == 1049
