"""Optuna's study of the trials told so far, kept from one proposal to the next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from harness.search.conditions import distributions, existing, exists, parents_first
from harness.search.samplers._search import Search, Told

__all__ = ["Memory"]


@dataclass(frozen=True)
class _Asked:
    number: int
    trial: optuna.Trial
    params: dict[str, Any]


@dataclass
class Memory:
    """A study in memory, which hears of each trial once.

    Attributes:
        made: returns Optuna's sampler for the proposal of a number.
        asks: whether trials that were proposed are asked for again, since the sampler writes notes beside them; else
            they are only shown.
    """

    search: Search
    made: Callable[[int], BaseSampler]
    asks: bool
    _heard: list[Told] = field(default_factory=list)
    _proposed: int = 0
    _waiting: _Asked | None = None

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(directions=self.search.directions)

    def precedes(self, number: int, told: Sequence[Told]) -> bool:
        """Return whether `propose` would do as a memory of nothing does: whether `told` goes on where this one is."""
        known = len(self._heard)
        if self._heard != list(told[:known]):
            return False
        if self._waiting is None:
            return True
        if len(told) == known:
            return number == self._waiting.number
        return not told[known].given and told[known].params == self._waiting.params

    def propose(self, number: int, told: Sequence[Told]) -> dict[str, Any]:
        """Return what Optuna proposes as number `number` after the trials told."""
        for trial in told[len(self._heard) :]:
            self._hear(trial)
        asked = self._waiting or self._ask(number)
        if self.asks:
            self._waiting = asked
        else:
            self._study.tell(asked.trial, state=TrialState.FAIL)  # no sampler looks at it; what is told is shown
        return dict(asked.params)

    def _hear(self, trial: Told) -> None:
        if self.asks and not trial.given:
            asked = self._waiting or self._ask(self._proposed)
            self._waiting = None
            for step, value in (trial.pruned or {}).items():
                asked.trial.report(value, step)
            values = trial.values if trial.state == TrialState.COMPLETE else None
            self._study.tell(asked.trial, values, state=trial.state)
        else:
            known = distributions(self.search.space, trial.params)
            self._study.add_trial(
                optuna.trial.create_trial(
                    params=dict(trial.params),
                    distributions=known,
                    values=trial.values,
                    intermediate_values=dict(trial.pruned or {}),
                    state=trial.state,
                )
            )
        self._heard.append(trial)
        self._proposed += not trial.given

    def _ask(self, number: int) -> _Asked:
        self._study.sampler = self.made(number)
        trial = self._study.ask()
        values: dict[str, Any] = {}
        for name in parents_first(self.search.space):
            if exists(self.search.space, name, values):
                values[name] = self.search.space[name].suggested(trial, name)
        return _Asked(number, trial, existing(self.search.space, values))
