"""Optuna's trials: one for each configuration, proposed once and ended once."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import DBAPIError

from harness.core.errors import AwayError, HomeError
from harness.search.conditions import distributions
from harness.search.designs import Part
from harness.search.objective import means_over_runs
from harness.search.objective_names import name_objectives
from harness.search.pruners import Race
from harness.search.samplers import PastTrial
from harness.search.study import Study
from harness.search.trial_check import (
    END,
    PARAMS,
    damaged_in,
    end_digest,
    params_digest,
    set_aside,
)
from harness.search.trial_storage import open_storage, optuna_file
from harness.staging.leases import Leases
from harness.staging.ledger import RunRecord
from harness.staging.sqlite_file import is_damaged
from harness.staging.workspace import Workspace

__all__ = ["Proposals"]

log = logging.getLogger(__name__)

POLL_S = 0.05  # while another process proposes, which takes milliseconds
WHOLE = Part("", "", ())


class Proposals:
    """The Optuna study in `<home>/optuna.sqlite`, or beside the ledger on a server; continued if it exists.

    Processes take turns: SQLite would let two of them ask for the same trial.

    Args:
        study: whose configurations are proposed.
        workspace: with Optuna's database.
        part: the search among those of the study.
    """

    def __init__(self, study: Study, workspace: Workspace, part: Part = WHOLE) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = study
        self._part = part
        self._name = f"{study.name} {part.name}".strip()
        self._database = workspace.ledger.database
        self._leases = Leases(self._database)
        self._file = optuna_file(workspace)
        with self._turn():
            if self._file and is_damaged(self._file):
                set_aside(self._file)
            self._open(workspace)
            if damaged_in(self._optuna):
                self._reopen(workspace)

    def _open(self, workspace: Workspace) -> None:
        self._storage = open_storage(workspace)
        self._optuna = optuna.create_study(
            storage=self._storage,
            study_name=self._name,
            directions=list(self._study.objective_directions.values()),
            load_if_exists=True,
        )
        name_objectives(self._optuna, list(self._study.objective_directions))

    def _reopen(self, workspace: Workspace) -> None:
        """Forget the trials, which are not those that were written; they follow from the study and the ledger."""
        if self._file:
            self._storage.engine.dispose()
            set_aside(self._file)
        else:
            log.warning("Optuna's trials of %s are damaged; they are made anew from the ledger", self._name)
            optuna.delete_study(study_name=self._name, storage=self._storage)
        self._open(workspace)

    def params(self, trials: int) -> list[dict[str, Any]]:
        """Return the configurations of so many trials, proposing those that are new.

        A sampler that learns needs the ends of all trials but the last.
        """
        with self._turn():
            for number in range(len(self._optuna.get_trials(deepcopy=False)), trials):
                params = self._proposal(number)
                ranges = distributions(self._study.space, params)
                attributes = {PARAMS: params_digest(params)}
                proposed = create_trial(
                    state=TrialState.RUNNING, params=params, distributions=ranges, system_attrs=attributes
                )
                self._optuna.add_trial(proposed)  # in one transaction: a kill leaves all of it or nothing
            known = self._optuna.get_trials(deepcopy=False)[:trials]
        return [trial.params for trial in known]

    def _proposal(self, number: int) -> dict[str, Any]:
        past = self._past_trials(number) if self._study.sampler.learns else []
        return self._study.point(number, past, stream=self._part.stream)

    def _past_trials(self, count: int) -> list[PastTrial]:
        given = len(self._study.baselines)
        trials = self._optuna.get_trials(deepcopy=False)[:count]
        return [
            PastTrial(
                trial.params,
                value,
                trial.number < given,
                others=tuple(others),
                pruned=dict(trial.intermediate_values) if trial.state == TrialState.PRUNED else None,
            )
            for trial in trials
            for value, *others in [trial.values or [None]]
        ]

    def prunes(self, number: int, reports: Sequence[tuple[int, float]], race: Race) -> bool:
        """Return whether the trial is given up after `reports`, its values at each rung so far.

        Optuna must know the ends of all trials before it. The decision is stored once, and depends on nothing that a
        kill could leave half-written.
        """
        with self._turn():
            trials = self._optuna.get_trials(deepcopy=False)
            if trials[number].state.is_finished():
                return trials[number].state == TrialState.PRUNED
            if not reports:
                return False
            decided, pruned = _decision(self._study, self._name, trials[:number], reports, race)
            trial = self._trial_id(number)
            for name, value in decided.system_attrs.items():
                self._storage.set_trial_system_attr(trial, name, value)
            for at, value in reports:
                self._storage.set_trial_intermediate_value(trial, at, value)
            if pruned:
                self._end(number, TrialState.PRUNED)
            return pruned

    def _end(self, number: int, state: TrialState, values: Sequence[float] | None = None) -> None:
        """Tell Optuna the end of a trial, after its digest: without an end, that of another kill changes nothing."""
        self._storage.set_trial_system_attr(self._trial_id(number), END, end_digest(state, values))
        self._optuna.tell(number, values, state=state)

    def _trial_id(self, number: int) -> int:
        study = self._storage.get_study_id_from_name(self._name)
        return self._storage.get_trial_id_from_study_id_trial_number(study, number)

    def finished(self) -> frozenset[int]:
        """Return the trials whose ends Optuna knows."""
        with self._translated_errors():
            trials = self._optuna.get_trials(deepcopy=False)
        return frozenset(trial.number for trial in trials if trial.state.is_finished())

    def tell(self, number: int, runs: Sequence[RunRecord]) -> None:
        """Tell Optuna the mean of each objective over the trial's runs, unless it knows the trial's end already."""
        with self._turn():
            if self._storage.get_trial(self._trial_id(number)).state.is_finished():  # alone: there may be thousands
                return
            completed = [run.metrics for run in runs if run.status == "completed"]
            if values := means_over_runs(self._study.objective_directions, completed):
                self._note_arms(number, [run for run in runs if run.status == "completed"])
                self._end(number, TrialState.COMPLETE, values)
            else:
                self._end(number, TrialState.FAIL)

    def _note_arms(self, number: int, completed: Sequence[RunRecord]) -> None:
        """Write the mean of the deciding metric under each arm beside the trial, where Optuna's dashboard shows it."""
        name = next(iter(self._study.objective_directions))
        for arm in self._study.arms:
            if mean := means_over_runs([name], [run.metrics for run in completed if run.arm == arm]):
                self._storage.set_trial_user_attr(self._trial_id(number), f"{arm}: {name}", mean[0])

    @contextmanager
    def _turn(self) -> Iterator[None]:
        while True:
            with self._leases.hold(f"proposals of {self._name}") as lease:
                if lease:
                    with self._translated_errors():
                        yield
                    return
            time.sleep(POLL_S)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Raise the project's own error when a server went away, or a file cannot be used."""
        try:
            yield
        except (StorageInternalError, DBAPIError) as error:
            cause = error.__cause__ if isinstance(error, StorageInternalError) else error
            message = " ".join(str(cause.orig if isinstance(cause, DBAPIError) else cause or error).split())
            if self._file:
                raise HomeError(
                    f"expected Optuna's database at {self._file} that can be read and written, found: {message}; "
                    "once that is mended, or the file is gone, the same command goes on: all in it is in the ledger"
                ) from None
            said = self._database.quoted(message)
            raise AwayError(f"the database {self._database} went away while Optuna used it: {said}") from None


def _decision(
    study: Study,
    name: str,
    before: Sequence[FrozenTrial],
    reports: Sequence[tuple[int, float]],
    race: Race,
) -> tuple[FrozenTrial, bool]:
    """Return the next trial with what Optuna's pruner notes, and whether it is given up: in a copy, in memory."""
    assert study.pruner
    copy = optuna.create_study(study_name=name, direction=study.direction, pruner=study.pruner.made(race))
    copy.add_trials(before)
    asked, pruned = copy.ask(), False
    for at, value in reports:
        asked.report(value, at)
        pruned = asked.should_prune()
    return copy.trials[-1], pruned
