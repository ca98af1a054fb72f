from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics import groups_differ_p, stream


def test_it_is_the_share_of_all_ways_to_shuffle_with_at_least_that_f() -> None:
    units = [1.0, 2.0, 4.0, 3.0, 7.0, 8.0]

    every = [stats.f_oneway(way[:3], way[3:5], way[5:]).statistic for way in permutations(units)]

    exact = np.mean(np.array(every) >= every[0] - 1e-9)
    assert groups_differ_p([units[:3], units[3:5], units[5:]]) == pytest.approx(exact, abs=0.02)


def test_of_groups_that_are_alike_one_in_twenty_differs() -> None:
    draws = [stream("alike", number).normal(size=(3, 5)).tolist() for number in range(200)]

    assert 0.01 < np.mean([groups_differ_p(groups) <= 0.05 for groups in draws]) < 0.10


@pytest.mark.parametrize("groups", [[], [[1.0, 2.0, 3.0, 4.0, 5.0]], [[1.0, 2.0], [3.0, 4.0]], [[0.3] * 3, [0.3] * 3]])
def test_where_nothing_can_be_told_there_is_no_p(groups: list[list[float]]) -> None:
    assert np.isnan(groups_differ_p(groups))
