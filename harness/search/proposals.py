"""Optuna's part: one trial per configuration, asked for once and told once."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy import URL

from harness.search.conditions import distributions
from harness.search.objective import means_over_runs
from harness.search.samplers import Told
from harness.search.study import Study
from harness.staging.leases import Leases
from harness.staging.ledger import Ledger, RunRecord

__all__ = ["Proposals"]


LOOK_AGAIN_S = 0.05


class Proposals:
    """The Optuna study in `<home>/optuna.sqlite`, or beside the ledger on a server; continued if it exists.

    Processes take turns: SQLite would let two of them ask for the same trial.
    """

    def __init__(self, study: Study, home: Path, ledger: Ledger) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = study
        self._leases = Leases(ledger.database)
        with self._turn():
            self._optuna = optuna.create_study(
                storage=_storage(home, ledger),
                study_name=study.name,
                directions=list(study.weighed.values()),
                load_if_exists=True,
            )

    def params(self, trials: int) -> list[dict[str, Any]]:
        """Return the configurations of so many trials, proposing those that are new.

        A sampler that learns must have been told of all trials but the last.
        """
        with self._turn():
            for number in range(len(self._optuna.get_trials(deepcopy=False)), trials):
                params = self._proposal(number)
                ranges = distributions(self._study.space, params)
                proposed = create_trial(state=TrialState.RUNNING, params=params, distributions=ranges)
                self._optuna.add_trial(proposed)  # in one transaction: a kill leaves all of it or nothing
            known = self._optuna.get_trials(deepcopy=False)[:trials]
        return [trial.params for trial in known]

    def _proposal(self, number: int) -> dict[str, Any]:
        told = self._told(number) if self._study.sampler.learns else []
        return self._study.point(number, told)

    def _told(self, count: int) -> list[Told]:
        given = len(self._study.baselines)
        trials = self._optuna.get_trials(deepcopy=False)[:count]
        return [
            Told(trial.params, value, trial.number < given, others=tuple(others))
            for trial in trials
            for value, *others in [trial.values or [None]]
        ]

    def tell(self, number: int, runs: Sequence[RunRecord]) -> None:
        """Tell Optuna what the trial came to, if it has not been told: the mean of each objective over its runs."""
        with self._turn():
            if self._optuna.get_trials(deepcopy=False)[number].state.is_finished():
                return
            completed = [run.metrics for run in runs if run.status == "completed"]
            if values := means_over_runs(self._study.weighed, completed):
                self._optuna.tell(number, values)
            else:
                self._optuna.tell(number, state=TrialState.FAIL)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        while True:
            with self._leases.hold(f"proposals of {self._study.name}") as lease:
                if lease:
                    yield
                    return
            time.sleep(LOOK_AGAIN_S)


def _storage(home: Path, ledger: Ledger) -> RDBStorage:
    if ledger.database.path is None:
        return RDBStorage(ledger.database.url.render_as_string(hide_password=False))
    return RDBStorage(URL.create("sqlite", database=str(home / "optuna.sqlite")).render_as_string())
