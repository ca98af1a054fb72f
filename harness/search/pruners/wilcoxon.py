"""Stopping a configuration when its seeds so far say so."""

import warnings
from typing import Annotated, Literal

from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, WilcoxonPruner
from pydantic import Field, PositiveInt

from harness.core.errors import SpecError
from harness.search.pruners._base import AbstractPruner, Race, Rung

__all__ = ["Wilcoxon"]


class Wilcoxon(AbstractPruner):
    """Runs one seed after the other to its end, until a signed-rank test says that the best configuration is better.

    Attributes:
        p: below it the configuration is given up.
        startup: seeds that are always run.
    """

    kind: Literal["wilcoxon"] = "wilcoxon"
    p: Annotated[float, Field(gt=0, lt=1)] = 0.1
    startup: PositiveInt = 2

    def rungs(self, race: Race) -> tuple[Rung, ...]:
        """Return a rung after every seed but the last.

        Raises:
            SpecError: so few seeds can never reach `p`.
        """
        if (least := 0.5 ** (race.seeds - 1)) >= self.p:
            raise SpecError(
                f"pruner: {self.kind!r} decides before the last seed and needs p < {self.p}; {race.seeds} seeds give "
                f"{least:.3g} at the least; take more seeds"
            )
        return tuple(Rung(seed, range(seed, seed + 1)) for seed in range(race.seeds - 1))

    def made(self, race: Race) -> BasePruner:  # noqa: ARG002
        """Return Optuna's pruner."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return WilcoxonPruner(p_threshold=self.p, n_startup_steps=self.startup)
