from itertools import product

import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics import sign_flip, stream

VALUES = [0.012, -0.003, 0.021, 0.008, 0.015, 0.001, -0.007, 0.019, 0.002, -0.011, 0.006, 0.013]


def test_up_to_fourteen_units_every_pattern_of_signs_is_tried() -> None:
    sums = np.array([np.dot(signs, VALUES) for signs in product((-1, 1), repeat=len(VALUES))])
    as_far = np.mean(np.abs(sums) >= abs(sum(VALUES)) - 1e-12)

    tested = sign_flip(VALUES)

    assert tested is not None
    assert tested.exact
    assert tested.p == pytest.approx(as_far, rel=1e-12)


def test_beyond_that_they_are_drawn_and_come_close_to_the_t_test() -> None:
    values = np.random.default_rng(0).normal(0.4, 1, 25).tolist()

    first, second = sign_flip(values), sign_flip(values)

    assert first is not None
    assert first == second
    assert not first.exact
    assert first.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)


def test_five_units_never_reach_five_percent() -> None:
    tested = sign_flip([1.0, 2.0, 3.0, 4.0, 5.0])

    assert tested is not None
    assert tested.p == pytest.approx(2 / 2**5)


@pytest.mark.parametrize("size", [5, 9, 14, 15, 40])
def test_it_is_scipys_permutation_test_to_the_bit(size: int) -> None:
    draws = np.random.default_rng(size)

    for values in (draws.normal(0.2, 1, size), draws.integers(-2, 3, size) / 7, draws.choice([-0.1, 0.1], size)):
        tested = sign_flip(values.tolist())

        expected = stats.permutation_test(
            (values,),
            np.mean,
            permutation_type="samples",
            n_resamples=np.inf if size <= 14 else 99_999,
            batch=10_000,
            rng=stream("sign flip"),
        )
        assert tested is not None
        assert tested.p == expected.pvalue


def test_differences_of_zero_say_nothing() -> None:
    tested = sign_flip([0.0] * 6)

    assert tested is not None
    assert tested.p == 1.0


def test_below_five_units_there_is_no_test() -> None:
    assert sign_flip(VALUES[:4]) is None
