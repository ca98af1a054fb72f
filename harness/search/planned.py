"""The runs of a study: every configuration under every arm and seed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from harness.search.study import Study
from harness.staging.ledger import RunKey
from harness.staging.run import RunConfig

__all__ = ["PlannedRun", "planned_runs"]


@dataclass(frozen=True)
class PlannedRun:
    """One run: its place in the study, the searched values, and the configuration that they make.

    Attributes:
        until: the step at which it waits for whether it may go on; None to train it to its end.
        test: whether it is evaluated on test data.
        plan: the digest of the study's spec under which it is begun, as in `RunRecord`.
    """

    study: str
    trial: int
    arm: str
    seed: int
    params: dict[str, Any]
    config: RunConfig
    until: int | None = None
    test: bool = True
    plan: str = ""

    @property
    def key(self) -> RunKey:
        """The run's place in the study."""
        return self.trial, self.arm, self.seed

    def to_json(self) -> dict[str, Any]:
        """Return the run as plain JSON."""
        return {**vars(self), "config": self.config.to_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "PlannedRun":
        """Read what `to_json` wrote; the classes that the study's file defines must be loaded."""
        return cls(**{**content, "config": RunConfig.model_validate(content["config"])})

    @property
    def name(self) -> str:
        """The run as people say it."""
        return f"trial {self.trial} · {self.arm} · seed {self.seed}"


def planned_runs(
    study: Study,
    trial: int,
    params: Mapping[str, Any],
    *,
    arms: Iterable[str],
    seeds: Iterable[int],
    test: bool = True,
) -> tuple[PlannedRun, ...]:
    """Return the runs of one configuration, whose searched values are `params`, by seed and arm."""
    return tuple(
        PlannedRun(study.name, trial, arm, seed, dict(params), study.config(params, arm, seed), test=test)
        for seed, arm in product(seeds, arms)
    )
