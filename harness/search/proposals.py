"""Optuna's part: one trial per configuration, asked for once and told once."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from harness.core.errors import AwayError
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
        self._database = ledger.database
        self._leases = Leases(ledger.database)
        with self._turn():
            self._optuna = optuna.create_study(
                storage=_storage(home, ledger),
                study_name=study.name,
                direction=study.direction,
                load_if_exists=True,
            )

    def params(self, trials: int) -> list[dict[str, Any]]:
        """Return the configurations of so many trials, proposing those that are new.

        A sampler that learns must have been told of all trials but the last.
        """
        distributions = {name: dimension.distribution() for name, dimension in self._study.space.items()}
        with self._turn():
            for number in range(len(self._optuna.get_trials(deepcopy=False)), trials):
                proposed = create_trial(
                    state=TrialState.RUNNING, params=self._proposal(number), distributions=distributions
                )
                self._optuna.add_trial(proposed)  # in one transaction: a kill leaves all of it or nothing
            known = self._optuna.get_trials(deepcopy=False)[:trials]
        return [trial.params for trial in known]

    def _proposal(self, number: int) -> dict[str, Any]:
        told = self._told(number) if self._study.sampler.learns else []
        return self._study.point(number, told)

    def _told(self, count: int) -> list[Told]:
        given = len(self._study.baselines)
        trials = self._optuna.get_trials(deepcopy=False)[:count]
        return [Told(trial.params, trial.value, given=trial.number < given) for trial in trials]

    def told(self) -> frozenset[int]:
        """Return the trials whose ends Optuna knows."""
        with self._waited_for():
            trials = self._optuna.get_trials(deepcopy=False)
        return frozenset(trial.number for trial in trials if trial.state.is_finished())

    def tell(self, number: int, runs: Sequence[RunRecord]) -> None:
        """Tell Optuna what the trial came to, if it has not been told: the mean validation metric over its runs."""
        with self._turn():
            if self._optuna.get_trials(deepcopy=False)[number].state.is_finished():
                return
            metric = f"val/{self._study.metric}"
            values = [run.metrics[metric] for run in runs if run.status == "completed" and metric in run.metrics]
            if values:
                self._optuna.tell(number, fmean(values))
            else:
                self._optuna.tell(number, state=TrialState.FAIL)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        while True:
            with self._leases.hold(f"proposals of {self._study.name}") as lease:
                if lease:
                    with self._waited_for():
                        yield
                    return
            time.sleep(LOOK_AGAIN_S)

    @contextmanager
    def _waited_for(self) -> Iterator[None]:
        """Say in the project's words that a server went away."""
        try:
            yield
        except (StorageInternalError, DBAPIError) as error:
            if self._database.path is not None:
                raise
            found = " ".join(str(error.__cause__ or error).split())
            raise AwayError(f"the database {self._database} went away while Optuna used it: {found}") from None


def _storage(home: Path, ledger: Ledger) -> RDBStorage:
    if ledger.database.path is None:
        url = ledger.database.url.render_as_string(hide_password=False)
        # A connection that was kept may be to a server that was started anew meanwhile.
        return RDBStorage(url, engine_kwargs={"poolclass": NullPool})
    home.mkdir(parents=True, exist_ok=True)  # the ledger may be a file elsewhere
    return RDBStorage(URL.create("sqlite", database=str(home / "optuna.sqlite")).render_as_string())
