from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize

from harness.reporting.statistics.root import root


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (lambda x: x**3 - 2, 0.0, 5.0),
        (lambda x: np.expm1(9 * x) - 40, 0.0, 1.0),
        (lambda x: 1e-9 * (x - 0.25), 0.0, 1.0),
        (lambda x: np.tanh(50 * (x - 0.7)), 0.0, 1.0),
        (lambda x: x, 0.0, 1.0),
        (lambda x: x - 1, 0.0, 1.0),
        (lambda x: -1.0 if x < 0.3 else 1.0, 0.0, 1.0),
        (lambda x: np.cos(x), 3.0, 0.0),
    ],
)
def test_it_is_scipys_root_to_the_bit(function: Callable[[float], float], low: float, high: float) -> None:
    assert root(function, low, high) == optimize.brentq(function, low, high)


def test_a_function_without_a_change_of_sign_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected other signs at 0.0 and 1.0, found 1.0 and 2.0"):
        root(lambda x: x + 1, 0.0, 1.0)
