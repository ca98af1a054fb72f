"""Which searched fields matter: sizes by a method, with intervals and a null bar.

There is one target a configuration: the paired effect, or the metric itself. Any method finds something in noise, too;
what it finds for shuffled targets is the null bar, and only a field above it is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.reporting.importance.encoding import Fields
from harness.reporting.statistics import LEVEL, stream

__all__ = ["FEWEST_CONFIGURATIONS", "FieldImportance", "Importance", "Sizes", "importance_of"]

FEWEST_CONFIGURATIONS = 12
RESAMPLES, SHUFFLES = 60, 100

Array = NDArray[np.float64]
# From the fields, targets `[K, configurations]`, and for each the places of the configurations that count, perhaps
# repeatedly, `[K, configurations]`, to the sizes of the fields' importance, `[K, fields]`.
Sizes = Callable[[Fields, Array, NDArray[np.intp]], Array]


@dataclass(frozen=True)
class FieldImportance:
    """How much one field matters.

    Attributes:
        size: by the method's measure, 0 or more.
        low: with `high`, the middle 95 % over resampled configurations; a description, not a test. Where a field hardly
            matters, all of it may lie above `size`: resamples repeat configurations, and so look less varied.
    """

    name: str
    size: float
    low: float
    high: float


@dataclass(frozen=True)
class Importance:
    """How much each field matters to one target.

    Attributes:
        fields: most important first; a field that was not varied is not among them.
        null: the size that, with no field mattering, the most important one stays below in 95 % of all cases.
    """

    fields: tuple[FieldImportance, ...]
    null: float
    configurations: int

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that stand above the null bar."""
        return tuple(field.name for field in self.fields if field.size > self.null)


def importance_of(design: Fields, target: Sequence[float], sizes: Sizes) -> Importance | None:
    """Return how much each field matters to `target`, which has one value a configuration, by the method `sizes`.

    None below twelve configurations, where no method has anything to go by, and where no field or no target varies.

    Raises:
        ValueError: the target has not as many values as the fields, or is no number somewhere.
    """
    aim, size = np.asarray(target, dtype=np.float64), len(target)
    if not np.isfinite(aim).all():
        raise ValueError("expected a finite target for every configuration, found NaN or infinity; leave those out")
    if design.names and len(design.inputs) != size:
        raise ValueError(f"expected {len(design.inputs)} targets, one a configuration, found {size}")
    if not design.names or size < FEWEST_CONFIGURATIONS or np.ptp(aim) == 0:
        return None
    draws, everyone = stream("importance", size), np.arange(size)
    rows = [everyone, *(draws.integers(size, size=size) for _ in range(RESAMPLES)), *[everyone] * SHUFFLES]
    targets = [aim] * (1 + RESAMPLES) + [draws.permutation(aim) for _ in range(SHUFFLES)]
    found, again, shuffled = np.split(sizes(design, np.array(targets), np.array(rows)), [1, 1 + RESAMPLES])
    low, high = np.quantile(again, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
    # The most important of all fields, for the bar holds for every one of them at once.
    noise = shuffled.max(axis=1)
    fields = [
        FieldImportance(*row) for row in zip(design.names, *map(np.ndarray.tolist, (found[0], low, high)), strict=True)
    ]
    return Importance(tuple(sorted(fields, key=lambda field: -field.size)), float(np.quantile(noise, LEVEL)), size)
