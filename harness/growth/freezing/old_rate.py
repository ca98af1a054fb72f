"""A learning rate of its own for what is old."""

from collections.abc import Mapping
from typing import Literal

from pydantic import PositiveFloat, model_validator

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate

__all__ = ["OldRate"]


class OldRate(AbstractFreezePolicy):
    """Freeze as `policy` does, and multiply the learning rates of all else that is old by `factor`.

    A growth's `lr_factor` is that of new parameters. With both, a study can search the learning rates of old and new
    parts apart from each other, whatever stays frozen, and what is trained before the growth is shared.
    """

    kind: Literal["old_rate"] = "old_rate"
    factor: PositiveFloat
    policy: AbstractFreezePolicy

    @model_validator(mode="after")
    def _treat_norms_alike(self) -> "OldRate":
        if self.frozen_norm != self.policy.frozen_norm:
            raise ValueError(
                f"expected the frozen_norm of the policy, {self.policy.frozen_norm!r}, found {self.frozen_norm!r}; "
                "give both the same"
            )
        return self

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:
        """Return what the policy freezes."""
        return self.policy.frozen(candidates, growth=growth, age=age)

    def lr_factors(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> Mapping[str, float]:
        """Return the factors of all that is old."""
        factors = self.policy.lr_factors(candidates, growth=growth, age=age)
        old = (candidate.id for candidate in candidates if candidate.birth < growth)
        return {name: self.factor * factors.get(name, 1.0) for name in old}

    @property
    def freezes_old_parameters(self) -> bool:
        """Whether the policy does."""
        return self.policy.freezes_old_parameters

    def changes(self) -> tuple[int, ...]:
        """Return the ages at which the policy changes its answer."""
        return self.policy.changes()
