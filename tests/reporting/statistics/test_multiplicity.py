import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.reporting.statistics import holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_adjusted_p_values_are_those_of_statsmodels(p_values: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "collect", lambda: 0)  # which statsmodels does every time, for seconds among many tests
        expected = multipletests(p_values, method="holm")[1]

    assert holm(p_values) == pytest.approx(expected.tolist(), rel=1e-12)


def test_a_test_that_could_not_be_made_still_counts() -> None:
    first, second, third = holm([0.01, np.nan, 0.03])

    assert (first, third) == pytest.approx((0.03, 0.06))
    assert np.isnan(second)


def test_no_tests_have_no_p_values() -> None:
    assert holm([]) == ()
