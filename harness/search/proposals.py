"""Optuna's part: one trial per configuration, asked for once and told once."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import URL

from harness.search.samplers import QuasiRandomSampler
from harness.search.study import Study
from harness.staging.ledger import RunRecord

__all__ = ["Proposals"]


def storage(home: Path) -> RDBStorage:
    """Return Optuna's storage in `home`, whatever characters its path has."""
    return RDBStorage(URL.create("sqlite", database=str(home / "optuna.sqlite")).render_as_string())


class Proposals:
    """The Optuna study in `<home>/optuna.sqlite`, continued if it exists."""

    def __init__(self, study: Study, home: Path) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = study
        self._sampler = QuasiRandomSampler(study.space, study.name)
        self._optuna = optuna.create_study(
            storage=storage(home),
            study_name=study.name,
            sampler=self._sampler,
            direction=study.direction,
            load_if_exists=True,
        )

    def params(self, number: int) -> dict[str, Any]:
        """Return the configuration of trial `number`, proposing it, and all before it, if they are new."""
        distributions = {name: dimension.distribution() for name, dimension in self._study.space.items()}
        while len(trials := self._optuna.get_trials(deepcopy=False)) <= number:
            self._optuna.ask(fixed_distributions=distributions)
        known = trials[number].params
        # A launch that was killed in the middle of asking leaves a trial without its values.
        return known if known.keys() == distributions.keys() else self._sampler.point(number)

    def tell(self, number: int, runs: Sequence[RunRecord]) -> None:
        """Tell Optuna what the trial came to, if it has not been told: the mean validation metric over its runs."""
        if self._optuna.get_trials(deepcopy=False)[number].state.is_finished():
            return
        values = [run.metrics[f"val/{self._study.metric}"] for run in runs if run.status == "completed"]
        if values:
            self._optuna.tell(number, fmean(values))
        else:
            self._optuna.tell(number, state=TrialState.FAIL)
