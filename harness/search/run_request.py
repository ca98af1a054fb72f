"""The runs that a study asks for: every configuration under every arm and seed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from harness.search.study import Study
from harness.staging.ledger import RunKey
from harness.staging.run import RunConfig
from harness.staging.run_name import run_name

__all__ = ["RunRequest", "run_requests"]


@dataclass(frozen=True)
class RunRequest:
    """A run to be executed: its key in the study, the searched values, and the configuration that they make.

    Attributes:
        until: the step of the rung at which it waits for the pruner's decision; None to train it to its end.
        test: whether it is evaluated on test data.
        spec_digest: of the study's spec when the run is requested, as in `RunRecord`.
    """

    study: str
    trial: int
    arm: str
    seed: int
    params: dict[str, Any]
    config: RunConfig
    until: int | None = None
    test: bool = True
    spec_digest: str = ""

    @property
    def key(self) -> RunKey:
        """Trial, arm and seed."""
        return self.trial, self.arm, self.seed

    @property
    def name(self) -> str:
        """The name that people read."""
        return run_name(*self.key)

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON."""
        return {**vars(self), "config": self.config.to_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RunRequest":
        """Read what `to_json` wrote; the classes that the study's file defines must be loaded."""
        return cls(**{**content, "config": RunConfig.model_validate(content["config"])})


def run_requests(
    study: Study,
    trial: int,
    params: Mapping[str, Any],
    *,
    arms: Iterable[str],
    seeds: Iterable[int],
    test: bool = True,
) -> tuple[RunRequest, ...]:
    """Return the runs of one configuration, whose searched values are `params`, by seed and arm."""
    return tuple(
        RunRequest(study.name, trial, arm, seed, dict(params), study.config(params, arm, seed), test=test)
        for seed, arm in product(seeds, arms)
    )
