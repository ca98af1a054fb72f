"""Optuna's study of the past trials, in memory, kept from one proposal to the next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from harness.search.conditions import distributions, existing, exists, parents_first
from harness.search.samplers._search import PastTrial, Search

__all__ = ["ReplayedStudy"]


@dataclass(frozen=True)
class _Proposal:
    number: int
    trial: optuna.Trial
    params: dict[str, Any]


@dataclass
class ReplayedStudy:
    """A study in memory, into which each past trial is replayed once.

    Attributes:
        sampler_for: returns Optuna's sampler for the proposal of a number.
        asks: whether past proposals are asked for again, since the sampler writes notes beside them; else they are
            only added.
    """

    search: Search
    sampler_for: Callable[[int], BaseSampler]
    asks: bool
    _past: list[PastTrial] = field(default_factory=list)
    _proposed: int = 0
    _open: _Proposal | None = None

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(directions=self.search.directions)

    def leads_to(self, number: int, past: Sequence[PastTrial]) -> bool:
        """Return whether `past` continues what was replayed, so that `propose` gives what an empty study would."""
        known = len(self._past)
        if self._past != list(past[:known]):
            return False
        if self._open is None:
            return True
        if len(past) == known:
            return number == self._open.number
        return not past[known].given and past[known].params == self._open.params

    def propose(self, number: int, past: Sequence[PastTrial]) -> dict[str, Any]:
        """Return what Optuna proposes as number `number` after the trials in `past`."""
        for trial in past[len(self._past) :]:
            self._replay(trial)
        proposal = self._open or self._ask(number)
        if self.asks:
            self._open = proposal
        else:
            self._study.tell(proposal.trial, state=TrialState.FAIL)  # which no sampler looks at; its end is added later
        return dict(proposal.params)

    def _replay(self, past: PastTrial) -> None:
        if self.asks and not past.given:
            trial = (self._open or self._ask(self._proposed)).trial
            self._open = None
            for step, value in (past.pruned or {}).items():
                trial.report(value, step)
            values = past.values if past.state == TrialState.COMPLETE else None
            self._study.tell(trial, values, state=past.state)
        else:
            self._study.add_trial(
                optuna.trial.create_trial(
                    params=dict(past.params),
                    distributions=distributions(self.search.space, past.params),
                    values=past.values,
                    intermediate_values=dict(past.pruned or {}),
                    state=past.state,
                )
            )
        self._past.append(past)
        self._proposed += not past.given

    def _ask(self, number: int) -> _Proposal:
        self._study.sampler = self.sampler_for(number)
        trial = self._study.ask()
        values: dict[str, Any] = {}
        for name in parents_first(self.search.space):
            if exists(self.search.space, name, values):
                values[name] = self.search.space[name].suggested(trial, name)
        return _Proposal(number, trial, existing(self.search.space, values))
