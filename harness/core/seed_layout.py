"""Which seeds a configuration is run with: its own, some of a small pool, or those that all configurations have."""

from collections.abc import Mapping
from typing import Literal

from harness.core.errors import SpecError

__all__ = ["LAYOUTS", "POOL", "SeedLayout", "seeds_of"]

SeedLayout = Literal["own", "pooled", "crossed"]

LAYOUTS: Mapping[SeedLayout, str] = {
    "own": "seeds of their own",
    "pooled": "seeds from a pool of 16",
    "crossed": "the same seeds",
}
STRIDE = 1000  # seed 3002 is the third of configuration 3, as long as a configuration has no more than a thousand
POOL, STEP = 16, 5  # the step has no factor in common with the pool, so 16 seeds in a row are all of them


def seeds_of(layout: SeedLayout, trial: int, seeds: int) -> tuple[int, ...]:
    """Return the seeds of configuration `trial`; asked for more, it returns these and others behind them.

    >>> seeds_of("own", 3, 2), seeds_of("pooled", 3, 2), seeds_of("crossed", 3, 2)
    ((3000, 3001), (3, 8), (0, 1))

    Raises:
        SpecError: there are not so many.
    """
    most = {"own": STRIDE, "pooled": POOL}.get(layout, seeds)
    if seeds > most:
        raise SpecError(f"seeds: expected at most {most} of each configuration with {LAYOUTS[layout]}, found {seeds}")
    if layout == "own":
        return tuple(range(STRIDE * trial, STRIDE * trial + seeds))
    if layout == "pooled":
        return tuple((trial + STEP * seed) % POOL for seed in range(seeds))
    return tuple(range(seeds))
