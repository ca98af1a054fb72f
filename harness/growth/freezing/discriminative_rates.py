"""Lower learning rates for lower layers."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate, cut

__all__ = ["DiscriminativeRates"]


class DiscriminativeRates(AbstractFreezePolicy):
    """Multiply the learning rates of an old part by `top * decay ** d` if d parts lie above it (arXiv 1801.06146).

    `layers` are module paths in the order of the network's modules. A part ends with each of them, and all that comes
    after the last one is a part as well. With `decay=0` only the topmost part is trained, and the rest is frozen.
    """

    kind: Literal["discriminative_rates"] = "discriminative_rates"
    layers: Annotated[tuple[str, ...], Field(min_length=1)]
    decay: Annotated[float, Field(ge=0, le=1)] = 1 / 2.6
    top: PositiveFloat = 1.0

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:
        """Return what has the factor 0."""
        factors = self.lr_factors(candidates, growth=growth, age=age)
        return frozenset(name for name, factor in factors.items() if not factor)

    def lr_factors(
        self,
        candidates: tuple[Candidate, ...],
        *,
        growth: int,
        age: int,  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Return the factors of all that is old."""
        number = cut(candidates, self.layers)
        old = [candidate.id for candidate in candidates if candidate.birth < growth]
        parts = sorted({number[name] for name in old}, reverse=True)
        factor = {part: self.top * self.decay**depth for depth, part in enumerate(parts)}
        return {name: factor[number[name]] for name in old}
