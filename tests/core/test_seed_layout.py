from typing import get_args

import pytest

from harness.core.errors import SpecError
from harness.core.seed_layout import POOL, SeedLayout, seeds_of


@pytest.mark.parametrize("layout", get_args(SeedLayout))
def test_asked_for_more_seeds_a_layout_keeps_those_that_it_gave(layout: SeedLayout) -> None:
    for trial in range(40):
        assert seeds_of(layout, trial, 5)[:3] == seeds_of(layout, trial, 3)
        assert len(set(seeds_of(layout, trial, POOL))) == POOL


def test_no_two_configurations_have_a_seed_of_their_own_in_common() -> None:
    seeds = [seed for trial in range(50) for seed in seeds_of("own", trial, 7)]

    assert len(set(seeds)) == len(seeds)


def test_every_seed_of_the_pool_is_used_equally_often() -> None:
    seeds = [seed for trial in range(POOL) for seed in seeds_of("pooled", trial, 3)]

    assert {seeds.count(seed) for seed in range(POOL)} == {3}


@pytest.mark.parametrize(("layout", "seeds"), [("pooled", 17), ("own", 1001)])
def test_more_seeds_than_there_are_are_refused(layout: SeedLayout, seeds: int) -> None:
    with pytest.raises(SpecError, match=f"seeds: expected at most {seeds - 1} of each configuration .*, found {seeds}"):
        seeds_of(layout, 0, seeds)
