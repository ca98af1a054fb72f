"""What a sampler is."""

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from harness.core.seeding import stream_seed
from harness.core.spec import LeafSpec
from harness.search.space import AbstractDimension
from harness.training.metrics import Direction

__all__ = ["AbstractOptunaSampler", "AbstractSampler", "Search", "Told"]


@dataclass(frozen=True)
class Search:
    """What is searched: the name of the study, its space, and which way is better."""

    name: str
    space: Mapping[str, AbstractDimension]
    direction: Direction = "maximize"


@dataclass(frozen=True)
class Told:
    """A trial that has ended: its configuration and its value, None if no run of it completed.

    A `given` configuration is a baseline, not proposed by the sampler. One that was `pruned` has its values so far.
    """

    params: Mapping[str, Any]
    value: float | None
    given: bool = False
    pruned: Mapping[int, float] | None = None


class AbstractSampler(LeafSpec):
    """Proposes configurations. A proposal is a function of the search, its number and the trials told before.

    So nothing of a sampler is stored, and 30 trials in one go equal 15 and then 15.
    """

    learns: ClassVar[bool] = False
    """Whether a proposal waits for the trials before it."""

    @abstractmethod
    def point(self, search: Search, number: int, told: Sequence[Told]) -> dict[str, Any]:
        """Return proposal `number`, from 0; `told` are the trials before it in order, empty unless `learns`."""

    def limit(self, search: Search) -> int | None:  # noqa: ARG002
        """Return how many proposals there are, None if there is no end."""
        return None


class AbstractOptunaSampler(AbstractSampler):
    """One of Optuna's samplers, made anew for every proposal from the stream of its number."""

    learns: ClassVar[bool] = True
    keeps_notes: ClassVar[bool] = False
    """Whether Optuna's sampler writes its state beside its trials; then they are asked for again, not only shown."""

    @abstractmethod
    def made(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler."""

    def point(self, search: Search, number: int, told: Sequence[Told]) -> dict[str, Any]:
        """Return what Optuna proposes in a study in memory of the trials told, in their order."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study = optuna.create_study(direction=search.direction)
            proposed = 0
            for trial in told:
                if trial.given or not self.keeps_notes:
                    _show(study, search, trial)
                else:
                    asked = self._ask(study, search, proposed)
                    _tell(study, asked, trial)
                proposed += not trial.given
            return self._ask(study, search, number).params

    def _ask(self, study: optuna.Study, search: Search, number: int) -> optuna.Trial:
        study.sampler = self.made(stream_seed(0, "sampler", search.name, number) % 2**32)
        return study.ask(fixed_distributions={name: one.distribution() for name, one in search.space.items()})


def _show(study: optuna.Study, search: Search, trial: Told) -> None:
    study.add_trial(
        optuna.trial.create_trial(
            params=dict(trial.params),
            distributions={name: one.distribution() for name, one in search.space.items()},
            value=trial.value,
            intermediate_values=dict(trial.pruned or {}),
            state=_state(trial),
        )
    )


def _tell(study: optuna.Study, asked: optuna.Trial, trial: Told) -> None:
    for step, value in (trial.pruned or {}).items():
        asked.report(value, step)
    state = _state(trial)
    study.tell(asked, trial.value if state == TrialState.COMPLETE else None, state=state)


def _state(trial: Told) -> TrialState:
    if trial.pruned is not None:
        return TrialState.PRUNED
    return TrialState.FAIL if trial.value is None else TrialState.COMPLETE
